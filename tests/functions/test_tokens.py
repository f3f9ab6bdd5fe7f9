import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from functions.access import Issuer as Wanted
from functions.keys import Keys, fetched
from functions.tokens import TokenError, Verifier, verifier_of
from loopwright.errors import UnavailableError
from tests.functions.issuer import AUDIENCE, EMAIL, Issuer, issuing, stripped, unsigned


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def verifier(issuer: Issuer, *, front: bool = False) -> Verifier:
    return verifier_of(Wanted((issuer.address,), AUDIENCE, issuer.certs, front))


def test_a_token_of_the_issuer_says_who_it_is_of(issuer: Issuer) -> None:
    assert verifier(issuer).verify(issuer.token())["email"] == EMAIL


def test_a_token_may_be_signed_on_a_curve_and_be_for_several(issuer: Issuer) -> None:
    issuer.add("curve", curve=True)
    token = issuer.token(key="curve", aud=["https://other.example", AUDIENCE])
    assert verifier(issuer).verify(token)["email"] == EMAIL


def test_where_the_keys_are_is_read_from_the_openid_configuration(issuer: Issuer) -> None:
    found = verifier_of(Wanted((issuer.address,), AUDIENCE))
    assert found.verify(issuer.token())["email"] == EMAIL


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://other.example"}, "for somebody else"),
        ({"aud": f"{AUDIENCE}/messages"}, "for somebody else"),
        ({"aud": None}, "lacks a claim"),
        ({"iss": "https://accounts.google.com"}, "of another issuer"),
        ({"iss": None}, "lacks a claim"),
        ({"exp": int(time.time()) - 3_600}, "has expired"),
        ({"exp": None}, "lacks a claim"),
        ({"iat": int(time.time()) + 3_600}, "not valid yet"),
        ({"nbf": int(time.time()) + 3_600}, "not valid yet"),
        ({"iat": None}, "lacks a claim"),
    ],
)
@pytest.mark.parametrize("front", [False, True], ids=["signed", "signature verified in front"])
def test_what_a_token_says_must_hold(issuer: Issuer, claims: dict[str, object], why: str, *, front: bool) -> None:
    claims = {"iat": int(time.time()) - 7_200} | claims if "exp" in claims else claims
    token = issuer.token(**claims)
    with pytest.raises(TokenError, match=why):
        verifier(issuer, front=front).verify(stripped(token) if front else token)


def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    now = int(time.time())
    verifier(issuer).verify(issuer.token(iat=now + 10, nbf=now + 10))
    verifier(issuer).verify(issuer.token(iat=now - 100, exp=now - 10))


def test_a_token_without_a_signature_is_refused_whatever_it_calls_that(issuer: Issuer) -> None:
    token = issuer.token()
    for name in ("none", "None", "HS256", "RS512", ""):
        with pytest.raises(TokenError, match="not signed with one of RS256, ES256"):
            verifier(issuer).verify(unsigned(token, {"alg": name, "kid": "one"}))
    with pytest.raises(TokenError, match="signature is wrong"):
        verifier(issuer).verify(unsigned(token, {"alg": "RS256", "kid": "one"}))


def test_a_token_that_somebody_else_has_signed_is_refused(issuer: Issuer) -> None:
    with issuing() as other:
        with pytest.raises(TokenError, match="signature is wrong"):
            verifier(issuer).verify(other.token(iss=issuer.address))
        other.add("two")
        with pytest.raises(TokenError, match="a key that its issuer does not have"):
            verifier(issuer).verify(other.token(iss=issuer.address, key="two"))


def test_an_rsa_key_does_not_verify_what_says_it_is_signed_on_a_curve(issuer: Issuer) -> None:
    issuer.add("curve", curve=True)
    with pytest.raises(TokenError):
        verifier(issuer).verify(issuer.token(key="one", signed_by="curve"))


def test_a_token_whose_signature_the_front_took_away_is_taken_only_where_one_is(issuer: Issuer) -> None:
    token = stripped(issuer.token())
    assert verifier(issuer, front=True).verify(token)["email"] == EMAIL
    assert verifier(issuer, front=True).is_ready(token)
    assert issuer.asked == 0
    with pytest.raises(TokenError, match="signature is wrong"):
        verifier(issuer).verify(token)


def test_behind_a_front_a_signature_that_is_there_must_be_right(issuer: Issuer) -> None:
    found = verifier(issuer, front=True)
    assert found.verify(issuer.token())["email"] == EMAIL
    with pytest.raises(TokenError, match="signature is wrong"):
        found.verify(f"{issuer.token().rpartition('.')[0]}.c2lnbmF0dXJl")


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "..", "é.b.c", "x" * 20_000, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"])
def test_what_is_no_token_is_refused_in_words(issuer: Issuer, token: str) -> None:
    found = verifier(issuer)
    assert found.is_ready(token)
    with pytest.raises(TokenError):
        found.verify(token)


@given(
    token=some.text(max_size=200) | some.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", fullmatch=True)
)
def test_no_text_is_taken_for_a_token(token: str) -> None:
    def unreachable() -> tuple[dict[str, object], float]:
        raise UnavailableError("nobody is asked about it")

    found = Verifier(Wanted(("https://issuer.example",), AUDIENCE, front=True), Keys(unreachable))
    with pytest.raises((TokenError, UnavailableError)):
        found.verify(token)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def keys(issuer: Issuer, clock: Clock) -> Keys:
    return Keys(lambda: fetched(issuer.certs), timer=clock)


def test_keys_are_kept_as_long_as_their_issuer_says(issuer: Issuer) -> None:
    clock, issuer.cache_control = Clock(), "public, max-age=600, must-revalidate"
    found = keys(issuer, clock)
    for _ in range(3):
        assert found.get("one")
    assert (issuer.asked, found.at_hand("one") is not None) == (1, True)
    clock.now += 601
    assert found.at_hand("one") is None
    assert found.get("one")
    assert issuer.asked == 2


def test_a_key_that_is_not_known_makes_look_again_but_not_each_time(issuer: Issuer) -> None:
    clock = Clock()
    found = keys(issuer, clock)
    assert found.get("two") is None
    issuer.add("two")
    assert found.get("two") is None  # a moment after the last look
    clock.now += 31
    assert found.get("two")
    for _ in range(10):
        assert found.get("three") is None
    assert issuer.asked == 2


def test_while_the_issuer_is_away_its_keys_go_on_for_some_hours(
    issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    found = keys(issuer, clock)
    assert found.get("one")
    issuer.broken = True
    clock.now += 3 * 3_600
    assert found.get("one")
    assert "answers 500" in capsys.readouterr().err
    with pytest.raises(UnavailableError, match="answers 500"):
        found.get("two")
    clock.now += 5 * 3_600
    with pytest.raises(UnavailableError, match="answers 500"):
        found.get("one")
    issuer.broken = False
    with pytest.raises(UnavailableError):
        found.get("one")  # a moment after the last look
    clock.now += 2
    assert found.get("one")


def test_keys_of_other_kinds_and_for_other_uses_are_left_out(issuer: Issuer) -> None:
    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}
    (public,) = issuer.document("/certs")["keys"]
    issuer.extra = [secret, {"kty": "new"}, {**public, "kid": "for encryption", "use": "enc"}, {"kid": "empty"}]
    found = keys(issuer, Clock())
    assert found.get("one")
    assert [found.get(name) for name in ("secret", "for encryption", "empty")] == [None, None, None]


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": [{"kty": "new"}]}, {"keys": [7]}, {"keys": "none"}])
def test_a_key_set_without_a_key_is_none(document: dict[str, object]) -> None:
    with pytest.raises(UnavailableError, match="no key that can be used"):
        Keys(lambda: (document, 60.0)).get("one")


def test_a_configuration_of_somebody_else_is_not_believed(issuer: Issuer) -> None:
    elsewhere = f"{issuer.address}/tenant"
    found = verifier_of(Wanted((elsewhere,), AUDIENCE))
    with pytest.raises(UnavailableError, match=r"wanted 'http://127\.0\.0\.1"):
        found.verify(issuer.token(iss=elsewhere))


def test_an_issuer_that_nobody_finds_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="does not tell the keys"):
        fetched("http://127.0.0.1:9/certs")

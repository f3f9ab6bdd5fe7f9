import re
from hashlib import sha256

import pytest

from functions import access
from functions.access import GOOGLE_CERTS, GOOGLE_ISSUERS, Access, ApiKey, Callers, Issuer, is_safe
from functions.entrance import ABOUT
from loopwright.errors import DefinitionError

KEY = {"LOOPWRIGHT_API_KEY": "0123456789abcdef"}
ANN = "the key of ann which nobody else has"
JWT = {"LOOPWRIGHT_JWT_ISSUER": "https://issuer.example/", "LOOPWRIGHT_JWT_AUDIENCE": "airport"}
CALLERS = {
    "LOOPWRIGHT_CALLERS_AUDIENCE": "https://retrain.example",
    "LOOPWRIGHT_CALLERS_EMAILS": "a@x.example, b@x.example",
}


def test_the_entrance_asks_about_access_whenever_a_variable_of_it_is_there() -> None:
    named = set(re.findall(r"LOOPWRIGHT_\w+", access.__doc__ or ""))
    assert len(named) > 7
    assert all(name.startswith(ABOUT) for name in named)


def test_nothing_said_is_nothing_meant() -> None:
    assert Access.from_env({}) == Access()
    assert Access.from_env({"LOOPWRIGHT_AUTH": " ", "LOOPWRIGHT_API_KEY": "\n"}) == Access()


@pytest.mark.parametrize("auth", ["iam", "public-without-any-check"])
def test_where_somebody_else_checks_or_nobody_that_is_said(auth: str) -> None:
    assert Access.from_env({"LOOPWRIGHT_AUTH": auth}) == Access(auth)


def test_a_key_is_what_people_send_without_the_line_end_of_a_file() -> None:
    for said in ({}, {"LOOPWRIGHT_AUTH": "apikey"}):
        found = Access.from_env({**said, "LOOPWRIGHT_API_KEY": "0123456789abcdef\n"})
        assert found == Access("apikey", (ApiKey("apikey", sha256(b"0123456789abcdef").digest()),))


def test_people_have_keys_of_their_own_as_they_are_or_as_digests_and_two_while_one_takes_the_others_place() -> None:
    digest = sha256(b"the key of bob").hexdigest()
    keys = f"ann@x.example:{ANN}, bob:sha256={digest},ann@x.example:another-key-of-ann,"
    for more in ({}, KEY):
        found = Access.from_env({**more, "LOOPWRIGHT_API_KEYS": keys})
        assert [one.name for one in found.keys][-3:] == ["ann@x.example", "bob", "ann@x.example"]
        assert [one.digest for one in found.keys][-3:-1] == [sha256(ANN.encode()).digest(), bytes.fromhex(digest)]
        assert len(found.keys) == 3 + len(more)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (f":{ANN}", "no `name:key`"),
        (f"{ANN}", "no `name:key`"),
        ("ann:", "no `name:key`"),
        ("ann:short", "the key of ann in LOOPWRIGHT_API_KEYS has 5 characters"),
        ("ann:sha256=abc", "a digest is sha256= and 64 hexadecimal digits"),
        (f"ann:sha256={'A' * 64}", "in lower case"),
        (f"ann:{ANN},bob:{ANN}", "ann and bob have the same key"),
        (",", "names nobody"),
    ],
)
def test_keys_that_are_none_are_refused_and_no_key_is_told(keys: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told) as caught:
        Access.from_env({"LOOPWRIGHT_API_KEYS": keys})
    assert ANN not in str(caught.value)


def test_a_key_is_in_no_representation() -> None:
    assert ANN not in repr(Access.from_env({"LOOPWRIGHT_API_KEYS": f"ann:{ANN}"}))


def test_who_somebody_is_may_be_told_by_another_claim_and_by_cloud_runs_own_check() -> None:
    found = Access.from_env({"LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_AUTH_FRONT": "cloud-run"})
    assert (found.front, found.claim) == (True, "")
    assert Access.from_env({**JWT, "LOOPWRIGHT_AUTH_NAME": "upn"}).claim == "upn"


def test_an_issuer_and_an_audience_are_whose_tokens_people_send() -> None:
    wanted = Access("jwt", issuer=Issuer(("https://issuer.example/",), "airport"))
    assert Access.from_env(JWT) == Access.from_env({**JWT, "LOOPWRIGHT_AUTH": "jwt"}) == wanted


def test_schedules_and_pushes_have_tokens_of_google() -> None:
    emails = frozenset({"a@x.example", "b@x.example"})
    assert Access.from_env(CALLERS).callers == Callers(
        Issuer(GOOGLE_ISSUERS, "https://retrain.example", GOOGLE_CERTS), emails
    )


def test_another_issuer_of_theirs_may_be_named_with_its_keys_or_without() -> None:
    named = {**CALLERS, "LOOPWRIGHT_CALLERS_ISSUER": "https://issuer.example"}
    found = Access.from_env(named).callers
    assert found
    assert found.issuer == Issuer(("https://issuer.example",), "https://retrain.example")
    found = Access.from_env({**named, "LOOPWRIGHT_CALLERS_CERTS": "http://127.0.0.1:8/certs"}).callers
    assert found
    assert found.issuer.certs == "http://127.0.0.1:8/certs"


def test_a_front_that_verifies_signatures_is_told_where_nobody_else_comes_in() -> None:
    found = Access.from_env({**CALLERS, "LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_CALLERS_FRONT": "cloud-run"}).callers
    assert found
    assert found.issuer.front


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"LOOPWRIGHT_AUTH": "none"}, "LOOPWRIGHT_AUTH=none: use one of iam, apikey, jwt, public-without-any-check"),
        ({"LOOPWRIGHT_AUTH": "apikey"}, "apikey wants LOOPWRIGHT_API_KEY too"),
        ({"LOOPWRIGHT_AUTH": "apikey", "LOOPWRIGHT_API_KEY": " "}, "apikey wants LOOPWRIGHT_API_KEY too"),
        ({"LOOPWRIGHT_API_KEY": "short"}, "has 5 characters, which can be guessed"),
        ({"LOOPWRIGHT_AUTH": "jwt", **KEY}, "LOOPWRIGHT_API_KEY is set, and would be checked by nobody"),
        ({"LOOPWRIGHT_AUTH": "iam", **KEY}, "LOOPWRIGHT_API_KEY is set, and would be checked by nobody"),
        ({"LOOPWRIGHT_AUTH": "public-without-any-check", **JWT}, "LOOPWRIGHT_JWT_ISSUER is set, and would be checked"),
        ({**KEY, **JWT}, "LOOPWRIGHT_AUTH is not set: both"),
        ({"LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_API_KEYS": f"ann:{ANN}"}, "LOOPWRIGHT_API_KEYS is set, and would be"),
        ({**KEY, "LOOPWRIGHT_AUTH_FRONT": "cloud-run"}, "LOOPWRIGHT_AUTH_FRONT=cloud-run wants LOOPWRIGHT_AUTH=iam"),
        ({"LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_AUTH_FRONT": "iap"}, "LOOPWRIGHT_AUTH_FRONT=iap: use cloud-run"),
        ({"LOOPWRIGHT_JWT_ISSUER": "https://issuer.example"}, "jwt wants LOOPWRIGHT_JWT_AUDIENCE too"),
        ({"LOOPWRIGHT_JWT_AUDIENCE": "airport"}, "jwt wants LOOPWRIGHT_JWT_ISSUER too"),
        ({**JWT, "LOOPWRIGHT_JWT_ISSUER": "http://issuer.example"}, "use an https:// address"),
        ({"LOOPWRIGHT_CALLERS_AUDIENCE": "x"}, "LOOPWRIGHT_CALLERS_EMAILS must be set too"),
        ({"LOOPWRIGHT_CALLERS_EMAILS": "x"}, "LOOPWRIGHT_CALLERS_AUDIENCE must be set too"),
        ({"LOOPWRIGHT_CALLERS_FRONT": "cloud-run"}, "AUDIENCE, LOOPWRIGHT_CALLERS_EMAILS must be set too"),
        ({**CALLERS, "LOOPWRIGHT_CALLERS_EMAILS": " , "}, "names nobody"),
        ({**CALLERS, "LOOPWRIGHT_CALLERS_CERTS": "http://certs.example"}, "use an https:// address"),
        ({**CALLERS, "LOOPWRIGHT_CALLERS_ISSUER": "issuer.example"}, "use an https:// address"),
        ({**CALLERS, "LOOPWRIGHT_CALLERS_FRONT": "cloud-run"}, "wants LOOPWRIGHT_AUTH=iam"),
        ({**CALLERS, **KEY, "LOOPWRIGHT_CALLERS_FRONT": "cloud-run"}, "wants LOOPWRIGHT_AUTH=iam"),
        ({**CALLERS, "LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_CALLERS_FRONT": "nginx"}, "use cloud-run"),
    ],
)
def test_what_is_there_by_halves_or_contradicts_itself_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        Access.from_env(given)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://issuer.example/x", True),
        ("http://127.0.0.1:8/x", True),
        ("http://[::1]:8", True),
        ("http://localhost:8", True),
        ("http://127.0.0.1.example/x", False),
        ("http://10.0.0.1/x", False),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_an_address_is_safe_over_https_or_on_this_machine(address: str, *, safe: bool) -> None:
    assert is_safe(address) is safe

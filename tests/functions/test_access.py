import re

import pytest

from functions import access
from functions.access import GOOGLE_CERTS, GOOGLE_ISSUERS, Access, Callers, Issuer, is_safe
from functions.entrance import ABOUT
from loopwright.errors import DefinitionError

KEY = {"LOOPWRIGHT_API_KEY": "0123456789abcdef"}
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
        assert Access.from_env({**said, "LOOPWRIGHT_API_KEY": "0123456789abcdef\n"}) == Access(
            "apikey", "0123456789abcdef"
        )


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

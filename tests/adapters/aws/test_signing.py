"""botocore's own signer is the judge."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import given
from hypothesis import strategies as st

from adapters.aws.signing import Credentials, Request, Signer

REGION = "eu-central-1"

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
segments = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=8)
paths = st.lists(segments.filter(lambda text: text not in {".", ".."}), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
queries = st.dictionaries(texts.filter(bool), texts, max_size=4)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
headers = st.dictionaries(
    st.sampled_from(["Content-Type", "X-Amz-Target", "If-Match", "If-None-Match", "x-amz-meta-write", "Range"]),
    printable,
)
credentials = st.builds(
    Credentials,
    st.from_regex(r"AKIA[A-Z0-9]{4,16}", fullmatch=True),
    segments,
    st.just("") | st.from_regex(r"[A-Za-z0-9+/=]{1,40}", fullmatch=True),
)
moments = st.integers(946_684_800, 4_102_444_800).map(float)
requests = st.builds(
    Request,
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:4566"]),
    paths,
    queries,
    headers,
    st.binary(max_size=20),
)


@given(request=requests, who=credentials, now=moments, service=st.sampled_from(["s3", "dynamodb", "sqs", "lambda"]))
def test_a_request_is_signed_as_botocore_signs_it(request: Request, who: Credentials, now: float, service: str) -> None:
    ours = Signer(service, REGION).headers(request, who, now)
    theirs = judged(request, who, now, service)
    for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256"):
        assert ours.get(name) == theirs.headers.get(name)


@given(request=requests, who=credentials, now=moments, service=st.sampled_from(["s3", "lambda"]))
def test_a_url_is_signed_as_botocore_signs_it(request: Request, who: Credentials, now: float, service: str) -> None:
    request = replace(request, headers={}, body=b"")  # a URL carries neither
    ours = Signer(service, REGION).query(request, who, now, seconds=60)
    theirs = judged(request, who, now, service, in_query=True)
    assert ours == dict(parse_qsl(urlsplit(theirs.url).query, keep_blank_values=True))


@given(request=requests, who=credentials, now=moments)
def test_a_signer_forgets_no_other_secret_and_no_other_day(request: Request, who: Credentials, now: float) -> None:
    signer = Signer("s3", REGION)
    other = Credentials(who.access_key, who.secret_key + "x")
    signed = [signer.headers(request, one, at) for one in (who, other) for at in (now, now + 86_400.0)]
    assert signed == [
        Signer("s3", REGION).headers(request, one, at) for one in (who, other) for at in (now, now + 86_400.0)
    ]
    assert len({each["Authorization"] for each in signed}) == 4


def test_secrets_are_in_no_representation() -> None:
    assert "topsecret" not in repr(Credentials("AKIA", "topsecret", "topsecret"))


def judged(request: Request, who: Credentials, now: float, service: str, *, in_query: bool = False) -> AWSRequest:
    """Return the request after botocore has signed it at that moment."""
    headers = {**request.headers, "Host": request.host}
    theirs = AWSRequest(request.method, f"https://{request.host}{request.target}", headers, request.body)
    theirs.context["payload_signing_enabled"] = True
    name = ("S3SigV4" if service == "s3" else "SigV4") + ("QueryAuth" if in_query else "Auth")
    keys = TheirCredentials(who.access_key, who.secret_key, who.token or None)
    more = {"expires": 60} if in_query else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
        getattr(botocore.auth, name)(keys, service, REGION, **more).add_auth(theirs)
    return theirs

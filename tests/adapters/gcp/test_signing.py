"""Signatures; the digests of what is signed are those of Google's own conformance tests (storage/v1/v4_signatures)."""

import base64
import json
from pathlib import Path

import pytest
from typing_extensions import override

from adapters.gcp.api import Api, Clients
from adapters.gcp.place import GcpPlace
from adapters.gcp.signing import MachineSigner, PersonSigner, Signer, signed_url, signer_of
from adapters.gcp.tokens import Nobody
from loopwright.clock import parse_time
from loopwright.errors import DeniedError, InvalidInputError
from tests.adapters.gcp.test_tokens import key_file, nobody_here
from tests.clouds.google.accounts import ACCOUNT, signed_by_account
from tests.clouds.google.world import start
from tests.clouds.scripted import Answer, scripted

NOWHERE = GcpPlace("p", "r", "b", "d", "q")


class Noting(Signer):
    """Notes what it is to sign."""

    def __init__(self) -> None:
        self.signed = b""

    @override
    def account(self) -> str:
        return "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"

    @override
    def sign(self, text: bytes, *, seconds: int) -> bytes:
        self.signed = text
        return b"\xab\xcd"


@pytest.mark.parametrize(
    ("origin", "day", "seconds", "digest"),
    [
        (
            "https://storage.googleapis.com",
            "2019-02-01",
            10,
            "00e2fb794ea93d7adb703edaebdd509821fcc7d4f1a79ac5c8d2b394df109320",
        ),
        (
            "https://storage.googleapis.com",
            "2019-03-01",
            20,
            "779f19fdb6fd381390e2d5af04947cf21750277ee3c20e0c97b7e46a1dff8907",
        ),
        (
            "https://xyz.googleapis.com",
            "2019-02-01",
            10,
            "4f6f519cc03e25d19fcd476d7a45bffcccdba33d10e00214a0f2debc204e2386",
        ),
    ],
)
def test_what_is_signed_is_what_google_expects(origin: str, day: str, seconds: int, digest: str) -> None:
    signer, now, date = Noting(), parse_time(f"{day}T09:00:00Z"), day.replace("-", "")
    url = signed_url(origin, "/test-bucket/test-object", method="GET", seconds=seconds, now=now, signer=signer)
    scope = f"{date}/auto/storage/goog4_request"
    assert signer.signed.decode() == f"GOOG4-RSA-SHA256\n{date}T090000Z\n{scope}\n{digest}"
    assert url == (
        f"{origin}/test-bucket/test-object?X-Goog-Algorithm=GOOG4-RSA-SHA256"
        "&X-Goog-Credential=test-iam-credentials%40dummy-project-id.iam.gserviceaccount.com%2F"
        f"{date}%2Fauto%2Fstorage%2Fgoog4_request"
        f"&X-Goog-Date={date}T090000Z&X-Goog-Expires={seconds}&X-Goog-SignedHeaders=host&X-Goog-Signature=abcd"
    )


def test_a_machines_account_signs(tmp_path: Path) -> None:
    google = start(["accounts"], folder=tmp_path)
    try:
        clients = Clients(Nobody(), endpoint=google.endpoint)
        signer = signer_of({}, GcpPlace("p", "r", "b", "d", "q", endpoint=google.endpoint), clients.api)
        signature = signer.sign(b"text", seconds=60)
        assert signer.account() == ACCOUNT
        assert signed_by_account(tmp_path, b"text", signature)
        assert not signed_by_account(tmp_path, b"another text", signature)
        clients.close()
    finally:
        google.stop()


def test_a_machines_account_is_asked_for_once_and_signs_as_itself() -> None:
    signed = Answer(200, json.dumps({"signedBlob": base64.b64encode(b"s").decode()}).encode())
    with scripted(Answer(200, b"robot@p.iam\n"), signed, signed) as script:
        api = Api("iamcredentials.googleapis.com", endpoint=script.endpoint, tokens=Nobody())
        signer = MachineSigner(script.endpoint.removeprefix("http://"), lambda _: api)
        assert [signer.sign(b"text", seconds=43_200) for _ in range(2)] == [b"s", b"s"]
        with pytest.raises(InvalidInputError, match="43,201 s: a machine's account signs for 43,200 s at most"):
            signer.sign(b"text", seconds=43_201)
        api.close()
    assert [asked.target for asked in script.asked] == [
        "/computeMetadata/v1/instance/service-accounts/default/email",
        *["/v1/projects/-/serviceAccounts/robot%40p.iam:signBlob"] * 2,
    ]
    assert json.loads(script.asked[1].body) == {"payload": base64.b64encode(b"text").decode()}


def test_an_account_that_may_not_sign_for_itself_is_told_what_it_lacks() -> None:
    with scripted(Answer(200, b"robot@p.iam"), Answer(403)) as script:
        api = Api("iamcredentials.googleapis.com", endpoint=script.endpoint, tokens=Nobody())
        signer = MachineSigner(script.endpoint.removeprefix("http://"), lambda _: api)
        with pytest.raises(DeniedError, match=r"sign as robot@p.iam \(it needs roles/iam.serviceAccountTokenCreator"):
            signer.sign(b"text", seconds=60)
        api.close()


def test_who_signs_depends_on_where_a_process_runs() -> None:
    clients = Clients(Nobody(), endpoint="")
    assert isinstance(signer_of({"K_SERVICE": "predict"}, NOWHERE, clients.api), MachineSigner)
    assert isinstance(signer_of({}, NOWHERE, clients.api), PersonSigner)


def test_the_key_of_a_service_account_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    nobody_here(tmp_path, monkeypatch)
    path = key_file(tmp_path, "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    signer = PersonSigner()
    assert signer.account() == "robot@p.iam.gserviceaccount.com"
    key = load_pem_private_key(json.loads(path.read_text())["private_key"].encode(), None)
    key.public_key().verify(signer.sign(b"text", seconds=60), b"text", PKCS1v15(), SHA256())  # type: ignore[union-attr, call-arg] # an RSA key


def test_a_persons_login_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_here(tmp_path, monkeypatch)
    signer = PersonSigner()
    with pytest.raises(DeniedError, match="impersonate-service-account"):
        signer.account()
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(login))
    with pytest.raises(DeniedError, match="a person's login signs no URLs"):
        signer.sign(b"text", seconds=60)

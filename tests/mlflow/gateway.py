"""An HTTP API with AWS_IAM in front of a function: it verifies signatures, and tells the function who has signed."""

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typing_extensions import override

from functions.handlers import Handler

REGION: Final = "eu-central-1"
_SERVICE: Final = "execute-api"
_REFUSED: Final = b'{"message":"Forbidden"}'


@dataclass(frozen=True)
class Person:
    """Whom AWS knows: by a key, which has a secret; and under which ARN."""

    key: str
    secret: str
    arn: str


class _Signed(SigV4Auth):
    """Signs again what was signed, at the moment that it was."""

    @override
    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        """Change nothing."""


def signer(headers: Mapping[str, str], method: str, url: str, body: bytes, people: Mapping[str, Person]) -> str | None:
    """Return the ARN of who has signed a request, or None."""
    told = headers.get("authorization", "")
    try:
        scheme, rest = told.split(" ", 1)
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        key, date, region, service, _ = parts["Credential"].split("/")
        person, moment = people[key], headers["x-amz-date"]
    except (ValueError, KeyError):
        return None
    if (scheme, region, service, moment[:8]) != ("AWS4-HMAC-SHA256", REGION, _SERVICE, date):
        return None
    named = parts["SignedHeaders"].split(";")
    request = AWSRequest(method, url, {name: headers[name] for name in named}, body)
    request.context["timestamp"] = moment
    auth = _Signed(Credentials(person.key, person.secret), _SERVICE, REGION)
    canonical = "\n".join(
        [
            method,
            auth._normalize_url_path(urlsplit(url).path or "/"),
            auth.canonical_query_string(request),
            *(f"{name}:{' '.join(headers[name].split())}" for name in named),
            "",
            ";".join(named),
            auth.payload(request),
        ]
    )
    wanted = auth.signature(auth.string_to_sign(request, canonical), request)
    return person.arn if wanted == parts["Signature"] else None


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, handler: Handler, people: Mapping[str, Person], *given: Any) -> None:  # noqa: ANN401 - socketserver's
        self._handler = handler
        self._people = people
        super().__init__(*given)

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        arn = signer(headers, self.command, f"http://{headers['host']}{self.path}", body, self._people)
        if arn is None:
            self._send(403, {"content-type": "application/json"}, _REFUSED)
            return
        found: Any = self._handler(self._event(headers, body, arn), None)
        text = found["body"]
        sent = base64.b64decode(text) if found["isBase64Encoded"] else text.encode()
        self._send(found["statusCode"], found["headers"], sent)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - they are found by these names

    def _event(self, headers: Mapping[str, str], body: bytes, arn: str) -> dict[str, object]:
        url = urlsplit(self.path)
        return {
            "version": "2.0",
            "rawPath": url.path,
            "rawQueryString": url.query,
            "headers": dict(headers),
            "requestContext": {
                "http": {"method": self.command, "path": url.path, "sourceIp": "127.0.0.1"},
                "authorizer": {"iam": {"userArn": arn}},
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name != "content-length":
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def gateway(handler: Handler, people: list[Person]) -> Iterator[str]:
    """Yield the address of an API that lets these people in, and nobody else."""
    known = {person.key: person for person in people}
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Requests, handler, known)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()

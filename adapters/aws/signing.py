"""Signature Version 4: how AWS knows who asks.

Source: "Create a signed AWS API request", AWS Identity and Access Management user guide.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""Stands for the digest of a body that the signature does not cover."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. `expires` is a moment; None: these stay good."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to a service; `path` and `query` are not encoded yet."""

    method: str
    host: str
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        query = query_text(self.query)
        return path_text(self.path) + (f"?{query}" if query else "")


class Signer:
    """Signs requests to one service in one region; a day's key is derived once."""

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region
        self._derived: tuple[str, str, bytes] | None = None

    def headers(self, request: Request, credentials: Credentials, now: float) -> dict[str, str]:
        """Return the request's headers with those that sign it."""
        stamp = _stamp(now)
        digest = hashlib.sha256(request.body).hexdigest()
        headers = {**request.headers, "Host": request.host, "X-Amz-Date": stamp}
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        if self._service == "s3":
            headers["X-Amz-Content-SHA256"] = digest
        names, canonical = _canonical_headers(headers)
        path = self._canonical_path(request)
        text = "\n".join((request.method, path, query_text(request.query), canonical, names, digest))
        signature = self._signature(text, credentials, stamp)
        credential = f"{credentials.access_key}/{self._scope(stamp)}"
        headers["Authorization"] = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return headers

    def query(self, request: Request, credentials: Credentials, now: float, *, seconds: int) -> dict[str, str]:
        """Return the request's query with what lets anyone send it for a while; to S3 with any body."""
        stamp = _stamp(now)
        query = {
            **request.query,
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{self._scope(stamp)}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        if credentials.token:
            query["X-Amz-Security-Token"] = credentials.token
        text = "\n".join(
            (
                request.method,
                self._canonical_path(request),
                query_text(query),
                f"host:{request.host}\n",
                "host",
                UNSIGNED if self._service == "s3" else hashlib.sha256(request.body).hexdigest(),
            )
        )
        return {**query, "X-Amz-Signature": self._signature(text, credentials, stamp)}

    def _canonical_path(self, request: Request) -> str:
        """Return the path as it is signed: as it is sent for S3, encoded once more for all others."""
        sent = path_text(request.path)
        return sent if self._service == "s3" else path_text(sent)

    def _signature(self, canonical: str, credentials: Credentials, stamp: str) -> str:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{stamp}\n{self._scope(stamp)}\n{digest}"
        return _hmac(self._key(credentials, stamp[:8]), text).hex()

    def _key(self, credentials: Credentials, day: str) -> bytes:
        known = self._derived
        if known and known[:2] == (credentials.secret_key, day):
            return known[2]
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = _hmac(key, part)
        self._derived = (credentials.secret_key, day, key)
        return key

    def _scope(self, stamp: str) -> str:
        return f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"


def path_text(path: str) -> str:
    """Return a path as it is sent: percent-encoded but for slashes."""
    return quote(path, safe="/-_.~")


def query_text(query: Mapping[str, str]) -> str:
    """Return a query as it is sent and signed: percent-encoded, in the order of the names."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return ";".join(name for name, _ in lines), "".join(f"{name}:{value}\n" for name, value in lines)


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")

"""Requests as AWS Lambda brings them, answered by an ASGI application without an event loop.

A Lambda process has one request at a time. So nothing in it has to wait for anything else: the application is told
that it is alone, does all of its work where it stands, and is through in one step. That spares a fresh process the
import of `asyncio` and of an adapter, and each request a loop's rounds.

Taken are payloads of function URLs and HTTP APIs (format 2.0) and of REST APIs (format 1.0); see "Payload format" in
AWS's guides of Lambda and of API Gateway.
"""

import base64
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlencode

from functions.asgi import ALONE, ROOM, App, Message, Scope

Event = Mapping[str, Any]

_ROOM: Final = 4_400_000
"""Lambda takes answers of 6 MB, which hold so many bytes in base64, and some headers."""

_TEXT: Final = ("text/", "application/json", "application/problem+json", "application/javascript", "application/xml")
_UNTOUCHED: Final = b"content-encoding"
_COOKIE: Final = "set-cookie"


class LambdaHttp:
    """Answers the events that are requests."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, event: Event) -> Mapping[str, object]:
        """Return the answer in the form of the request.

        Raises:
            RuntimeError: the application did not answer, or waited for something.
        """
        exchange = _Exchange(_body(event))
        _through(self._app(_scope(event), exchange.receive, exchange.send))
        if exchange.status is None:
            raise RuntimeError("the application answered nothing")
        return _answer(exchange.status, exchange.headers, b"".join(exchange.chunks), new=_is_new(event))


class _Exchange:
    """One request and its answer."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status: int | None = None
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.chunks: list[bytes] = []

    async def receive(self) -> Message:
        """Return the request's body, whole; after that the caller has gone."""
        body, self._body = self._body, None
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Keep a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.chunks.append(message.get("body", b""))


def _through(work: Coroutine[Any, Any, None]) -> None:
    """Do work that waits for nothing."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("the application waits, and there is nothing here that it could wait for")


def _is_new(event: Event) -> bool:
    return event.get("version") == "2.0"


def _scope(event: Event) -> Scope:
    context = event["requestContext"]
    headers = dict(_headers(event))
    if _is_new(event):
        method, path, query = context["http"]["method"], context["http"]["path"], event.get("rawQueryString", "")
        source = context["http"].get("sourceIp")
        if event.get("cookies"):
            headers["cookie"] = "; ".join(event["cookies"])
    else:
        method, path, query = event["httpMethod"], event["path"], _query(event)
        source = context.get("identity", {}).get("sourceIp")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": headers.get("x-forwarded-proto", "https"),
        "path": unquote(path) or "/",
        "raw_path": None,
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": (headers.get("host", ""), None),
        "client": (source, 0),
        "aws.event": event,
        ALONE: True,
        ROOM: _ROOM,
    }


def _headers(event: Event) -> Iterable[tuple[str, str]]:
    for name, value in (event.get("headers") or {}).items():
        yield name.lower(), value
    for name, values in (event.get("multiValueHeaders") or {}).items():
        yield name.lower(), ", ".join(values)


def _query(event: Event) -> str:
    found = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return urlencode(found, doseq=True)


def _body(event: Event) -> bytes:
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _answer(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, new: bool) -> Mapping[str, object]:
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    text = _text(headers, body)
    answer: dict[str, object] = {
        "statusCode": status,
        "body": base64.b64encode(body).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }
    if not new:
        return {**answer, "multiValueHeaders": named}
    if cookies := named.pop(_COOKIE, None):
        answer["cookies"] = cookies
    return {**answer, "headers": {name: ",".join(values) for name, values in named.items()}}


def _text(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> str | None:
    """Return the body as text if it is some; other bytes travel as base64."""
    kind = next((value for name, value in headers if name.lower() == b"content-type"), b"").decode("latin-1")
    if not kind.startswith(_TEXT) or any(name.lower() == _UNTOUCHED for name, _ in headers):
        return None if body else ""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None

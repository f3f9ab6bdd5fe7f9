"""An MLflow server, as a client of its REST protocol sees it: JSON calls, pages, and files as streams."""

import base64
import http.client
import json
import ssl
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from loopwright.errors import DeniedError, InvalidInputError, LoopwrightError, NotFoundError, UnavailableError

T = TypeVar("T")

Query = Mapping[str, str | int]

_TIMEOUT: Final = 120.0
_PIECE: Final = 1 << 20
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try where the server does not answer, or answers that it cannot now."""

_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Login:
    """How to prove who one is: a bearer token, or a name with a password; nothing where all are empty."""

    token: str = ""
    username: str = ""
    password: str = ""


class Server:
    """Calls a server over connections that are kept; safe in any thread. Whoever has made it closes it."""

    def __init__(self, url: str, login: Login) -> None:
        """Take the address, which may have a name and a password in it and a path behind it.

        Raises:
            InvalidInputError: it is not an address of HTTP.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInputError(f"{url} is no address of an MLflow server: wanted http://… or https://…")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._secure = parts.scheme == "https"
        self._host = parts.netloc.rpartition("@")[2]
        self._path = parts.path.rstrip("/")
        named = Login(login.token, unquote(parts.username or login.username), unquote(parts.password or login.password))
        self._headers = {"Accept": "application/json", "User-Agent": "loopwright", **_authorization(named)}
        self._idle: deque[http.client.HTTPConnection] = deque()

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().close()

    def get(self, path: str, query: Query, kind: type[T]) -> T:
        """Return what a GET of `/api/2.0/mlflow/<path>` answers; raises as `_answer`."""
        target = f"/api/2.0/mlflow/{path}?{urlencode(query, quote_via=quote)}"
        return _decoded(self._answer("GET", target, None), kind, path)

    def post(self, path: str, body: object, kind: type[T]) -> T:
        """Return what a POST to `/api/2.0/mlflow/<path>` answers; raises as `_answer`. It must be safe to repeat."""
        return _decoded(self._answer("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode()), kind, path)

    def version(self) -> str:
        """Return the server's version; raises as `_answer`."""
        return self._answer("GET", "/version", None).decode(errors="replace").strip()

    @contextmanager
    def file(self, path: str, query: Query) -> Iterator[Generator[bytes]]:
        """Give the pieces of a file behind a path; raises as `_answer`, and `UnavailableError` if it breaks off."""
        target = f"{path}?{urlencode(query, quote_via=quote)}"
        with self._asked("GET", target, None) as answer:
            if answer.status != http.client.OK:
                raise _refusal(answer.status, answer.read(), f"{self.url}{target}")
            yield _pieces(answer, target)

    def _answer(self, method: str, target: str, body: bytes | None) -> bytes:
        """Return the body of an answer; what fails for the moment is tried again.

        Raises:
            NotFoundError: the server does not know what is asked about.
            DeniedError: it wants to know who one is, or does not allow it.
            InvalidInputError: it refuses the request.
            UnavailableError: it does not answer, or cannot now.
        """
        for pause in (*_PAUSES, None):
            try:
                with self._asked(method, target, body) as answer:
                    content = answer.read()
                if answer.status == http.client.OK:
                    return content
                error = _refusal(answer.status, content, f"{self.url}{target.partition('?')[0]}")
                if answer.status not in _BUSY:
                    raise error
            except (OSError, http.client.HTTPException) as lost:
                error = UnavailableError(f"{self.url} does not answer: {type(lost).__name__}: {lost}")
            if pause is None:
                raise error
            time.sleep(pause)
        raise AssertionError("the last try ends in an answer or an error")

    @contextmanager
    def _asked(self, method: str, target: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection()
        headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            connection.request(method, self._path + target, body, headers)
            answer = connection.getresponse()
            yield answer
        except BaseException:
            connection.close()
            raise
        if answer.isclosed() and not answer.will_close:
            self._idle.append(connection)
        else:
            # What has not been read to its end is in the way of the next answer.
            answer.close()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        with suppress(IndexError):
            return self._idle.pop()
        if self._secure:
            return http.client.HTTPSConnection(self._host, timeout=_TIMEOUT, context=ssl.create_default_context())
        return http.client.HTTPConnection(self._host, timeout=_TIMEOUT)


def _authorization(login: Login) -> Mapping[str, str]:
    if login.token:
        return {"Authorization": f"Bearer {login.token}"}
    if login.username:
        pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def _pieces(answer: http.client.HTTPResponse, target: str) -> Generator[bytes]:
    while True:
        try:
            piece = answer.read(_PIECE)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"{target} broke off: {type(error).__name__}: {error}") from error
        if not piece:
            return
        yield piece


def _decoded(body: bytes, kind: type[T], path: str) -> T:
    try:
        # Some servers write whole numbers of 64 bits as texts, as protobuf does.
        return msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.MsgspecError as error:
        raise InvalidInputError(f"{path} answers with something that is not MLflow's: {error}") from error


def _refusal(status: int, body: bytes, where: str) -> LoopwrightError:
    try:
        told = msgspec.json.decode(body, type=dict[str, object]).get("message", "")
    except msgspec.MsgspecError:
        told = body[:200].decode(errors="replace")
    message = f"{where} answers {status}: {told}"
    match status:
        case 401 | 403:
            return DeniedError(f"{message}. Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and …_PASSWORD")
        case 404:
            return NotFoundError(message)
        case _ if status in _BUSY:
            return UnavailableError(message)
        case _:
            return InvalidInputError(message)

"""The web's side of a function: bodies in, JSON out, problems by RFC 9457, and what all of that took.

An action is a plain function of a `Call`. `Endpoint` turns it into an ASGI application: it reads the body up to a
limit, runs the action (in a thread where it may take long, so that the event loop goes on), answers, and counts. No
web framework: importing one takes longer than everything else that a fresh process does before its first prediction.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Final, TypeVar

import msgspec

from functions.asgi import ALONE, Receive, Scope, Send, aside
from functions.callers import ANONYMOUS, CALLER, Caller
from functions.problems import Problem, malformed, problem_of, too_large
from functions.turn import Together, Turn
from loopwright.ports import Telemetry

BODY_LIMIT: Final = 16 * 1024 * 1024
"""The most bytes that a request's body may have."""

INLINE_LIMIT: Final = 64 * 1024
"""Longer bodies are worked on in a thread."""

JSON: Final = b"application/json"

ANY: Final = "*"
"""Stands for every method."""

_FLUSH_EVERY: Final = 1.0
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Call:
    """What an action gets.

    Attributes:
        path: its parameters.
        body: whole.
        headers: as ASGI has them (names in lower case).
        query: what stands behind the question mark, still encoded.
        caller: whose it is, as the entrance has found out.
        file: the body instead, where it may have any size: a file that stands at its beginning and ends with the call.
        room: how many bytes an answer may have; None: any number.
    """

    path: Mapping[str, str]
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()
    query: bytes = b""
    caller: Caller = ANONYMOUS
    file: IO[bytes] | None = None
    room: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action returns."""

    body: bytes
    status: int = _OK
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


T = TypeVar("T")

Action = Callable[[Call], Answer]

Refusal = Callable[[Exception, str], Answer]
"""What an error is over the web, given where it happened."""

_ENCODER: Final = msgspec.json.Encoder()


def json_answer(value: object, *, status: int = _OK) -> Answer:
    """Return an answer that carries the value as JSON; NaN becomes null."""
    return Answer(_ENCODER.encode(value), status)


class Endpoint:
    """One route's ASGI application.

    Attributes:
        route: the path's template, as it is counted.
        method: what it answers to (`ANY`: everything); who answers to GET answers to HEAD too.

    With `together`, short calls that arrive at the same moment are answered by it instead of by the action. `refusal`
    says what an error is over the web; by itself it is a problem of RFC 9457.
    """

    def __init__(  # noqa: PLR0913 - the last four have their usual values
        self,
        route: str,
        action: Action,
        telemetry: Telemetry,
        *,
        method: str = "POST",
        threaded: bool = False,
        together: Together[Call, Answer] | None = None,
        body_limit: int = BODY_LIMIT,
        refusal: Refusal | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.route = route
        self.method = method
        self._action = action
        self._telemetry = telemetry
        self._threaded = threaded
        self._turn = Turn(together) if together else None
        self._body_limit = body_limit
        self._refusal = refusal or problem_refusal
        self._timer = timer
        self._flushed = timer()

    async def __call__(self, path: Mapping[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whose path has these parameters."""
        started = self._timer()
        answer = await self._answer(path, scope, receive)
        await send_answer(send, answer, head=scope["method"] == "HEAD")
        self._measure(started, answer.status)

    async def _answer(self, path: Mapping[str, str], scope: Scope, receive: Receive) -> Answer:
        try:
            body = await _body(scope, receive, self._body_limit)
            call = Call(path, body, scope["headers"], scope["query_string"], scope.get(CALLER, ANONYMOUS))
            if self._threaded or len(call.body) > INLINE_LIMIT:
                return await aside(scope, self._action, call)
            together = self._turn and ALONE not in scope
            return await self._turn.answer(call) if self._turn and together else self._action(call)
        except Exception as error:  # noqa: BLE001 - every error has an answer; unknown ones are logged there
            return self._refusal(error, f"{scope['method']} {scope['path']}")

    def _measure(self, started: float, status: int) -> None:
        """Count the request; now and then, after an answer, write what was counted."""
        ended = self._timer()
        self._telemetry.observe("request_ms", (ended - started) * 1e3, route=self.route, status=str(status))
        if ended - self._flushed > _FLUSH_EVERY:
            self._flushed = ended
            self._telemetry.flush()


def parsed(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Return what the body says, or raise the problem that it is malformed, with the place where it is."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(f"the body is not the JSON that is wanted here (see /openapi.json): {error}") from error


def problem_answer(problem: Problem) -> Answer:
    """Return the problem as `application/problem+json`."""
    headers = [(b"retry-after", b"1")] if problem.retry else []
    if problem.challenge:
        headers.append((b"www-authenticate", problem.challenge.encode()))
    return Answer(problem.encode(), problem.status, b"application/problem+json", tuple(headers))


def problem_refusal(error: Exception, where: str) -> Answer:
    """Return the error as `application/problem+json`."""
    return problem_answer(problem_of(error, where))


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Send the answer; of one to a HEAD request only the head."""
    headers = [(b"content-type", answer.content_type), *answer.headers]
    if answer.status != HTTPStatus.NOT_MODIFIED:  # whose length would be that of what is not sent
        headers.insert(1, (b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(_too_large_text(limit))
    message = await receive()
    chunk: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return _within(chunk, limit)
    chunks, size = [chunk], len(chunk)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("the connection closed before the body's end")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise too_large(_too_large_text(limit))
    return b"".join(chunks)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise too_large(_too_large_text(limit))
    return body


def _too_large_text(limit: int) -> str:
    return f"a body may have {limit:,} bytes: send fewer rows at once, or score a file with `loopwright score`"

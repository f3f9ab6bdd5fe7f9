"""Endpoints whose bodies may have any size: what comes is kept in a temporary file, what goes is sent in pieces.

A request's action begins when all of its body is there, so one that breaks off half-way does nothing.
"""

import io
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Final

from typing_extensions import override

from functions.asgi import ALONE, ROOM, Receive, Scope, Send, aside
from functions.callers import ANONYMOUS, CALLER
from functions.problems import log_failure, malformed
from functions.web import Answer, Call, Endpoint, send_answer

_IN_MEMORY: Final = 1024 * 1024
"""Bytes of a body that need no file, and that are written to one at once."""

_LONG: Final = 30_000_000
"""A longer answer says nothing of its length, so that it goes in chunks: fronts such as Cloud Run's pass on others only
up to 32 MiB."""

_NOTHING: Final = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedAnswer(Answer):
    """An answer whose body is made while it is sent: so many bytes, in these pieces."""

    body: bytes = _NOTHING
    size: int
    pieces: Generator[bytes]


class StreamingEndpoint(Endpoint):
    """One route's ASGI application, whose action reads the body from `Call.file` and may return a `StreamedAnswer`."""

    @override
    async def __call__(self, path: Mapping[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        started = self._timer()
        with _kept(scope) as file:
            call = Call(path, _NOTHING, scope["headers"], scope["query_string"], scope.get(CALLER, ANONYMOUS))
            answer = await self._done(replace(call, file=file, room=scope.get(ROOM)), scope, receive)
        if isinstance(answer, StreamedAnswer):
            await _send_pieces(scope, send, answer)
        else:
            await send_answer(send, answer, head=scope["method"] == "HEAD")
        self._measure(started, answer.status)

    async def _done(self, call: Call, scope: Scope, receive: Receive) -> Answer:
        try:
            assert call.file is not None  # noqa: S101 - it was made here
            await _keep(scope, receive, call.file)
            return await aside(scope, self._action, call)
        except Exception as error:  # noqa: BLE001 - every error has an answer; unknown ones are logged there
            return self._refusal(error, f"{scope['method']} {scope['path']}")


def _kept(scope: Scope) -> IO[bytes]:
    """Return an empty file for a request's body, which is gone when it is closed."""
    if ALONE in scope:
        # The body is in memory already.
        return io.BytesIO()
    import tempfile  # noqa: PLC0415 - where all requests are alone it is never needed

    return tempfile.SpooledTemporaryFile(_IN_MEMORY)


async def _keep(scope: Scope, receive: Receive, file: IO[bytes]) -> None:
    """Write a request's body to a file, which then stands at its beginning."""
    waiting: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("the connection closed before the body's end")
        piece: bytes = message.get("body", _NOTHING)
        more = message.get("more_body", False)
        waiting.append(piece)
        size += len(piece)
        if size >= _IN_MEMORY:
            await aside(scope, file.write, b"".join(waiting))
            waiting.clear()
            size = 0
    file.write(b"".join(waiting))
    file.seek(0)


async def _send_pieces(scope: Scope, send: Send, answer: StreamedAnswer) -> None:
    """Send the answer; where its body cannot be made to the end, break off, so that the client knows."""
    length = [(b"content-length", b"%d" % answer.size)] if answer.size <= _LONG else []
    headers = [(b"content-type", answer.content_type), *length, *answer.headers]
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if scope["method"] != "HEAD":
            while (piece := await aside(scope, next, answer.pieces, None)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": _NOTHING})
    except Exception as error:
        log_failure(f"{scope['method']} {scope['path']}: its answer broke off", error)
        raise
    finally:
        answer.pieces.close()

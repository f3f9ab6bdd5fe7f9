import asyncio
import json
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from functions.asgi import ALONE, ROOM
from functions.lambda_http import LambdaHttp
from functions.streams import StreamedAnswer, StreamingEndpoint
from functions.web import Answer, Call
from loopwright.ports import Platform

MEGABYTE = 1024 * 1024


def endpoint(platform: Platform, action: object, method: str = "PUT") -> StreamingEndpoint:
    return StreamingEndpoint("/file", action, platform.telemetry, method=method)


def played(
    app: StreamingEndpoint, bodies: Sequence[bytes], *, method: str = "PUT", cut: bool = False, **scope: object
) -> list[dict[str, Any]]:
    """Send a request whose body comes in these pieces, perhaps cut off after them; return what is sent."""
    sent: list[dict[str, Any]] = []
    waiting: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
        + [{"type": "http.disconnect"} if cut else {"type": "http.request"}]
    )

    async def receive() -> dict[str, Any]:
        return next(waiting)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    about = {"type": "http", "method": method, "path": "/file", "headers": [], "query_string": b"", **scope}
    asyncio.run(app({}, about, receive, send))
    return sent


def counted(call: Call) -> Answer:
    assert call.file is not None
    data = call.file.read()
    return Answer(json.dumps([len(data), sorted(set(data))]).encode())


@pytest.mark.parametrize("sizes", [[], [0], [3], [MEGABYTE, 1], [300_000] * 12, [5 * MEGABYTE]])
@pytest.mark.parametrize("alone", [False, True])
def test_an_action_reads_all_of_a_body_however_it_comes(platform: Platform, sizes: list[int], alone: bool) -> None:  # noqa: FBT001 - a case
    scope = {ALONE: True} if alone else {}
    sent = played(endpoint(platform, counted), [b"x" * size for size in sizes], **scope)
    assert json.loads(sent[1]["body"]) == [sum(sizes), [ord("x")] if sum(sizes) else []]


def test_a_body_that_breaks_off_is_no_body(platform: Platform) -> None:
    begun: list[Call] = []

    def note(call: Call) -> Answer:
        begun.append(call)
        return Answer(b"{}")

    sent = played(endpoint(platform, note), [b"x" * 100], cut=True)
    assert (sent[0]["status"], begun) == (400, [])


def pieces(*data: bytes, closed: list[bool]) -> Generator[bytes]:
    def begun() -> Generator[bytes]:
        try:
            yield b""
            yield from data
        finally:
            closed.append(True)

    made = begun()
    next(made)
    return made


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_goes_in_pieces_and_is_closed_in_the_end(platform: Platform, method: str) -> None:
    closed: list[bool] = []

    def answer(_: Call) -> Answer:
        return StreamedAnswer(content_type=b"text/plain", size=5, pieces=pieces(b"abc", b"de", closed=closed))

    sent = played(endpoint(platform, answer, "GET"), [], method=method)
    assert sent[0]["headers"][:2] == [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    body = b"".join(message["body"] for message in sent[1:])
    assert (body, closed, sent[-1].get("more_body", False)) == (b"" if method == "HEAD" else b"abcde", [True], False)


def test_a_long_answer_goes_in_chunks(platform: Platform) -> None:
    size = 32 * MEGABYTE

    def answer(_: Call) -> Answer:
        return StreamedAnswer(size=size, pieces=pieces(*[bytes(MEGABYTE)] * 32, closed=[]))

    sent = played(endpoint(platform, answer, "GET"), [], method="GET")
    assert b"content-length" not in dict(sent[0]["headers"])
    assert sum(len(message["body"]) for message in sent[1:]) == size


def test_an_answer_that_cannot_go_on_breaks_off(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> Generator[bytes]:
        yield b"abc"
        raise OSError("the disk is gone")

    app = endpoint(platform, lambda _: StreamedAnswer(size=5, pieces=broken()), "GET")
    with pytest.raises(OSError, match="the disk is gone"):
        played(app, [], method="GET")
    assert "its answer broke off" in capsys.readouterr().err


def test_an_action_is_told_how_much_an_answer_may_have(platform: Platform) -> None:
    def told(call: Call) -> Answer:
        return Answer(json.dumps(call.room).encode())

    app = endpoint(platform, told, "GET")
    assert played(app, [], method="GET")[1]["body"] == b"null"
    assert played(app, [], method="GET", **{ROOM: 7})[1]["body"] == b"7"


def test_lambda_has_room_for_four_megabytes_and_takes_pieces_too(platform: Platform) -> None:
    rooms: list[int | None] = []

    def answer(call: Call) -> Answer:
        rooms.append(call.room)
        return StreamedAnswer(content_type=b"text/plain", size=4, pieces=pieces(b"ab", b"cd", closed=[]))

    app = endpoint(platform, answer, "GET")
    event = {"version": "2.0", "requestContext": {"http": {"method": "GET", "path": "/file"}}, "headers": {}}
    told = LambdaHttp(lambda scope, receive, send: app({}, scope, receive, send))(event)
    assert (told["statusCode"], told["body"], rooms) == (200, "abcd", [4_400_000])

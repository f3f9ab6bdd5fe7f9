"""Requests of AWS Lambda, answered without an event loop: what Mangum, which has one, answers too."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mangum import Mangum

from functions.application import Application
from functions.asgi import Receive, Scope, Send
from functions.lambda_http import LambdaHttp
from functions.web import INLINE_LIMIT, Answer, Call, Endpoint, json_answer
from loopwright.errors import NotFoundError
from loopwright.ports import Platform

NAMES = st.sampled_from(["accept", "X-Api-Key", "content-type", "Authorization"])
WORDS = st.text("abcdefghij-/+;= ", min_size=1, max_size=12).map(str.strip).filter(bool)
SEGMENTS = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="/?#%"), min_size=1, max_size=8)
BODIES = st.one_of(st.none(), st.text(max_size=40), st.binary(max_size=40))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked, its kind chosen by the query."""
    message = await receive()
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": sorted([name.decode(), value.decode()] for name, value in scope["headers"]),
        "body": base64.b64encode(message["body"]).decode(),
        "more": message["more_body"],
    }
    binary = b"binary" in scope["query_string"]
    headers = [
        (b"content-type", b"application/octet-stream" if binary else b"application/json"),
        (b"x-one", b"1"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    body = json.dumps(told).encode()
    await send({"type": "http.response.body", "body": body[:10], "more_body": True})
    await send({"type": "http.response.body", "body": body[10:] + (b"\xff" if binary else b"")})


def _carried(body: str | bytes | None) -> dict[str, object]:
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}


@st.composite
def new_events(draw: st.DrawFn) -> dict[str, Any]:
    path = "/" + "/".join(draw(st.lists(SEGMENTS, max_size=3)))
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": draw(st.sampled_from(["", "a=1&b=%20", "binary=1"])),
        "headers": draw(st.dictionaries(NAMES, WORDS)),
        **draw(st.sampled_from([{}, {"cookies": ["s=1", "t=2"]}])),
        "requestContext": {
            "http": {"method": draw(st.sampled_from(["GET", "POST"])), "path": path, "sourceIp": "1.2.3.4"}
        },
        **_carried(draw(BODIES)),
    }


@st.composite
def old_events(draw: st.DrawFn) -> dict[str, Any]:
    headers = draw(st.dictionaries(NAMES, WORDS))
    query = draw(st.sampled_from([None, {"a": ["1", "2"]}, {"binary": ["1"]}]))
    return {
        "resource": "/{proxy+}",
        "path": "/" + "/".join(draw(st.lists(SEGMENTS, max_size=3))),
        "httpMethod": draw(st.sampled_from(["GET", "POST"])),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query and {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"sourceIp": "1.2.3.4"}},
        **_carried(draw(BODIES)),
    }


def told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer, whichever of the two ways it carries its headers in."""
    headers = {name: [value] for name, value in (answer.get("headers") or {}).items()}
    headers |= answer.get("multiValueHeaders") or {}
    return {
        "status": answer["statusCode"],
        "body": answer["body"],
        "binary": answer["isBase64Encoded"],
        "headers": headers,
        "cookies": answer.get("cookies"),
    }


@given(event=new_events() | old_events())
def test_a_request_is_read_and_answered_as_mangum_does(event: dict[str, Any]) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        wanted = Mangum(echo, lifespan="off")(event, None)  # type: ignore[arg-type]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert told(LambdaHttp(echo)(event)) == told(wanted)


def request(path: str, body: str = "") -> dict[str, Any]:
    context = {"http": {"method": "POST", "path": path, "sourceIp": "1.2.3.4"}}
    return {"version": "2.0", "headers": {}, "requestContext": context, "body": body, "isBase64Encoded": False}


def test_long_work_and_long_bodies_need_no_thread(platform: Platform) -> None:
    def count(call: Call) -> Answer:
        return json_answer({"bytes": len(call.body)})

    app = Application([Endpoint("/count", count, platform.telemetry, threaded=True)])
    answer = LambdaHttp(app)(request("/count", "x" * (INLINE_LIMIT + 1)))
    assert json.loads(str(answer["body"])) == {"bytes": INLINE_LIMIT + 1}


def test_an_error_is_answered_as_a_problem_in_text(platform: Platform) -> None:
    def lose(_: Call) -> Answer:
        raise NotFoundError("there is no plane")

    answer = LambdaHttp(Application([Endpoint("/lose", lose, platform.telemetry)]))(request("/lose"))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (404, False)
    assert json.loads(str(answer["body"]))["detail"] == "there is no plane"


def test_a_compressed_text_stays_as_it_is() -> None:
    async def compressed(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/css"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"abc"})

    answer = LambdaHttp(compressed)(request("/"))
    assert (answer["body"], answer["isBase64Encoded"]) == (base64.b64encode(b"abc").decode(), True)


def test_an_application_that_waits_is_told_so() -> None:
    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.001)

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        class Never:
            def __await__(self) -> Iterator[None]:
                yield

        await Never()

    with pytest.raises(RuntimeError, match="waits"):
        LambdaHttp(waiting)(request("/"))
    with pytest.raises(RuntimeError, match="no running event loop"):
        LambdaHttp(patient)(request("/"))


def test_an_application_that_answers_nothing_is_told_so() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"

    with pytest.raises(RuntimeError, match="answered nothing"):
        LambdaHttp(silent)(request("/"))

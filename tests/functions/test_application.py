import asyncio

import pytest

from functions.labels.app import create_app
from loopwright.ports import Platform
from tests.airport import world
from tests.airport.caller import Caller


@pytest.fixture
def caller(platform: Platform) -> Caller:
    return Caller(create_app(platform, world.project()))


def test_a_head_request_is_answered_without_a_body(caller: Caller) -> None:
    answer = caller.head("/health")
    assert (answer.status, answer.content_type, answer.text) == (200, "application/json", "")


def test_another_method_is_told_which_one_is_taken(caller: Caller) -> None:
    answer = caller.get("/models/delays/labels")
    assert answer.status == 405
    assert answer.body["detail"] == "/models/delays/labels does not take GET: see /openapi.json"


@pytest.mark.parametrize("path", ["/", "/models//labels", "/models/a/b/labels", "/health/", "/modelsXdelays/labels"])
def test_only_whole_paths_are_found(caller: Caller, path: str) -> None:
    assert caller.post(path, {}).status == 404


def test_a_server_that_tells_of_its_start_and_end_is_answered(platform: Platform) -> None:
    sent = asyncio.run(
        play(create_app(platform, world.project()), "lifespan", ["lifespan.startup", "lifespan.shutdown"])
    )
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_websocket_is_closed(platform: Platform) -> None:
    assert asyncio.run(play(create_app(platform, world.project()), "websocket", [])) == ["websocket.close"]


async def play(app: object, kind: str, messages: list[str]) -> list[str]:
    sent: list[str] = []
    waiting = iter(messages)

    async def receive() -> dict[str, object]:
        return {"type": next(waiting)}

    async def send(message: dict[str, object]) -> None:
        sent.append(message["type"])

    await app({"type": kind, "path": "/"}, receive, send)
    return sent

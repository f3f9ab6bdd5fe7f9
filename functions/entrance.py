"""A deployed function as a server's application: who may come in, and what is done when the server ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.asgi import App, Receive, Scope, Send
from functions.callers import CALLER
from functions.problems import log_failure
from functions.web import Refusal, problem_refusal, send_answer
from loopwright.ports import Platform

if TYPE_CHECKING:
    from functions.access import Access
    from functions.batches import Consumer
    from functions.door import Schedules
    from functions.guards import Guard

_OPEN: Final = frozenset({"/health", "/health/ready"})
"""Whoever looks whether a process lives has no credentials."""

_NOTHING: Final[Mapping[str, Callable[[], object]]] = {}

ABOUT: Final = ("LOOPWRIGHT_API_KEY", "LOOPWRIGHT_AUTH", "LOOPWRIGHT_CALLERS_", "LOOPWRIGHT_JWT_")
"""How the variables begin that say who may call."""


@dataclass(frozen=True, slots=True)
class Door:
    """The way in for schedules and pushes, and who keeps it."""

    app: App
    owns: Callable[[str], bool]
    guard: "Guard"


def entrance(
    app: App,
    platform: Platform,
    environment: Mapping[str, str],
    *,
    consumer: "Consumer | None" = None,
    schedules: "Schedules" = _NOTHING,
    personal: bool = False,
    refusal: Refusal = problem_refusal,
) -> "Entrance":
    """Return an application behind what the environment says about who may call (see `functions.access`).

    Args:
        app: answers people.
        platform: is closed when the server ends.
        environment: the process's.
        consumer: takes messages that are pushed, if the environment names who may push.
        schedules: what is done when it is due, if the environment names who may say so.
        personal: it matters who people are, and some use a browser: they are asked for a password, and who they are is
            also asked where the platform in front has let them in.
        refusal: how somebody is told that he may not come in.

    Raises:
        DefinitionError: the environment contradicts itself.
    """
    if not any(name.startswith(ABOUT) for name in environment):
        return Entrance(app, platform, None, None, refusal)
    # On Lambda, where nobody comes in this way, none of it is imported.
    from functions.access import Access  # noqa: PLC0415
    from functions.guards import guard_of_people  # noqa: PLC0415

    access = Access.from_env(environment)
    people, door = guard_of_people(access, personal=personal), _door(access, platform, consumer, schedules)
    return Entrance(app, platform, people, door, refusal)


def _door(access: "Access", platform: Platform, consumer: "Consumer | None", schedules: "Schedules") -> Door | None:
    if access.callers is None:
        return None
    from functions.door import build, is_behind_it  # noqa: PLC0415 - people only do not need it
    from functions.guards import guard_of_callers  # noqa: PLC0415

    return Door(build(platform.telemetry, consumer, schedules), is_behind_it, guard_of_callers(access.callers))


class Entrance:
    """An ASGI application that lets in who may come in: people to the function, others through their own door."""

    def __init__(
        self,
        app: App,
        platform: Platform,
        people: "Guard | None",
        door: Door | None,
        refusal: Refusal = problem_refusal,
    ) -> None:
        self._app = app
        self._platform = platform
        self._people = people
        self._door = door
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or that somebody may not make it; close the platform when the server ends."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        app, guard = self._app, self._people
        if scope["type"] != "http" or scope["path"] in _OPEN:
            guard = None
        elif self._door and self._door.owns(scope["path"]):
            app, guard = self._door.app, self._door.guard
        if guard:
            try:
                scope[CALLER] = await guard(scope)
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody comes in
                await self._refuse(scope, send, error)
                return
        await app(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send, error: Exception) -> None:
        answer = self._refusal(error, f"{scope['method']} {scope['path']}")
        self._platform.telemetry.count("requests_refused", status=str(int(answer.status)))
        await send_answer(send, answer, head=scope["method"] == "HEAD")

    async def _live(self, receive: Receive, send: Send) -> None:
        import asyncio  # noqa: PLC0415 - only servers come here

        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                try:
                    await asyncio.to_thread(self._platform.close)
                except Exception as error:  # noqa: BLE001 - the server ends all the same
                    log_failure("close the platform", error)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

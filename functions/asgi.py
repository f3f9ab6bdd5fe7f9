"""The types of ASGI 3.0 applications, and work that may take long."""

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final, ParamSpec, TypeVar

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

ALONE: Final = "loopwright.alone"
"""Is in the scope of a request while whose answer nobody else waits: it needs no thread and no event loop."""

ROOM: Final = "loopwright.room"
"""The member of a scope that says how many bytes the body of an answer may have; without it: any number."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def aside(
    scope: Scope, act: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Do something that may take long, in a thread unless the request is alone, and return what it returns."""
    if ALONE in scope:
        return act(*args, **kwargs)
    import asyncio  # noqa: PLC0415 - where all requests are alone it is never needed

    return await asyncio.to_thread(act, *args, **kwargs)

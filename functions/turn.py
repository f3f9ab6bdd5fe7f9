"""Calls that arrive in a row, answered together: what a call costs by itself is paid once."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

CallT = TypeVar("CallT")
AnswerT = TypeVar("AnswerT")

_ENOUGH: Final = 64
"""So many calls are answered without a look for more."""

Together = Callable[[Sequence[CallT]], Sequence[AnswerT | Exception]]
"""Answers calls, in their order; where one has no answer, its error stands in its place. It raises nothing."""


class Turn(Generic[CallT, AnswerT]):
    """Gathers the calls of one turn of the event loop, and of the turns after it for as long as each brings more.

    A look for more takes microseconds: nobody waits for a call that has not come yet.
    """

    def __init__(self, together: Together[CallT, AnswerT]) -> None:
        self._together = together
        self._waiting: list[tuple[CallT, asyncio.Future[AnswerT]]] = []

    async def answer(self, call: CallT) -> AnswerT:
        """Return the call's answer, or raise its error."""
        import asyncio  # noqa: PLC0415 - on Lambda there are no turns

        loop = asyncio.get_running_loop()
        future: asyncio.Future[AnswerT] = loop.create_future()
        self._waiting.append((call, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._end_unless_more, loop, 0)
        return await future

    def _end_unless_more(self, loop: "asyncio.AbstractEventLoop", before: int) -> None:
        if before < len(self._waiting) < _ENOUGH:
            loop.call_soon(self._end_unless_more, loop, len(self._waiting))
        else:
            self._end()

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        answers = self._together([call for call, _ in waiting])
        for (_, future), answer in zip(waiting, answers, strict=True):
            if future.cancelled():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

import asyncio
from collections.abc import Sequence

import pytest

from functions.turn import Turn


class Doubling:
    """Doubles numbers, remembers which came together, and has no answer to negative ones."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __call__(self, calls: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(calls))
        return [ValueError(call) if call < 0 else 2 * call for call in calls]


def test_calls_of_one_turn_are_answered_together() -> None:
    doubling = Doubling()
    turn = Turn(doubling)

    async def ask() -> list[int]:
        return await asyncio.gather(*(turn.answer(call) for call in range(3)))

    assert asyncio.run(ask()) == [0, 2, 4]
    assert doubling.batches == [[0, 1, 2]]


def test_calls_that_follow_without_a_pause_are_answered_with_them() -> None:
    doubling = Doubling()
    turn = Turn(doubling)

    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await turn.answer(turns)

    async def ask() -> list[int]:
        return await asyncio.gather(*(after(turns) for turns in (0, 1, 2, 9)))

    assert asyncio.run(ask()) == [0, 2, 4, 18]
    assert doubling.batches == [[0, 1, 2], [9]]


def test_an_endless_stream_of_calls_is_answered_in_parts() -> None:
    doubling = Doubling()
    turn = Turn(doubling)

    async def ask() -> None:
        async with asyncio.TaskGroup() as tasks:
            for call in range(300):
                tasks.create_task(turn.answer(call))
                await asyncio.sleep(0)

    asyncio.run(ask())
    assert sum(map(len, doubling.batches)) == 300
    assert max(map(len, doubling.batches)) <= 64


def test_an_error_reaches_only_its_own_caller() -> None:
    turn = Turn(Doubling())

    async def ask() -> list[int | BaseException]:
        return await asyncio.gather(turn.answer(1), turn.answer(-1), turn.answer(2), return_exceptions=True)

    first, second, third = asyncio.run(ask())
    assert (first, third) == (2, 4)
    assert isinstance(second, ValueError)


def test_a_caller_who_left_takes_no_answer_from_the_others() -> None:
    turn = Turn(Doubling())

    async def ask() -> int:
        gone, here = asyncio.ensure_future(turn.answer(1)), asyncio.ensure_future(turn.answer(2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await here

    assert asyncio.run(ask()) == 4

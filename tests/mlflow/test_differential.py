"""The same histories of calls on a stock MLflow server and on ours: status, error codes and JSON are the same."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Final

import httpx
import pytest
from hypothesis import given, settings

from tests.mlflow.comparing import Server, Step, last_look
from tests.mlflow.histories import steps

SECONDS: Final = 15.0
"""After so long no further history is played: the machine decides how many there are."""

_LABELS: Final = count()


@pytest.fixture
def both(stock: str, ours: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with httpx.Client(base_url=stock, timeout=60) as theirs, httpx.Client(base_url=ours, timeout=60) as mine:
        yield theirs, mine


def compare(both: tuple[httpx.Client, httpx.Client], history: list[Step]) -> None:
    label = f"history {next(_LABELS)} of {time.time_ns()}"
    theirs, mine = (Server(client, label) for client in both)
    played: list[Step] = []
    for step in history:
        played.append(step)
        assert mine.play(step) == theirs.play(step), played
    for step in last_look(theirs):
        assert mine.play(step) == theirs.play(step), [*played, step]


def test_any_history_of_calls_is_answered_as_by_mlflow(both: tuple[httpx.Client, httpx.Client]) -> None:
    end = time.monotonic() + SECONDS
    different: list[list[Step]] = []

    @settings(max_examples=60)
    @given(steps())
    def play(history: list[Step]) -> None:
        # A difference that was found is made shorter for as long again; what is known to be one is always played.
        if time.monotonic() > end + SECONDS * bool(different) and history not in different:
            return
        try:
            compare(both, history)
        except AssertionError:
            different.append(history)
            raise

    play()

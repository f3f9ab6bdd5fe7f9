"""Sixteen who move one alias at once: of those who expect where it is one wins, and every move leaves its trace."""

import threading
from collections.abc import Callable

import pytest

from loopwright.errors import ConflictError
from loopwright.registry import ANYWHERE, NewSource, Registry

MOVERS = 16


@pytest.fixture
def churn(registry: Registry) -> Registry:
    """Return the registry with a notebook's version of `churn` for each of them."""
    registry.create_model("churn")
    for number in range(MOVERS):
        registry.register_source(NewSource(model="churn", source=f"s3://models/{number}"))
    return registry


def at_once(move: Callable[[int], object]) -> list[int]:
    """Let everybody move the alias to a version of his own, and return the versions of those who could."""
    start, won = threading.Barrier(MOVERS), []

    def run(version: int) -> None:
        start.wait()
        try:
            move(version)
        except ConflictError:
            return
        won.append(version)

    threads = [threading.Thread(target=run, args=(version,)) for version in range(1, MOVERS + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_of_those_who_expect_where_it_is_exactly_one_wins(churn: Registry) -> None:
    at: int | None = None
    for round_number in range(5):
        expected = at

        def move(version: int, expected: int | None = expected) -> object:
            return churn.set_alias("churn", "blue", version, expected=expected, who=f"mover {version}", why="race")

        won = at_once(move)
        at = churn.alias("churn", "blue")
        # Whoever wants it where it is has nothing to do, and is no loser.
        assert [one for one in won if one != expected] == [at]
        assert len(churn.alias_history("churn", "blue")) == round_number + 1


def test_of_those_who_move_it_from_anywhere_all_win_and_all_are_remembered(churn: Registry) -> None:
    won = at_once(
        lambda version: churn.set_alias("churn", "blue", version, expected=ANYWHERE, who=f"mover {version}", why="race")
    )
    assert sorted(won) == list(range(1, MOVERS + 1))
    history = churn.alias_history("churn", "blue")
    assert sorted(change.new or 0 for change in history) == sorted(won)
    assert [change.old for change in history] == [None, *(change.new for change in history[:-1])]
    assert [change.who for change in history] == [f"mover {change.new}" for change in history]
    assert churn.alias("churn", "blue") == history[-1].new
    assert churn.routing("churn").revision == MOVERS


def test_of_those_who_move_versions_to_staging_one_is_there_in_the_end(churn: Registry) -> None:
    at_once(
        lambda version: churn.move_to_stage("churn", version, "Staging", archive_others=True, who="mover", why="race")
    )
    stages = [churn.stage("churn", version) for version in range(1, MOVERS + 1)]
    assert sorted(stages) == ["Archived"] * (MOVERS - 1) + ["Staging"]

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters.memory.blobs import MemoryBlobs
from adapters.memory.table import MemoryTable
from loopwright.errors import LoopwrightError
from loopwright.tracking import Experiment, Metric, Tracking
from loopwright.tracking.heads import Heads
from tests.loopwright.tracking.searching import CountingTable, fill, found


class Hand(Protocol):
    moment: float


@pytest.fixture
def table(clock: Hand) -> CountingTable:
    return CountingTable(lambda: clock.moment)


@pytest.fixture
def counted(table: CountingTable, clock: Hand) -> Tracking:
    ids = count(1)
    return Tracking(
        table, MemoryBlobs(lambda: clock.moment), clock=lambda: clock.moment, new_id=lambda: f"id{next(ids)}"
    )


def test_what_has_not_changed_is_not_read_again(counted: Tracking, table: CountingTable) -> None:
    experiment = counted.ensure_experiment("delays").id
    fill(counted, experiment, 50)
    asked = {"filter_by": "metrics.auc > 0.4", "order_by": ["metrics.auc DESC"]}
    first = found(counted, experiment, **asked, size=100)  # type: ignore[arg-type]
    counted.log_batch("r007", metrics=[Metric("auc", 0.95, 2_000.0)])
    table.read = 0
    second = found(counted, experiment, **asked, size=100)  # type: ignore[arg-type]
    assert second == ["r007", *(one for one in first if one != "r007")]
    # The experiment and the one that changed.
    assert table.read == 2


def test_the_first_page_reads_about_as_many_runs_as_it_has(counted: Tracking, table: CountingTable) -> None:
    experiment = counted.ensure_experiment("delays").id
    fill(counted, experiment, 200)
    table.read = 0
    assert len(counted.search_runs([experiment], size=10).found) == 10
    assert table.read <= 13


def test_experiments_that_were_searched_longest_ago_are_forgotten_when_there_is_no_room(
    counted: Tracking, table: CountingTable
) -> None:
    ids = [counted.ensure_experiment(name).id for name in ("a", "b")]
    for number, experiment in enumerate(ids):
        fill(counted, experiment, 10, prefix=f"{number}-")
    heads = Heads(table, memory=20_000)
    for experiment in ids:
        assert len(list(heads.newest_first(counted.experiment(experiment)))) == 10
    for experiment, read in ((ids[1], 0), (ids[0], 10), (ids[0], 0)):
        kept = counted.experiment(experiment)
        table.read = 0
        assert len(list(heads.newest_first(kept))) == 10
        assert table.read == read


def test_runs_that_there_is_no_room_for_are_read_each_time(counted: Tracking, table: CountingTable) -> None:
    experiment = counted.ensure_experiment("delays")
    fill(counted, experiment.id, 10)
    heads = Heads(table, memory=5_000)
    for _ in range(2):
        assert [run.head.id for run in heads.newest_first(experiment)] == [f"r{one:03}" for one in range(9, -1, -1)]


def test_searches_in_many_threads_see_every_run_while_others_write(tracking: Tracking, experiment: Experiment) -> None:
    fill(tracking, experiment.id, 30)
    names = {f"r{number:03}" for number in range(30)}

    def search(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - it only mixes
        for _ in range(20):
            order_by = chance.choice([(), ("metrics.auc DESC",), ("params.model",)])
            assert set(found(tracking, experiment.id, order_by=order_by, size=chance.choice([7, 100]))) == names

    def write(seed: int) -> None:
        for number in range(30):
            tracking.log_batch(f"r{number:03}", metrics=[Metric("other", seed, 1_000.0 + number)])

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(act, seed) for seed in range(3) for act in (search, write)]:
            done.result()


@settings(max_examples=60)
@given(history=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(0, 3)), max_size=30))
def test_what_is_remembered_is_never_out_of_date(history: list[tuple[int, int, int]]) -> None:
    moments = count(1)
    ids = count(1)
    table = MemoryTable(lambda: 0.0)
    blobs = MemoryBlobs(lambda: 0.0)

    def opened() -> Tracking:
        return Tracking(table, blobs, clock=lambda: float(next(moments)), new_id=lambda: f"id{next(ids)}")

    remembering = opened()
    experiment = remembering.ensure_experiment("delays").id
    for act, number, value in history:
        # Whoever writes is another process.
        change(opened(), experiment, act, f"r{number}", value)
        for order_by in ((), ("metrics.auc DESC", "params.p")):
            asked: dict[str, Any] = {"order_by": order_by, "view": ("active", "all")[value % 2]}
            text = ("", "metrics.auc >= 1", "tags.t = '2'", "params.p != '1'")[value]
            assert found(remembering, experiment, filter_by=text, **asked) == found(
                opened(), experiment, filter_by=text, **asked
            )
            assert (
                remembering.search_runs([experiment], **asked).runs == opened().search_runs([experiment], **asked).runs
            )


def change(tracking: Tracking, experiment: str, act: int, run_id: str, value: int) -> None:
    with suppress(LoopwrightError):
        match act:
            case 0 | 1:
                tracking.create_run(experiment, name="n", run_id=run_id, started=float(value), tags={"t": str(value)})
                tracking.log_batch(run_id, metrics=[Metric("auc", value, 1.0, value)], params={"p": str(value)})
            case 2:
                tracking.log_batch(run_id, metrics=[Metric("auc", -value, 2.0, value)], tags={"t": str(value)})
            case 3:
                (tracking.delete_run if value % 2 else tracking.restore_run)(run_id)
            case 4:
                (tracking.delete_experiment if value % 2 else tracking.restore_experiment)(experiment)
            case _:
                tracking.set_experiment_tag(experiment, "k", str(value))

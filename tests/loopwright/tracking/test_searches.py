import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from typing_extensions import override

from adapters.memory.blobs import MemoryBlobs
from adapters.memory.table import MemoryTable
from loopwright.errors import InvalidInputError, LoopwrightError
from loopwright.ports.table import Item, Key
from loopwright.tracking import DatasetInput, Experiment, Metric, Tracking, View
from loopwright.tracking.heads import Heads


class Hand(Protocol):
    moment: float


class CountingTable(MemoryTable):
    """A table that counts the items that it hands out."""

    read = 0

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        self.read += len(keys)
        return super().get_many(keys)

    @override
    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Item]:
        for item in super().query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse):
            self.read += 1
            yield item

    @override
    def versions(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[str, int]]:
        found = super().query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse)
        return ((item.key.sort, item.version) for item in found)


@pytest.fixture
def table(clock: Hand) -> CountingTable:
    return CountingTable(lambda: clock.moment)


@pytest.fixture
def counted(table: CountingTable, clock: Hand) -> Tracking:
    ids = count(1)
    return Tracking(
        table, MemoryBlobs(lambda: clock.moment), clock=lambda: clock.moment, new_id=lambda: f"id{next(ids)}"
    )


def fill(tracking: Tracking, experiment: str, runs: int, *, prefix: str = "r", apart: float = 1.0) -> None:
    for number in range(runs):
        name = f"{prefix}{number:03}"
        tracking.create_run(experiment, name=name, run_id=name, started=1_000.0 + number * apart)
        tracking.log_batch(
            name, metrics=[Metric("auc", number % 10 / 10, 1_000.0)], params={"model": ("rf", "lr")[number % 2]}
        )


def found(
    tracking: Tracking,
    *experiments: str,
    filter_by: str = "",
    order_by: Sequence[str] = (),
    view: View = "active",
    size: int = 7,
) -> list[str]:
    """Return the identities of what all pages of a search have."""
    ids: list[str] = []
    token = ""
    while True:
        page = tracking.search_runs(
            experiments, filter_by=filter_by, order_by=order_by, view=view, size=size, token=token
        )
        assert len(page.found) == size or not page.token
        ids += [run.id for run in page.runs]
        token = page.token
        if not token:
            return ids


def test_the_newest_run_comes_first_and_pages_join(tracking: Tracking, experiment: Experiment) -> None:
    fill(tracking, experiment.id, 20)
    assert found(tracking, experiment.id) == [f"r{number:03}" for number in reversed(range(20))]
    assert found(tracking, experiment.id, filter_by="metrics.auc = 0.3") == ["r013", "r003"]


def test_runs_of_one_millisecond_come_by_their_identity(tracking: Tracking, experiment: Experiment) -> None:
    fill(tracking, experiment.id, 9, apart=0.000_3)
    # 0 to 1 belong to the first millisecond as MLflow rounds, 2 to 4 to the next, and so on.
    by_millisecond = ["r005", "r006", "r007", "r008", "r002", "r003", "r004", "r000", "r001"]
    expected = sorted(by_millisecond, key=lambda name: (-round((1_000.0 + int(name[1:]) * 0.000_3) * 1e3), name))
    for size in (1, 2, 3, 100):
        assert found(tracking, experiment.id, size=size) == expected


def test_a_run_that_starts_between_two_pages_shifts_none(tracking: Tracking, experiment: Experiment) -> None:
    fill(tracking, experiment.id, 6)
    first = tracking.search_runs([experiment.id], size=3)
    tracking.create_run(experiment.id, name="late", run_id="late", started=5_000.0)
    second = tracking.search_runs([experiment.id], size=3, token=first.token)
    assert [run.id for run in second.runs] == ["r002", "r001", "r000"]
    assert second.token == ""


def test_runs_of_several_experiments_are_merged(tracking: Tracking, experiment: Experiment) -> None:
    other = tracking.ensure_experiment("other")
    fill(tracking, experiment.id, 6)
    fill(tracking, other.id, 6, prefix="s", apart=1.5)
    merged = found(tracking, experiment.id, other.id, "missing", experiment.id, size=2)
    starts = {run_id: tracking.run(run_id).started for run_id in merged}
    assert merged == sorted(starts, key=lambda run_id: (-starts[run_id], run_id))
    assert len(merged) == 12
    best = found(tracking, experiment.id, other.id, order_by=["metrics.auc DESC", "run_id"], size=5)
    assert best[:4] == ["r005", "s005", "r004", "s004"]
    assert found(tracking) == []


def test_a_view_shows_runs_that_live_or_are_deleted_also_with_their_experiment(
    tracking: Tracking, experiment: Experiment
) -> None:
    fill(tracking, experiment.id, 3)
    tracking.delete_run("r001")
    for order_by in ((), ("metrics.auc DESC",)):
        assert found(tracking, experiment.id, order_by=order_by) == ["r002", "r000"]
        assert found(tracking, experiment.id, order_by=order_by, view="deleted") == ["r001"]
        assert found(tracking, experiment.id, order_by=order_by, view="all") == ["r002", "r001", "r000"]
    tracking.delete_experiment(experiment.id)
    assert found(tracking, experiment.id) == []
    assert found(tracking, experiment.id, view="deleted") == ["r002", "r001", "r000"]


def test_a_filter_asks_for_everything_that_a_run_has(tracking: Tracking, experiment: Experiment) -> None:
    tracking.create_run(experiment.id, name="one", run_id="r1", tags={"team": "ops"}, started=1.0, user="ana")
    tracking.log_inputs("r1", [DatasetInput("flights", "abc", "s", context="training")])
    tracking.update_run("r1", status="FINISHED", ended=2.0)
    for text in (
        "run_id = 'r1' and run_name = 'one' and user_id = 'ana' and status = 'FINISHED'",
        "start_time = 1000 and end_time = 2000",
        f"artifact_uri = 'mlflow-artifacts:/{experiment.id}/r1/artifacts'",
        "tags.team = 'ops' and tags.`mlflow.runName` = 'one'",
        "datasets.name = 'flights' and datasets.digest = 'abc' and datasets.context = 'training'",
    ):
        assert found(tracking, experiment.id, filter_by=text) == ["r1"], text


def test_a_run_with_more_entries_than_its_head_holds_is_found_by_any(
    tracking: Tracking, experiment: Experiment
) -> None:
    tracking.create_run(experiment.id, name="big", run_id="big")
    for number in range(90):
        tracking.log_batch("big", params={f"param{number}": "x" * 6_000})
    for number in (0, 50, 89):
        text = f"params.param{number} LIKE 'xx%'"
        assert found(tracking, experiment.id, filter_by=text) == ["big"]
        assert found(tracking, experiment.id, filter_by=text, order_by=["params.param89"]) == ["big"]
    (run,) = tracking.search_runs([experiment.id]).runs
    assert run == tracking.run("big")


def test_a_search_gives_runs_as_they_are_read_one_by_one(tracking: Tracking, experiment: Experiment) -> None:
    fill(tracking, experiment.id, 3)
    assert tracking.search_runs([experiment.id]).runs == [tracking.run(f"r{number:03}") for number in (2, 1, 0)]


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


def test_experiments_are_found_by_name_tag_and_moment(tracking: Tracking, clock: Hand) -> None:
    for moment, name in enumerate(("flights", "Flights 2", "trains")):
        clock.moment = 1_000.0 + moment
        tracking.create_experiment(name, tags={"team": name[:1]})
    every = [one.name for one in tracking.search_experiments().experiments]
    assert every == ["trains", "Flights 2", "flights", "Default"] or every[0] == "Default"
    named = tracking.search_experiments(filter_by="name ILIKE 'fl%'", order_by=["name DESC"])
    assert [one.name for one in named.experiments] == ["flights", "Flights 2"]
    tagged = tracking.search_experiments(filter_by="tags.team != 'f' and creation_time < 1002000")
    assert [one.name for one in tagged.experiments] == ["Flights 2"]
    first = tracking.search_experiments(filter_by="tags.team IS NOT NULL", size=2)
    rest = tracking.search_experiments(filter_by="tags.team IS NOT NULL", size=2, token=first.token)
    assert [one.name for one in (*first.experiments, *rest.experiments)] == ["trains", "Flights 2", "flights"]
    assert rest.token == ""


@pytest.mark.parametrize("size", [0, -1, 50_001])
def test_a_page_has_one_result_or_more_and_not_too_many(tracking: Tracking, experiment: Experiment, size: int) -> None:
    with pytest.raises(InvalidInputError, match="ask for 1 to 50,000"):
        tracking.search_runs([experiment.id], size=size)
    with pytest.raises(InvalidInputError, match="ask for 1 to 50,000"):
        tracking.search_experiments(size=size)


@pytest.mark.parametrize("order_by", [(), ("metrics.auc DESC",)])
def test_a_token_that_no_page_gave_is_refused(
    tracking: Tracking, experiment: Experiment, order_by: Sequence[str]
) -> None:
    fill(tracking, experiment.id, 3)
    for token in ("x", "eyJvZmZzZXQiOiAxfQ==", "lAChYQChYg==", "lKFhoWGhYaFh", "lADLf_AAAAAAAAAAoWE="):
        with pytest.raises(InvalidInputError, match="page token"):
            tracking.search_runs([experiment.id], size=1, order_by=order_by, token=token)


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

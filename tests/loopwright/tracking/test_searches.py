from collections.abc import Sequence
from typing import Protocol

import pytest

from loopwright.errors import InvalidInputError
from loopwright.tracking import DatasetInput, Experiment, Tracking
from tests.loopwright.tracking.searching import fill, found


class Hand(Protocol):
    moment: float


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

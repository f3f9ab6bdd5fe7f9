from typing import Protocol, get_args

import pytest

from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.tracking import DatasetInput, Experiment, Run, RunCursor, RunStatus, Tracking


class Hand(Protocol):
    moment: float


def test_a_run_starts_running_under_its_name(tracking: Tracking, experiment: Experiment) -> None:
    run = tracking.create_run(experiment.id, name="first", tags={"team": "ops"})
    assert run == Run(
        id="id2",
        experiment_id=experiment.id,
        name="first",
        status="RUNNING",
        started=1_000.0,
        tags={"mlflow.runName": "first", "team": "ops"},
        artifact_uri="mlflow-artifacts:/id1/id2/artifacts",
    )
    assert tracking.run("id2") == run


def test_a_run_of_a_given_identity_is_made_once(tracking: Tracking, run: Run, clock: Hand) -> None:
    tracking.log_batch("run1", params={"depth": 3})
    clock.moment = 2_000.0
    again = tracking.create_run(run.experiment_id, name="other", run_id="run1")
    assert again == tracking.run("run1")
    assert (again.name, again.started, again.params) == ("first", 1_000.0, {"depth": "3"})


def test_an_identity_belongs_to_one_experiment(tracking: Tracking, run: Run) -> None:
    other = tracking.ensure_experiment("other")
    with pytest.raises(ConflictError, match="run1 belongs to experiment id1: choose another"):
        tracking.create_run(other.id, name="x", run_id="run1")


@pytest.mark.parametrize("run_id", ["", "a/b", "-a", "a.b", "x" * 257])
def test_an_identity_that_mlflow_refuses_is_refused(tracking: Tracking, experiment: Experiment, run_id: str) -> None:
    with pytest.raises(InvalidInputError, match="an identity has 1 to 256"):
        tracking.create_run(experiment.id, name="x", run_id=run_id)


def test_a_run_needs_an_experiment_that_lives(tracking: Tracking, experiment: Experiment) -> None:
    with pytest.raises(NotFoundError, match="no experiment with identity 'id9'"):
        tracking.create_run("id9", name="x")
    tracking.delete_experiment(experiment.id)
    with pytest.raises(ConflictError, match="is deleted: restore it"):
        tracking.create_run(experiment.id, name="x")


def test_the_name_and_its_tag_are_always_equal(tracking: Tracking, run: Run) -> None:
    tracking.update_run("run1", name="second")
    assert tracking.run("run1").tags["mlflow.runName"] == "second"
    tracking.log_batch("run1", tags={"mlflow.runName": "third"})
    assert tracking.run("run1").name == "third"


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_ends_once(tracking: Tracking, run: Run, clock: Hand, status: RunStatus) -> None:
    clock.moment = 2_000.0
    tracking.finish_run("run1", status)
    clock.moment = 3_000.0
    tracking.finish_run("run1", status)
    assert (tracking.run("run1").status, tracking.run("run1").ended) == (status, 2_000.0)


def test_an_ended_run_can_be_logged_to_and_run_again(tracking: Tracking, run: Run) -> None:
    tracking.finish_run("run1")
    tracking.log_batch("run1", params={"late": 1})
    tracking.update_run("run1", status="RUNNING")
    assert (tracking.run("run1").status, tracking.run("run1").ended) == ("RUNNING", None)
    tracking.update_run("run1", status="FAILED", ended=7.0)
    assert (tracking.run("run1").status, tracking.run("run1").ended) == ("FAILED", 7.0)


def test_running_is_no_end(tracking: Tracking, run: Run) -> None:
    assert set(get_args(RunStatus)) == {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}
    with pytest.raises(InvalidInputError, match="cannot end as RUNNING: use FAILED, FINISHED, KILLED"):
        tracking.finish_run("run1", "RUNNING")


def test_deletion_is_soft(tracking: Tracking, run: Run, clock: Hand) -> None:
    clock.moment = 2_000.0
    tracking.delete_run("run1")
    clock.moment = 3_000.0
    tracking.delete_run("run1")
    assert tracking.run("run1").deleted == 2_000.0
    for write in (
        lambda: tracking.log_batch("run1", params={"a": 1}),
        lambda: tracking.finish_run("run1"),
        lambda: tracking.log_inputs("run1", [DatasetInput("a", "b", "c")]),
        lambda: tracking.put_artifact("run1", "a", b""),
    ):
        with pytest.raises(ConflictError, match="run1 is deleted: restore it"):
            write()
    tracking.restore_run("run1")
    tracking.log_batch("run1", params={"a": 1})


def test_a_deleted_experiment_takes_its_runs_along_and_brings_them_back(tracking: Tracking, run: Run) -> None:
    tracking.create_run(run.experiment_id, name="second", run_id="run2")
    tracking.delete_run("run2")
    tracking.delete_experiment(run.experiment_id)
    assert tracking.run("run1").deleted is not None
    with pytest.raises(ConflictError):
        tracking.log_batch("run1", params={"a": 1})
    assert len(list(tracking.runs(run.experiment_id, view="deleted"))) == 2
    tracking.restore_experiment(run.experiment_id)
    # As in MLflow, whose experiments restore all that they have.
    assert [one.id for one in tracking.runs(run.experiment_id)] == ["run2", "run1"]


def test_a_run_can_live_in_a_deleted_experiment_until_that_is_deleted_again(tracking: Tracking, run: Run) -> None:
    tracking.delete_experiment(run.experiment_id)
    tracking.restore_run("run1")
    tracking.log_batch("run1", params={"a": 1})
    assert [one.id for one in tracking.runs(run.experiment_id)] == ["run1"]
    tracking.restore_experiment(run.experiment_id)
    tracking.delete_experiment(run.experiment_id)
    assert [one.id for one in tracking.runs(run.experiment_id, view="deleted")] == ["run1"]


def test_a_run_that_is_made_after_a_restoration_is_deleted_and_restored_by_itself(tracking: Tracking) -> None:
    made = tracking.ensure_experiment("once more")
    assert tracking.delete_experiment(made.id)
    assert not tracking.delete_experiment(made.id)
    assert tracking.restore_experiment(made.id)
    assert not tracking.restore_experiment(made.id)
    tracking.create_run(made.id, name="x", run_id="run1")
    tracking.delete_run("run1")
    assert tracking.run("run1").deleted is not None
    tracking.restore_run("run1")
    assert tracking.run("run1").deleted is None


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("s3://bucket/delays/", "s3://bucket/delays/run1/artifacts"),
        ("gs://bucket?project=a", "gs://bucket/run1/artifacts?project=a"),
        ("/srv/delays", "/srv/delays/run1/artifacts"),
    ],
)
def test_a_run_s_artifacts_are_where_its_experiment_says(tracking: Tracking, location: str, uri: str) -> None:
    elsewhere = tracking.create_experiment("elsewhere", artifact_location=location)
    assert tracking.create_run(elsewhere.id, name="x", run_id="run1").artifact_uri == uri


def test_amending_changes_what_is_given_and_nothing_else(tracking: Tracking, run: Run) -> None:
    assert tracking.amend_run("run1") == run
    assert tracking.amend_run("run1", status="FINISHED").ended is None
    assert tracking.amend_run("run1", ended=7.0).status == "FINISHED"
    amended = tracking.amend_run("run1", status="RUNNING", name="other")
    assert (amended.status, amended.ended, amended.name, amended.tags["mlflow.runName"]) == (
        "RUNNING", 7.0, "other", "other",
    )  # fmt: skip
    assert tracking.run("run1") == amended


def test_a_run_may_be_created_with_tags_that_cannot_be_set_later(tracking: Tracking, experiment: Experiment) -> None:
    run = tracking.create_run(experiment.id, name="x", tags={"a//b": "x" * 9_000}, user="ada")
    assert (tracking.run(run.id).tags["a//b"], tracking.run(run.id).user) == ("x" * 9_000, "ada")
    with pytest.raises(InvalidInputError, match="has 100,001 characters, at most 100,000"):
        tracking.create_run(experiment.id, name="x", tags={"a": "x" * 100_000})


def test_runs_come_newest_first_in_pages_and_views(tracking: Tracking, experiment: Experiment, clock: Hand) -> None:
    for number in range(5):
        clock.moment += 1
        tracking.create_run(experiment.id, name="x", run_id=f"run{number}")
    tracking.create_run(experiment.id, name="x", run_id="early", started=3.25)
    tracking.delete_run("run2")
    assert [one.id for one in tracking.runs(experiment.id)] == ["run4", "run3", "run1", "run0", "early"]
    assert [one.id for one in tracking.runs(experiment.id, view="deleted")] == ["run2"]
    assert len(list(tracking.runs(experiment.id, view="all"))) == 6
    page = list(tracking.runs(experiment.id, limit=2))
    rest = tracking.runs(experiment.id, older_than=RunCursor(page[-1].started, page[-1].id), limit=2)
    assert [one.id for one in (*page, *rest)] == ["run4", "run3", "run1", "run0"]
    with pytest.raises(NotFoundError):
        next(tracking.runs("id9"))


def test_what_is_not_there_is_named(tracking: Tracking) -> None:
    for act in (tracking.run, tracking.delete_run, tracking.finish_run, tracking.restore_run):
        with pytest.raises(NotFoundError, match="no run 'run9'"):
            act("run9")
    with pytest.raises(NotFoundError, match="no run 'run9'"):
        tracking.metric_history("run9", "auc")


def test_starts_before_1970_are_refused(tracking: Tracking, experiment: Experiment) -> None:
    with pytest.raises(InvalidInputError, match="since 1970"):
        tracking.create_run(experiment.id, name="x", started=-1.0)

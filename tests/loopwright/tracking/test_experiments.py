import threading
from typing import Protocol

import pytest

from loopwright.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from loopwright.tracking import Experiment, Tracking


class Hand(Protocol):
    moment: float


def test_an_experiment_is_made_once_per_name(tracking: Tracking) -> None:
    made = tracking.ensure_experiment("delays")
    assert made == Experiment("id1", "delays", 1_000.0, 1_000.0)
    assert tracking.ensure_experiment("delays") == made
    assert tracking.experiment("id1") == made
    assert tracking.experiment_by_name("delays") == made


def test_makers_in_a_race_get_the_same_experiment(tracking: Tracking) -> None:
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(tracking.ensure_experiment("delays").id)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 12
    assert len(set(got)) == 1
    assert len(tracking.experiments(view="all")) == 1


def test_creating_a_taken_name_is_a_conflict(tracking: Tracking) -> None:
    tracking.create_experiment("delays", tags={"team": "ops"})
    with pytest.raises(ConflictError, match="experiment 'delays' exists, perhaps deleted"):
        tracking.create_experiment("delays")


def test_deletion_is_soft_and_keeps_the_name_reserved(tracking: Tracking, clock: Hand) -> None:
    made = tracking.ensure_experiment("delays")
    clock.moment = 2_000.0
    tracking.delete_experiment(made.id)
    clock.moment = 3_000.0
    tracking.delete_experiment(made.id)
    assert tracking.experiment(made.id).deleted == 2_000.0
    assert tracking.experiment_by_name("delays").id == made.id
    with pytest.raises(ConflictError, match="'delays' is deleted: restore it"):
        tracking.ensure_experiment("delays")
    with pytest.raises(ConflictError, match="exists, perhaps deleted"):
        tracking.create_experiment("delays")
    tracking.restore_experiment(made.id)
    tracking.restore_experiment(made.id)
    assert tracking.ensure_experiment("delays").deleted is None


def test_views_show_what_lives_or_what_was_deleted_newest_first(tracking: Tracking, clock: Hand) -> None:
    for name in ("a", "b", "c"):
        clock.moment += 1
        tracking.ensure_experiment(name)
    tracking.delete_experiment(tracking.experiment_by_name("b").id)
    assert [one.name for one in tracking.experiments()] == ["c", "a"]
    assert [one.name for one in tracking.experiments(view="deleted")] == ["b"]
    assert [one.name for one in tracking.experiments(view="all")] == ["c", "b", "a"]


def test_renaming_frees_the_old_name(tracking: Tracking) -> None:
    made = tracking.ensure_experiment("delays")
    tracking.rename_experiment(made.id, "lateness")
    tracking.rename_experiment(made.id, "lateness")
    assert tracking.experiment_by_name("lateness").id == made.id
    assert tracking.ensure_experiment("delays").id != made.id
    with pytest.raises(ConflictError, match="'delays' exists"):
        tracking.rename_experiment(made.id, "delays")


def test_a_deleted_experiment_is_neither_renamed_nor_tagged(tracking: Tracking) -> None:
    made = tracking.ensure_experiment("delays")
    tracking.delete_experiment(made.id)
    with pytest.raises(ConflictError, match="is deleted"):
        tracking.rename_experiment(made.id, "lateness")
    with pytest.raises(ConflictError, match="is deleted"):
        tracking.set_experiment_tag(made.id, "team", "ops")


def test_tags_are_set_overwritten_and_removed(tracking: Tracking) -> None:
    made = tracking.create_experiment("delays", tags={"team": "ops"})
    tracking.set_experiment_tag(made.id, "team", "data")
    tracking.set_experiment_tag(made.id, "note", "x")
    tracking.set_experiment_tag(made.id, "note", None)
    assert tracking.experiment(made.id).tags == {"team": "data"}


def test_removing_a_tag_that_is_not_there_is_told(tracking: Tracking) -> None:
    made = tracking.ensure_experiment("delays")
    with pytest.raises(NotFoundError, match="id1 has no tag 'note'"):
        tracking.set_experiment_tag(made.id, "note", None)


def test_a_tag_may_be_long_and_changes_no_moment(tracking: Tracking, clock: Hand) -> None:
    made = tracking.ensure_experiment("delays")
    clock.moment += 1
    tracking.set_experiment_tag(made.id, "note", "x" * 20_000)
    assert tracking.experiment(made.id).updated == made.updated
    with pytest.raises(InvalidInputError, match="tag 'note' has 20,001 characters"):
        tracking.set_experiment_tag(made.id, "note", "x" * 20_001)


def test_the_default_experiment_is_there_as_soon_as_somebody_asks(tracking: Tracking) -> None:
    assert tracking.experiments() == []
    assert [(one.id, one.name) for one in tracking.experiments(default=True)] == [("0", "Default")]
    assert tracking.experiment("0") == tracking.experiment_by_name("Default") == tracking.ensure_experiment("Default")


@pytest.mark.parametrize("ask", ["experiment", "delete_experiment"])
def test_by_its_identity_too(tracking: Tracking, ask: str) -> None:
    getattr(tracking, ask)("0")
    assert [one.name for one in tracking.experiments(view="all")] == ["Default"]


def test_its_name_is_taken_before_it_is_there(tracking: Tracking) -> None:
    with pytest.raises(AlreadyExistsError, match="'Default' exists"):
        tracking.create_experiment("Default")
    other = tracking.ensure_experiment("other")
    with pytest.raises(AlreadyExistsError, match="'Default' exists"):
        tracking.rename_experiment(other.id, "Default")


def test_a_renamed_default_leaves_its_name_to_others(tracking: Tracking) -> None:
    tracking.rename_experiment("0", "mine")
    assert tracking.create_experiment("Default").id != "0"


def test_artifacts_may_be_elsewhere(tracking: Tracking) -> None:
    made = tracking.create_experiment("delays", artifact_location="s3://bucket/delays")
    assert tracking.experiment(made.id).artifact_location == "s3://bucket/delays"


@pytest.mark.parametrize("location", ["delays", "runs:/x/y", "s3://bucket/../x", "s3://bucket#x", "/" + "x" * 2_048])
def test_but_not_everywhere(tracking: Tracking, location: str) -> None:
    with pytest.raises(InvalidInputError, match="artifact location"):
        tracking.create_experiment("delays", artifact_location=location)


@pytest.mark.parametrize("experiment_id", ["", "a/b", "a b", "x" * 65])
def test_an_identity_that_none_can_have_is_refused(tracking: Tracking, experiment_id: str) -> None:
    with pytest.raises(InvalidInputError, match="an identity has 1 to 64"):
        tracking.experiment(experiment_id)


@pytest.mark.parametrize("name", ["Flüge / 2013: \n späte", "x" * 500, "✈" * 500])
def test_names_are_any_text(tracking: Tracking, name: str) -> None:
    assert tracking.ensure_experiment(name).name == name
    assert tracking.experiment_by_name(name).name == name


@pytest.mark.parametrize("name", ["", "x" * 501])
def test_but_not_empty_or_endless(tracking: Tracking, name: str) -> None:
    with pytest.raises(InvalidInputError, match="a name has 1 to 500 characters"):
        tracking.ensure_experiment(name)


def test_what_is_not_there_is_named(tracking: Tracking) -> None:
    with pytest.raises(NotFoundError, match="no experiment with identity 'id9'"):
        tracking.experiment("id9")
    with pytest.raises(NotFoundError, match="no experiment 'delays': make it"):
        tracking.experiment_by_name("delays")
    with pytest.raises(NotFoundError):
        tracking.delete_experiment("id9")

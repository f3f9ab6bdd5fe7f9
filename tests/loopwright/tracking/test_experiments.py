import threading
from typing import Protocol

import pytest

from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
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

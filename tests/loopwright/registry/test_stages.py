from collections.abc import Callable
from typing import Protocol

import pytest

from loopwright.errors import GateRefusedError, InUseError, InvalidInputError, NotFoundError
from loopwright.registry import NewSource, NewVersion, Registry, stage_named

NewVersionOf = Callable[..., NewVersion]


class Hand(Protocol):
    moment: float


@pytest.fixture
def noted(registry: Registry) -> Registry:
    """Return the registry with three notebooks' versions of `churn`."""
    registry.create_model("churn")
    for number in (1, 2, 3):
        registry.register_source(NewSource(model="churn", source=f"s3://models/{number}"))
    return registry


def stages(registry: Registry, model: str) -> dict[int, str]:
    return {one.version: registry.stage(model, one.version) for one in registry.versions(model)}


def test_the_challenger_is_in_staging_and_there_is_one(noted: Registry) -> None:
    noted.move_to_stage("churn", 1, "Staging", who="ann", why="try it")
    noted.move_to_stage("churn", 2, "Staging", who="bob", why="try that")
    assert stages(noted, "churn") == {1: "None", 2: "Staging", 3: "None"}
    assert noted.alias("churn", "challenger") == 2
    assert [(change.who, change.new) for change in noted.alias_history("churn", "challenger")] == [
        ("ann", 1),
        ("bob", 2),
    ]


def test_whoever_was_in_a_stage_is_put_away_when_that_is_asked_for(noted: Registry) -> None:
    noted.move_to_stage("churn", 1, "Staging", who="ann", why="try it")
    noted.move_to_stage("churn", 2, "Staging", archive_others=True, who="ann", why="better")
    assert stages(noted, "churn") == {1: "Archived", 2: "Staging", 3: "None"}
    for stage in ("None", "Archived"):
        with pytest.raises(InvalidInputError, match="Staging and Production only"):
            noted.move_to_stage("churn", 3, stage, archive_others=True, who="ann", why="odd")


def test_a_version_comes_back_from_where_it_was_put_away(noted: Registry) -> None:
    noted.move_to_stage("churn", 1, "Staging", who="ann", why="try it")
    noted.move_to_stage("churn", 1, "Archived", who="ann", why="no good")
    assert noted.version("churn", 1).archived
    assert noted.alias("churn", "challenger") is None
    noted.move_to_stage("churn", 1, "None", who="ann", why="perhaps")
    assert stages(noted, "churn")[1] == "None"
    noted.move_to_stage("churn", 1, "Archived", who="ann", why="no good")
    noted.move_to_stage("churn", 1, "Staging", who="ann", why="again")
    assert stages(noted, "churn")[1] == "Staging"


def test_a_move_counts_as_a_change_of_version_and_model(noted: Registry, clock: Hand) -> None:
    clock.moment = 2_000.0
    assert noted.move_to_stage("churn", 1, "None", who="ann", why="nothing").updated == 2_000.0
    assert noted.model("churn").updated == 2_000.0
    assert noted.version("churn", 2).updated == 1_000.0


def test_only_the_gate_opens_production(noted: Registry, new: NewVersionOf) -> None:
    with pytest.raises(GateRefusedError, match="loopwright adopt"):
        noted.move_to_stage("churn", 1, "Production", who="ann", why="hurry")
    noted.register(new("run1", verdict=None))
    with pytest.raises(GateRefusedError, match="no verdict"):
        noted.move_to_stage("delays", 1, "Production", who="ann", why="hurry")
    noted.register(new("run2"))
    noted.move_to_stage("delays", 2, "Production", who="ann", why="earned")
    assert noted.routing("delays").champion == 2
    assert noted.alias_history("delays", "champion")[-1].kind == "promotion"


def test_a_promotion_by_stage_is_a_whole_one(three: Registry) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.set_canary("delays", 2, 0.1, who="ann", why="try")
    three.set_alias("delays", "challenger", 2, expected=None, who="ann", why="try")
    three.move_to_stage("delays", 2, "Production", archive_others=True, who="ann", why="better")
    routing = three.routing("delays")
    assert (routing.champion, routing.canary, routing.aliases) == (2, None, {"champion": 2})
    assert stages(three, "delays") == {1: "Archived", 2: "Production", 3: "None"}
    three.move_to_stage("delays", 2, "Production", who="ann", why="again")
    assert len(three.alias_history("delays", "champion")) == 2


@pytest.mark.parametrize("stage", ["None", "Staging", "Archived"])
def test_the_champion_stays_until_another_is_promoted(three: Registry, stage: str) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    with pytest.raises(GateRefusedError, match="is champion, and in Production until another is promoted"):
        three.move_to_stage("delays", 1, stage_named(stage), who="ann", why="away")


def test_a_package_that_something_leads_to_is_not_put_away(three: Registry) -> None:
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="kept")
    with pytest.raises(InUseError, match="in use"):
        three.move_to_stage("delays", 1, "Archived", who="ann", why="away")
    three.set_alias("delays", "challenger", 1, expected=None, who="ann", why="try")
    with pytest.raises(InUseError, match="in use"):
        three.move_to_stage("delays", 2, "Staging", archive_others=True, who="ann", why="better")
    assert stages(three, "delays") == {1: "Staging", 2: "None", 3: "None"}


def test_the_newest_of_each_stage(noted: Registry) -> None:
    assert {stage: one.version for stage, one in noted.latest_versions("churn").items()} == {"None": 3}
    noted.move_to_stage("churn", 1, "Archived", who="ann", why="old")
    noted.move_to_stage("churn", 2, "Staging", who="ann", why="try")
    assert [(stage, one.version) for stage, one in noted.latest_versions("churn").items()] == [
        ("Archived", 1),
        ("Staging", 2),
        ("None", 3),
    ]
    with pytest.raises(NotFoundError):
        noted.latest_versions("nothing")


def test_stages_are_named_in_any_case() -> None:
    assert stage_named("sTaGiNg") == "Staging"
    with pytest.raises(InvalidInputError, match="one of None, Staging, Production, Archived"):
        stage_named("Testing")

"""Notebooks' models: registered as often as one likes, and served by nothing before they are adopted."""

from collections.abc import Callable
from typing import Protocol

import pytest

from loopwright.errors import ConflictError, GateRefusedError, InvalidInputError, NotFoundError
from loopwright.gate import Verdict
from loopwright.registry import ANYWHERE, UNTRACED, ModelVersion, NewSource, NewVersion, Registry, expect_package

NewVersionOf = Callable[..., NewVersion]


class Hand(Protocol):
    moment: float


@pytest.fixture
def noted(registry: Registry) -> Registry:
    """Return the registry with two notebooks' versions of `delays`."""
    registry.create_model("delays")
    for number in (1, 2):
        registry.register_source(NewSource(model="delays", source=f"models:/m-{number}", run_id="run1"))
    return registry


def test_a_notebooks_model_is_kept_as_it_was_told(registry: Registry) -> None:
    registry.create_model("delays")
    new = NewSource(
        model="delays",
        source="models:/m-1",
        location="mlflow-artifacts:/7/models/m-1/artifacts",
        run_id="run1",
        run_link="https://example.org/run1",
        model_id="m-1",
        user="ann",
        description="first try",
        tags={"team": "ops"},
    )
    made = registry.register_source(new)
    assert made == registry.version("delays", 1)
    assert made == ModelVersion(
        model="delays",
        version=1,
        run_id="run1",
        source="models:/m-1",
        digest="",
        features_digest="",
        created=1_000.0,
        lineage=UNTRACED,
        metrics={},
        tags={"team": "ops"},
        verdict=None,
        updated=1_000.0,
        description="first try",
        location="mlflow-artifacts:/7/models/m-1/artifacts",
        run_link="https://example.org/run1",
        model_id="m-1",
        user="ann",
    )
    assert not made.packaged


def test_a_run_may_register_many_notebooks_models_and_one_package(noted: Registry, new: NewVersionOf) -> None:
    packaged = noted.register(new("run1"))
    assert packaged.version == 3
    assert noted.register(new("run1")) == packaged
    noted.delete_version("delays", 1)
    assert noted.register(new("run1")) == packaged
    assert noted.register_source(NewSource(model="delays", source="models:/m-9", run_id="run1")).version == 4


def test_nothing_serves_a_version_without_a_package(noted: Registry, new: NewVersionOf) -> None:
    noted.promote("delays", noted.register(new("run2")).version, expected=None, who="ann", why="first")
    before = noted.routing("delays")
    told = "version 1 of 'delays' is a notebook's model .models:/m-1. without a package.*loopwright adopt"
    for attempt in (
        lambda: noted.promote("delays", 1, expected=3, who="ann", why="quick"),
        lambda: noted.set_canary("delays", 1, 0.1, who="ann", why="quick"),
        lambda: noted.set_shadows("delays", [1], who="ann", why="quick"),
        lambda: expect_package(noted.version("delays", 1)),
    ):
        with pytest.raises(GateRefusedError, match=told):
            attempt()
    assert noted.routing("delays") == before


def test_a_verdict_earns_nothing_without_a_package(noted: Registry) -> None:
    noted.record_verdict("delays", 1, Verdict(passed=True, reasons=(), rows=900))
    with pytest.raises(GateRefusedError, match="without a package"):
        noted.promote("delays", 1, expected=ANYWHERE, who="ann", why="quick")


def test_aliases_lead_to_notebooks_models_put_away_or_not(noted: Registry) -> None:
    noted.move_to_stage("delays", 1, "Archived", who="ann", why="old")
    noted.set_alias("delays", "blue", 1, expected=None, who="ann", why="kept")
    assert noted.alias("delays", "blue") == 1
    assert noted.stage("delays", 1) == "Archived"


def test_a_description_is_changed_and_taken_away(noted: Registry, clock: Hand) -> None:
    clock.moment = 2_000.0
    assert noted.describe_version("delays", 1, "better").updated == 2_000.0
    assert noted.version("delays", 1).description == "better"
    noted.describe_version("delays", 1, None)
    assert noted.version("delays", 1).description is None
    noted.set_tag("delays", 2, "team", "ops")
    assert noted.version("delays", 2).updated == 1_000.0


def test_the_mark_of_what_is_put_away_is_no_tag_for_people(noted: Registry) -> None:
    with pytest.raises(InvalidInputError, match="archived"):
        noted.register_source(NewSource(model="delays", source="models:/m-3", tags={"archived": "true"}))
    with pytest.raises(InvalidInputError, match="archived"):
        noted.set_tag("delays", 1, "archived", "true")


def test_whoever_expects_nothing_moves_an_alias_from_anywhere(noted: Registry) -> None:
    for version in (1, 2, None):
        noted.set_alias("delays", "blue", version, expected=ANYWHERE, who="ann", why="over MLflow")
    history = noted.alias_history("delays", "blue")
    assert [(change.old, change.new, change.why) for change in history] == [
        (None, 1, "over MLflow"),
        (1, 2, "over MLflow"),
        (2, None, "over MLflow"),
    ]
    with pytest.raises(ConflictError):
        noted.set_alias("delays", "blue", 1, expected=2, who="ann", why="late")
    with pytest.raises(NotFoundError):
        noted.set_alias("delays", "blue", 9, expected=ANYWHERE, who="ann", why="typo")

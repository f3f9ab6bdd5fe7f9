import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import pytest

from loopwright.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from loopwright.registry import NewSource, NewVersion, RegisteredModel, Registry

NewVersionOf = Callable[..., NewVersion]


class Hand(Protocol):
    moment: float


def test_a_model_is_there_before_it_has_versions(registry: Registry) -> None:
    made = registry.create_model("churn", description="who leaves", tags={"team": "ops"})
    assert made == RegisteredModel("churn", 1_000.0, 0, updated=1_000.0, description="who leaves", tags={"team": "ops"})
    assert registry.model("churn") == made
    assert registry.versions("churn") == []
    assert registry.models() == [made]


def test_a_name_is_given_once(registry: Registry, new: NewVersionOf) -> None:
    registry.create_model("churn")
    registry.register(new("run1"))
    for name in ("churn", "delays"):
        with pytest.raises(AlreadyExistsError, match=f"{name!r} exists"):
            registry.create_model(name)


def test_of_many_who_create_a_model_at_once_one_does(registry: Registry) -> None:
    start, made = threading.Barrier(16), []

    def create(number: int) -> None:
        start.wait()
        with suppress(AlreadyExistsError):
            made.append(registry.create_model("churn", description=str(number)).description)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [registry.model("churn").description]


def test_a_pipeline_registers_under_a_model_that_a_notebook_has_made(registry: Registry, new: NewVersionOf) -> None:
    registry.create_model("delays", description="late flights")
    registry.register_source(NewSource(model="delays", source="s3://models/1"))
    assert registry.register(new("run1")).version == 2
    assert registry.model("delays").description == "late flights"


def test_a_description_counts_as_a_change_and_a_tag_does_not(registry: Registry, clock: Hand) -> None:
    registry.create_model("churn")
    clock.moment = 2_000.0
    registry.set_model_tag("churn", "team", "ops")
    assert registry.model("churn").updated == 1_000.0
    registry.describe_model("churn", "who leaves")
    assert registry.model("churn").updated == 2_000.0
    registry.set_model_tag("churn", "team", None)
    registry.set_model_tag("churn", "nothing", None)
    assert registry.model("churn").tags == {}


def test_a_version_counts_as_a_change_of_its_model(registry: Registry, clock: Hand) -> None:
    registry.create_model("churn")
    clock.moment = 2_000.0
    registry.register_source(NewSource(model="churn", source="s3://models/1"))
    assert registry.model("churn").updated == 2_000.0


@pytest.mark.parametrize(
    ("key", "value"),
    [("", "v"), ("a$", "v"), ("a//b", "v"), ("..", "v"), ("/a", "v"), ("k" * 251, "v"), ("k", "v" * 100_001)],
)
def test_a_tag_that_mlflow_refuses_is_refused(registry: Registry, key: str, value: str) -> None:
    registry.create_model("churn")
    with pytest.raises(InvalidInputError, match="tag"):
        registry.set_model_tag("churn", key, value)
    with pytest.raises(InvalidInputError, match="tag"):
        registry.create_model("other", tags={key: value})


def test_tags_that_would_not_fit_an_item_are_refused(registry: Registry) -> None:
    registry.create_model("churn", tags={f"key{number}": "v" * 90_000 for number in range(8)})
    with pytest.raises(InvalidInputError, match="at most 800,000 are kept: use artifacts"):
        registry.set_model_tag("churn", "more", "v" * 90_000)
    registry.set_model_tag("churn", "more", "v" * 70_000)


@pytest.mark.parametrize("name", ["  padded ", "Zürich", "a.b", "x" * 256])
def test_names_are_taken_as_they_are(registry: Registry, name: str) -> None:
    registry.create_model(name)
    assert registry.register_source(NewSource(model=name, source="s3://models/1")).model == name
    assert [one.name for one in registry.models()] == [name]


def test_what_is_not_there_is_named(registry: Registry) -> None:
    for attempt in (
        lambda: registry.model("churn"),
        lambda: registry.describe_model("churn", ""),
        lambda: registry.set_model_tag("churn", "k", "v"),
        lambda: registry.delete_model("churn"),
        lambda: registry.rename_model("churn", "loyalty"),
        lambda: registry.register_source(NewSource(model="churn", source="s3://models/1")),
    ):
        with pytest.raises(NotFoundError, match="no registered model 'churn'"):
            attempt()

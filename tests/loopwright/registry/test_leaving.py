"""Models that are deleted or renamed, in spite of whoever dies or writes in the middle of it."""

import threading
from collections.abc import Callable
from itertools import count

import pytest
from msgspec.structs import replace

from loopwright.errors import (
    AlreadyExistsError,
    ConflictError,
    InUseError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from loopwright.ports import Platform
from loopwright.registry import AliasChange, NewSource, NewVersion, Registry
from tests.loopwright.registry.dying import Died, DyingTable

NewVersionOf = Callable[..., NewVersion]
VERSIONS = 45
"""So many that a move has three steps, between a write before them and one after them."""

FIRST = (1, "before")
LAST = (5, "after")
"""Of these deaths one is too early for anything to be begun, and one too late for anything to be left."""


@pytest.fixture
def table(platform: Platform) -> DyingTable:
    return DyingTable(platform.table)


@pytest.fixture
def notebook(table: DyingTable) -> Registry:
    """Return a registry with a notebook's model of many versions, an alias and its history."""
    ids, moments = count(1), count(1)
    registry = Registry(table, clock=lambda: float(next(moments)), new_id=lambda: f"id{next(ids)}")
    registry.create_model("churn", description="who leaves", tags={"team": "ops"})
    for number in range(1, VERSIONS + 1):
        registry.register_source(NewSource(model="churn", source=f"s3://models/{number}", tags={"n": str(number)}))
    for version in (1, 2):
        registry.set_alias("churn", "blue", version, expected=version - 1 or None, who="ann", why="newer")
    return registry


def everything(registry: Registry, name: str) -> tuple[object, ...]:
    """Return all that is told of a model, but for its name and the moments of its changes."""
    model = registry.model(name)
    versions = [(one.version, one.source, one.tags, one.created) for one in registry.versions(name)]
    aliases = registry.routing(name).aliases
    return model.description, model.tags, model.created, model.latest, versions, aliases, history(registry, name)


def history(registry: Registry, name: str) -> list[AliasChange]:
    return registry.alias_history(name, "blue")


def test_a_renamed_model_has_all_that_it_had(notebook: Registry) -> None:
    before = everything(notebook, "churn")
    made = notebook.rename_model("churn", "loyalty")
    assert (made.name, made) == ("loyalty", notebook.model("loyalty"))
    assert everything(notebook, "loyalty") == before
    assert {one.model for one in notebook.versions("loyalty")} == {"loyalty"}
    assert {one.updated for one in notebook.versions("loyalty")} == {made.updated}
    assert [one.name for one in notebook.models()] == ["loyalty"]
    with pytest.raises(NotFoundError, match="no registered model 'churn'"):
        notebook.model("churn")
    assert notebook.versions("churn") == []
    assert notebook.routing("churn").aliases == {}


def test_a_renamed_model_goes_on(notebook: Registry) -> None:
    notebook.rename_model("churn", "loyalty")
    assert notebook.register_source(NewSource(model="loyalty", source="s3://models/x")).version == VERSIONS + 1
    notebook.set_alias("loyalty", "blue", 3, expected=2, who="ann", why="newer")
    assert [change.new for change in history(notebook, "loyalty")] == [1, 2, 3]
    notebook.create_model("churn")
    assert notebook.register_source(NewSource(model="churn", source="s3://models/y")).version == 1
    assert notebook.rename_model("loyalty", "loyalty").name == "loyalty"


def test_a_name_that_is_taken_is_not_given_again(notebook: Registry) -> None:
    notebook.create_model("loyalty")
    with pytest.raises(AlreadyExistsError, match="'loyalty' exists"):
        notebook.rename_model("churn", "loyalty")
    with pytest.raises(InvalidInputError):
        notebook.rename_model("churn", "a/b")
    assert notebook.model("churn").state == "here"
    notebook.set_alias("churn", "green", 1, expected=None, who="ann", why="open")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4, 5])
def test_a_renaming_that_dies_loses_nothing_and_is_finished_by_the_next(
    notebook: Registry, table: DyingTable, write: int, when: str
) -> None:
    before = everything(notebook, "churn")
    table.dies(write, done=when == "after")
    with pytest.raises(Died):
        notebook.rename_model("churn", "loyalty")
    if (write, when) not in {FIRST, LAST}:
        with pytest.raises(NotFoundError):
            notebook.model("loyalty")
        with pytest.raises(UnavailableError, match="'churn' is being renamed to 'loyalty'"):
            notebook.create_model("loyalty")
        with pytest.raises(UnavailableError, match="'churn' is being renamed to 'loyalty'"):
            notebook.set_alias("churn", "blue", VERSIONS, expected=2, who="bob", why="in between")
        with pytest.raises(UnavailableError):
            notebook.register_source(NewSource(model="churn", source="s3://models/late"))
        with pytest.raises(ConflictError, match="being renamed to 'loyalty': finish that"):
            notebook.rename_model("churn", "fidelity")
    if (write, when) != LAST:
        notebook.rename_model("churn", "loyalty")
    assert everything(notebook, "loyalty") == before
    assert notebook.versions("churn") == []


def test_a_tag_that_is_set_in_the_middle_of_a_renaming_is_not_lost(notebook: Registry, table: DyingTable) -> None:
    table.dies(2, done=True)
    with pytest.raises(Died):
        notebook.rename_model("churn", "loyalty")
    still = notebook.versions("churn")[0].version
    notebook.set_tag("churn", still, "late", "yes")
    notebook.set_model_tag("churn", "late", "yes")
    moved = VERSIONS + 1 - len(notebook.versions("churn"))
    with pytest.raises(UnavailableError, match="being renamed"):
        notebook.version("churn", min(moved, 1))
    notebook.rename_model("churn", "loyalty")
    assert notebook.version("loyalty", still).tags["late"] == "yes"
    assert notebook.model("loyalty").tags["late"] == "yes"


def test_many_who_rename_a_model_to_the_same_name_at_once_all_do(notebook: Registry) -> None:
    before = everything(notebook, "churn")
    start, failed = threading.Barrier(8), []

    def rename() -> None:
        start.wait()
        try:
            notebook.rename_model("churn", "loyalty")
        except NotFoundError:
            # It was renamed before this one began.
            failed.append(1)

    threads = [threading.Thread(target=rename) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) < 8
    assert everything(notebook, "loyalty") == before


def test_a_model_of_the_project_keeps_its_name(three: Registry) -> None:
    with pytest.raises(InUseError, match="'delays' is one of the project's: version 3 has a package"):
        three.rename_model("delays", "lateness")
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="still open")


def test_a_deleted_model_is_gone_with_all_that_it_had(notebook: Registry) -> None:
    notebook.delete_model("churn")
    assert notebook.models() == []
    assert notebook.versions("churn") == []
    assert history(notebook, "churn") == []
    with pytest.raises(NotFoundError):
        notebook.delete_model("churn")
    assert notebook.create_model("churn").description is None
    assert notebook.register_source(NewSource(model="churn", source="s3://models/y")).version == 1
    assert notebook.routing("churn").aliases == {}
    assert notebook.routing("churn").closed is False


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("next_comes", ["a deletion", "a creation", "a pipeline"])
def test_a_deletion_that_dies_is_finished_by_whoever_comes_next(
    notebook: Registry, table: DyingTable, new: NewVersionOf, write: int, when: str, next_comes: str
) -> None:
    table.dies(write, done=when == "after")
    with pytest.raises(Died):
        notebook.delete_model("churn")
    if (write, when) == FIRST:
        assert len(notebook.versions("churn")) == VERSIONS
        notebook.delete_model("churn")
    assert notebook.models() == []
    match next_comes:
        case "a deletion":
            if (write, when) not in {FIRST, LAST}:
                notebook.delete_model("churn")
        case "a creation":
            notebook.create_model("churn")
        case _:
            assert notebook.register(replace(new("run1"), model="churn")).version == 1
    assert [one.version for one in notebook.versions("churn")] == ([1] if next_comes == "a pipeline" else [])
    assert history(notebook, "churn") == []


def test_what_answers_callers_is_not_deleted(three: Registry) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.set_canary("delays", 2, 0.1, who="ann", why="try")
    three.set_shadows("delays", [3], who="ann", why="look")
    with pytest.raises(InUseError, match="'delays' answers callers"):
        three.delete_model("delays")
    for version, what in ((1, "alias champion"), (2, "the canary"), (3, "a shadow")):
        with pytest.raises(InUseError, match=f"version {version} of 'delays' answers callers .{what}."):
            three.withdraw_version("delays", version, who="ann", why="old")
    assert len(three.versions("delays")) == 3


def test_a_model_without_a_champion_may_go_with_its_packages(three: Registry) -> None:
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="kept")
    three.delete_model("delays")
    assert three.versions("delays") == []


def test_a_version_goes_with_the_aliases_that_lead_to_it(notebook: Registry) -> None:
    notebook.set_alias("churn", "green", 2, expected=None, who="ann", why="as well")
    notebook.set_alias("churn", "red", 3, expected=None, who="ann", why="another")
    notebook.withdraw_version("churn", 2, who="bob", why="deleted over MLflow")
    assert notebook.routing("churn").aliases == {"red": 3}
    last = history(notebook, "churn")[-1]
    assert (last.who, last.why, last.old, last.new) == ("bob", "deleted over MLflow", 2, None)
    with pytest.raises(NotFoundError):
        notebook.withdraw_version("churn", 2, who="bob", why="again")
    notebook.withdraw_version("churn", 4, who="bob", why="nothing leads to it")
    assert notebook.register_source(NewSource(model="churn", source="s3://models/x")).version == VERSIONS + 1

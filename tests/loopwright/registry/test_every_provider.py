"""Moving and removing all that a model has takes many transactions: on every provider they fit what it allows."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from adapters import open_platform
from loopwright.errors import ConflictError, NotFoundError
from loopwright.ports import Platform
from loopwright.registry import NewSource, Registry
from tests.contracts.worlds import WORLDS

VERSIONS = 23
MOVERS = 4


@pytest.fixture(scope="module", params=sorted(WORLDS))
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    with WORLDS[request.param]() as settings:
        platform = open_platform(settings)
        yield platform
        platform.close()


@pytest.fixture
def registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)


def test_a_model_with_heavy_versions_is_renamed_and_deleted(registry: Registry) -> None:
    registry.create_model("heavy")
    heavy = {f"key{number}": "ü" * 49_000 for number in range(8)}
    for number in range(VERSIONS):
        tags = heavy if number % 4 == 0 else {"n": str(number)}
        registry.register_source(NewSource(model="heavy", source=f"s3://models/{number}", tags=tags))
    registry.set_alias("heavy", "blue", 1, expected=None, who="ann", why="first")
    before = [(one.version, one.tags) for one in registry.versions("heavy")]
    registry.rename_model("heavy", "heavier")
    assert [(one.version, one.tags) for one in registry.versions("heavier")] == before
    assert registry.routing("heavier").aliases == {"blue": 1}
    assert [change.new for change in registry.alias_history("heavier", "blue")] == [1]
    assert registry.versions("heavy") == []
    registry.delete_model("heavier")
    assert registry.versions("heavier") == []
    assert [one for one in registry.models() if one.name in {"heavy", "heavier"}] == []
    registry.create_model("heavy")
    assert registry.register_source(NewSource(model="heavy", source="s3://models/x")).version == 1


def test_of_those_who_move_an_alias_at_once_one_wins_and_leaves_the_only_trace(registry: Registry) -> None:
    registry.create_model("raced")
    for number in range(MOVERS):
        registry.register_source(NewSource(model="raced", source=f"s3://models/{number}"))
    start, won = threading.Barrier(MOVERS), []

    def move(version: int) -> None:
        start.wait()
        with suppress(ConflictError):
            registry.set_alias("raced", "blue", version, expected=None, who=f"mover {version}", why="race")
            won.append(version)

    _together([threading.Thread(target=move, args=(version,)) for version in range(1, MOVERS + 1)])
    assert won == [registry.alias("raced", "blue")]
    assert [change.new for change in registry.alias_history("raced", "blue")] == won


def test_of_those_who_rename_and_delete_a_model_at_once_nobody_leaves_half_of_it(registry: Registry) -> None:
    registry.create_model("torn")
    for number in range(VERSIONS):
        registry.register_source(NewSource(model="torn", source=f"s3://models/{number}"))
    start = threading.Barrier(MOVERS)

    def rename() -> None:
        start.wait()
        with suppress(ConflictError, NotFoundError):
            registry.rename_model("torn", "mended")

    def delete() -> None:
        start.wait()
        with suppress(ConflictError, NotFoundError):
            registry.delete_model("torn")

    _together([threading.Thread(target=one) for one in (rename, delete) * (MOVERS // 2)])
    assert registry.versions("torn") == []
    there = [one.name for one in registry.models() if one.name == "mended"]
    assert len(registry.versions("mended")) == (VERSIONS if there else 0)


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

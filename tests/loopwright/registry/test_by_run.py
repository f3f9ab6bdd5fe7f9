"""What a run has registered is found by the run, whatever became of the models since."""

import threading
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import open_platform
from loopwright.errors import AlreadyExistsError, NotFoundError
from loopwright.registry import NewSource, NewVersion, Registry
from loopwright.registry.by_run import _MOST
from loopwright.settings import Settings

NewVersionOf = Callable[..., NewVersion]

MODELS = st.sampled_from(["a", "b", "c"])
RUNS = st.sampled_from(["run1", "run2", ""])


def found(registry: Registry, *run_ids: str) -> list[tuple[str, int]]:
    versions = registry.versions_of_runs(run_ids)
    assert versions is not None
    return sorted((one.model, one.version) for one in versions)


def test_packages_and_notebooks_versions_are_found_by_their_run(registry: Registry, new: NewVersionOf) -> None:
    registry.register(new("run1"))
    registry.register_source(NewSource(model="delays", source="s3://models/1", run_id="run1"))
    registry.register_source(NewSource(model="delays", source="s3://models/1", run_id="run2"))
    registry.register_source(NewSource(model="delays", source="s3://models/1"))
    assert found(registry, "run1") == [("delays", 1), ("delays", 2)]
    assert found(registry, "run1", "run2") == [("delays", 1), ("delays", 2), ("delays", 3)]
    assert found(registry, "another") == []


def test_of_no_run_only_a_look_at_all_models_tells(registry: Registry) -> None:
    assert registry.versions_of_runs(["run1", ""]) is None


def test_many_who_register_from_one_run_at_once_are_all_found(registry: Registry) -> None:
    for number in range(16):
        registry.create_model(f"m{number:02}")
    start = threading.Barrier(16)

    def register(number: int) -> None:
        start.wait()
        registry.register_source(NewSource(model=f"m{number:02}", source="s3://models/1", run_id="run1"))

    threads = [threading.Thread(target=register, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(registry, "run1") == [(f"m{number:02}", 1) for number in range(16)]


def test_a_run_with_more_than_is_kept_of_it_is_looked_for_everywhere(registry: Registry) -> None:
    registry.create_model("many")
    for _ in range(_MOST):
        registry.register_source(NewSource(model="many", source="s3://models/1", run_id="run1"))
    assert len(found(registry, "run1")) == _MOST
    registry.register_source(NewSource(model="many", source="s3://models/1", run_id="run1"))
    assert registry.versions_of_runs(["run1"]) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("create"), MODELS),
            st.tuples(st.just("register"), MODELS, RUNS),
            st.tuples(st.just("register"), MODELS, RUNS),
            st.tuples(st.just("rename"), MODELS, MODELS),
            st.tuples(st.just("delete"), MODELS),
            st.tuples(st.just("withdraw"), MODELS, st.integers(1, 3)),
        ),
        max_size=25,
    )
)
def test_after_any_history_the_same_is_found_as_by_looking_at_all_models(steps: list[tuple[str, ...]]) -> None:
    ids = count()
    table = open_platform(Settings(provider="memory")).table
    registry = Registry(table, clock=lambda: 1.0, new_id=lambda: str(next(ids)))
    for step in steps:
        try:
            _play(registry, step)
        except (AlreadyExistsError, NotFoundError):
            continue
    everything = [one for model in registry.models() for one in registry.versions(model.name)]
    for run_id in ("run1", "run2"):
        wanted = sorted((one.model, one.version) for one in everything if one.run_id == run_id)
        assert found(registry, run_id) == wanted


def _play(registry: Registry, step: tuple[str, ...]) -> None:
    match step:
        case "create", name:
            registry.create_model(name)
        case "register", name, run_id:
            registry.register_source(NewSource(model=name, source="s3://models/1", run_id=run_id))
        case "rename", name, new:
            registry.rename_model(name, new)
        case "delete", name:
            registry.delete_model(name)
        case "withdraw", name, number:
            registry.withdraw_version(name, int(number), who="ann", why="old")
        case _:
            pytest.fail(f"no such step: {step}")

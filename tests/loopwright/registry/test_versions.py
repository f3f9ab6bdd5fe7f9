import math
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.gate import Finding, Verdict
from loopwright.registry import NewVersion, RegisteredModel, Registry

NewVersionOf = Callable[..., NewVersion]


def in_threads(count: int, act: Callable[[int], None]) -> None:
    barrier = threading.Barrier(count)

    def start(number: int) -> None:
        barrier.wait()
        act(number)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_version_reads_back_as_it_was_registered(registry: Registry, new: NewVersionOf) -> None:
    registered = registry.register(new("run1"))
    assert registered.version == 1
    assert registered.created == 1_000.0
    assert registry.version("delays", 1) == registered
    assert registered.lineage == new("run1").lineage
    assert registered.verdict == new("run1").verdict
    assert (registered.metrics, registered.tags) == ({"roc_auc": 0.71}, {"team": "ops"})


def test_numbers_count_up_and_versions_come_newest_first(three: Registry) -> None:
    assert [one.version for one in three.versions("delays")] == [3, 2, 1]
    assert three.models() == [RegisteredModel("delays", created=1_000.0, latest=3, updated=1_000.0)]
    assert three.versions("unknown") == []


def test_a_run_registers_once(three: Registry, new: NewVersionOf) -> None:
    assert three.register(new("run2")) == three.version("delays", 2)
    assert len(three.versions("delays")) == 3


def test_a_run_cannot_register_a_second_package(three: Registry, new: NewVersionOf) -> None:
    with pytest.raises(ConflictError, match=r"run2 has registered version 2 .* under a run of its own"):
        three.register(new("run2", digest="sha256:other"))


def test_without_a_run_each_call_registers_another(registry: Registry, new: NewVersionOf) -> None:
    assert [registry.register(new("")).version for _ in range(2)] == [1, 2]


def test_publishers_in_a_race_never_share_a_version(registry: Registry, new: NewVersionOf) -> None:
    got: list[int] = []
    in_threads(12, lambda number: got.append(registry.register(new(f"run{number}")).version))
    assert sorted(got) == list(range(1, 13))
    assert {one.run_id for one in registry.versions("delays")} == {f"run{number}" for number in range(12)}


def test_one_run_published_by_many_at_once_gets_one_version(registry: Registry, new: NewVersionOf) -> None:
    got: list[int] = []
    in_threads(8, lambda _: got.append(registry.register(new("run1")).version))
    assert set(got) == {1}
    assert len(registry.versions("delays")) == 1


def test_metrics_that_are_not_finite_are_left_out(registry: Registry, new: NewVersionOf) -> None:
    odd = replace(new("run1"), metrics={"roc_auc": math.nan, "rmse": math.inf, "mae": 1.5})
    assert registry.register(odd).metrics == {"mae": 1.5}


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a\nb", "x" * 257, "é" * 241, " ", ".", ".."])
def test_a_name_that_addresses_could_not_carry_is_refused(registry: Registry, new: NewVersionOf, name: str) -> None:
    with pytest.raises(InvalidInputError, match="a name has 1 to 256 characters"):
        registry.register(replace(new("run1"), model=name))


def test_a_later_verdict_replaces_an_earlier_one(three: Registry) -> None:
    refused = Verdict(passed=False, reasons=(Finding("minimum", passed=False, wanted="a", got="b"),), rows=5)
    three.record_verdict("delays", 2, refused)
    assert three.version("delays", 2).verdict == refused
    assert three.version("delays", 1).verdict != refused


def test_tags_are_set_and_removed(three: Registry) -> None:
    three.set_tag("delays", 1, "note", "first")
    three.set_tag("delays", 1, "team", None)
    three.set_tag("delays", 1, "absent", None)
    assert three.version("delays", 1).tags == {"note": "first"}
    with pytest.raises(InvalidInputError, match="set by archive"):
        three.set_tag("delays", 1, "archived", "true")


def test_a_deleted_number_is_not_given_again(three: Registry, new: NewVersionOf) -> None:
    three.delete_version("delays", 3)
    with pytest.raises(NotFoundError, match="'delays' has no version 3"):
        three.version("delays", 3)
    assert three.register(new("run3")).version == 4


@pytest.mark.parametrize("act", ["archive", "delete_version"])
def test_what_is_in_use_can_neither_be_deleted_nor_archived(three: Registry, act: str) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.set_alias("delays", "blue", 2, expected=None, who="ann", why="try")
    three.set_canary("delays", 2, 0.1, who="ann", why="try")
    three.set_shadows("delays", [3], who="ann", why="look")
    with pytest.raises(ConflictError, match=r"version 1 of 'delays' is in use \(alias champion\): move these away"):
        getattr(three, act)("delays", 1)
    with pytest.raises(ConflictError, match=r"\(alias blue, the canary\)"):
        getattr(three, act)("delays", 2)
    with pytest.raises(ConflictError, match=r"\(a shadow\)"):
        getattr(three, act)("delays", 3)
    assert len(three.versions("delays")) == 3


def test_nothing_leads_to_an_archived_version_until_it_is_taken_back(three: Registry) -> None:
    three.archive("delays", 2)
    three.archive("delays", 2)
    assert three.version("delays", 2).archived
    with pytest.raises(ConflictError, match="version 2 of 'delays' is archived: unarchive it first"):
        three.promote("delays", 2, expected=None, who="ann", why="best")
    three.unarchive("delays", 2)
    assert three.promote("delays", 2, expected=None, who="ann", why="best").champion == 2


def test_a_version_is_never_both_deleted_and_aliased(registry: Registry, new: NewVersionOf) -> None:
    for round_ in range(20):
        number = registry.register(new(f"run{round_}")).version
        alias = f"alias{round_}"

        def act(who: int, number: int = number, alias: str = alias) -> None:
            try:
                if who:
                    registry.delete_version("delays", number)
                else:
                    registry.set_alias("delays", alias, number, expected=None, who="ann", why="race")
            except (ConflictError, NotFoundError):
                pass

        in_threads(2, act)
        there = {one.version for one in registry.versions("delays")}
        assert (number in there) == (registry.alias("delays", alias) == number)


def test_what_is_not_there_is_named(registry: Registry) -> None:
    for act in (registry.archive, registry.unarchive, registry.delete_version, registry.version):
        with pytest.raises(NotFoundError, match="model 'delays' has no version 9"):
            act("delays", 9)

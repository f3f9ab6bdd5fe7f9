import threading
from collections.abc import Callable
from typing import Protocol

import pytest

from loopwright.errors import ConflictError, GateRefusedError, InvalidInputError, NotFoundError
from loopwright.gate import Finding, Verdict
from loopwright.registry import AliasChange, Canary, NewVersion, Registry, Routing, TrafficChange

NewVersionOf = Callable[..., NewVersion]
REFUSED = Verdict(
    passed=False, reasons=(Finding("minimum", passed=False, wanted="roc_auc >= 0.65", got="0.61 (n=900)"),), rows=900
)


class Hand(Protocol):
    moment: float


def test_a_model_without_history_has_nobody(registry: Registry) -> None:
    assert registry.routing("delays") == Routing()
    assert registry.alias("delays", "champion") is None
    assert registry.alias_history("delays", "champion") == []
    assert registry.alias_at("delays", "champion", 1e12) is None


def test_an_alias_moves_with_a_trace(three: Registry, clock: Hand) -> None:
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="first")
    clock.moment = 2_000.0
    three.set_alias("delays", "blue", 3, expected=1, who="bob", why="newer")
    clock.moment = 3_000.0
    three.set_alias("delays", "blue", None, expected=3, who="ann", why="done")
    assert three.alias("delays", "blue") is None
    assert three.alias_history("delays", "blue") == [
        AliasChange(1_000.0, "ann", "first", None, 1, "set", "id1"),
        AliasChange(2_000.0, "bob", "newer", 1, 3, "set", "id2"),
        AliasChange(3_000.0, "ann", "done", 3, None, "set", "id3"),
    ]


def test_champion_at_a_time_has_an_answer(three: Registry, clock: Hand) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    clock.moment = 2_000.0
    three.promote("delays", 2, expected=1, who="ann", why="better")
    moments = (999.9, 1_000.0, 1_999.9, 2_000.0, 9_999.0)
    assert [three.alias_at("delays", "champion", moment) for moment in moments] == [None, 1, 1, 2, 2]


def test_moments_of_a_history_never_go_back(three: Registry, clock: Hand) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    clock.moment = 500.0
    three.promote("delays", 2, expected=1, who="ann", why="by a clock that is late")
    assert [change.at for change in three.alias_history("delays", "champion")] == [1_000.0, 1_000.0]
    assert three.alias_at("delays", "champion", 1_000.0) == 2


def test_a_lost_race_is_a_conflict_that_says_where_the_alias_is(three: Registry) -> None:
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="first")
    with pytest.raises(ConflictError, match="'blue' of 'delays' leads to version 1, not to nothing: read it again"):
        three.set_alias("delays", "blue", 2, expected=None, who="bob", why="late")
    assert len(three.alias_history("delays", "blue")) == 1


def test_moving_an_alias_to_where_it_is_leaves_no_trace(three: Registry) -> None:
    three.set_alias("delays", "blue", 1, expected=None, who="ann", why="first")
    before = three.routing("delays")
    assert three.set_alias("delays", "blue", 1, expected=1, who="ann", why="again") == before


@pytest.mark.parametrize("alias", ["", "a/b", "latest", "LATEST", "v3", "V12", "x" * 256])
def test_an_alias_that_mlflow_refuses_is_refused(three: Registry, alias: str) -> None:
    with pytest.raises(InvalidInputError, match="alias"):
        three.set_alias("delays", alias, 1, expected=None, who="ann", why="odd")


def test_an_alias_needs_a_version(three: Registry) -> None:
    with pytest.raises(NotFoundError, match="no version 9"):
        three.set_alias("delays", "blue", 9, expected=None, who="ann", why="typo")


def test_the_champion_moves_only_by_promotion_and_rollback(three: Registry) -> None:
    with pytest.raises(GateRefusedError, match=r"moved by promote .* or rollback"):
        three.set_alias("delays", "champion", 1, expected=None, who="ann", why="by hand")


def test_a_version_without_a_passed_verdict_is_not_promoted(registry: Registry, new: NewVersionOf) -> None:
    registry.register(new("run1", verdict=None))
    registry.register(new("run2", verdict=REFUSED))
    with pytest.raises(GateRefusedError, match="version 1 of 'delays' has no verdict: judge it"):
        registry.promote("delays", 1, expected=None, who="ann", why="hope")
    with pytest.raises(GateRefusedError, match=r"did not pass the gate: wanted roc_auc >= 0\.65; got 0\.61"):
        registry.promote("delays", 2, expected=None, who="ann", why="hope")
    assert registry.routing("delays") == Routing()


def test_two_promotions_at_once_have_one_winner(three: Registry) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def act(version: int) -> None:
        barrier.wait()
        try:
            three.promote("delays", version, expected=1, who="ann", why="race")
            outcomes.append("won")
        except ConflictError:
            outcomes.append("lost")

    threads = [threading.Thread(target=act, args=(version,)) for version in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost", "won"]
    assert len(three.alias_history("delays", "champion")) == 2


def test_promoting_the_champion_again_changes_nothing(three: Registry) -> None:
    first = three.promote("delays", 1, expected=None, who="ann", why="first")
    assert three.promote("delays", 1, expected=None, who="ann", why="a run that was resumed") == first


def test_a_promoted_canary_or_shadow_ends_as_such(three: Registry) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.set_canary("delays", 2, 0.1, who="ann", why="try")
    three.set_shadows("delays", [2, 3], who="ann", why="look")
    routing = three.promote("delays", 2, expected=1, who="ann", why="good")
    assert (routing.champion, routing.canary, routing.shadows) == (2, None, (3,))


def test_rollback_sends_all_traffic_to_the_champion_before(three: Registry, clock: Hand) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.promote("delays", 2, expected=1, who="ann", why="better")
    three.set_canary("delays", 3, 0.5, who="ann", why="try")
    clock.moment = 2_000.0
    assert three.rollback("delays", who="bob", why="errors") == 1
    assert three.routing("delays") == Routing(1, None, (), {"champion": 1}, revision=4)
    assert three.alias_history("delays", "champion")[-1] == AliasChange(
        2_000.0, "bob", "errors", 2, 1, "rollback", "id3"
    )
    assert three.traffic_history("delays")[-1] == TrafficChange(2_000.0, "bob", "errors", None, ())


def test_rolling_back_twice_goes_back_twice_and_then_there_is_no_more(three: Registry) -> None:
    for version, before in ((1, None), (2, 1), (3, 2)):
        three.promote("delays", version, expected=before, who="ann", why="better")
    assert [three.rollback("delays", who="bob", why="errors") for _ in range(2)] == [2, 1]
    with pytest.raises(NotFoundError, match="no former champion to go back to: promote another"):
        three.rollback("delays", who="bob", why="errors")


def test_rollback_passes_over_what_is_archived_or_gone(three: Registry, new: NewVersionOf) -> None:
    three.register(new("run4"))
    for version, before in ((1, None), (2, 1), (3, 2), (4, 3)):
        three.promote("delays", version, expected=before, who="ann", why="better")
    three.archive("delays", 3)
    three.delete_version("delays", 2)
    assert three.rollback("delays", who="bob", why="errors") == 1


def test_a_canary_stands_in_for_the_champion_at_its_weight(three: Registry) -> None:
    three.promote("delays", 1, expected=None, who="ann", why="first")
    assert three.set_canary("delays", 2, 0.25, who="ann", why="try").canary == Canary(2, 0.25)
    assert three.routing("delays").canary == Canary(2, 0.25)
    assert three.set_canary("delays", None, 0.0, who="ann", why="enough").canary is None
    assert [change.canary for change in three.traffic_history("delays")] == [Canary(2, 0.25), None]


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_is_a_share(three: Registry, weight: float) -> None:
    with pytest.raises(InvalidInputError, match="between 0 and 1"):
        three.set_canary("delays", 2, weight, who="ann", why="try")


def test_a_canary_needs_a_champion_that_is_another_version(three: Registry) -> None:
    with pytest.raises(ConflictError, match="no champion that version 2 could stand in for"):
        three.set_canary("delays", 2, 0.1, who="ann", why="try")
    three.promote("delays", 2, expected=None, who="ann", why="first")
    with pytest.raises(ConflictError, match="version 2 is champion of 'delays' already"):
        three.set_canary("delays", 2, 0.1, who="ann", why="try")


def test_shadows_are_a_set_of_versions_that_are_there(three: Registry) -> None:
    assert three.set_shadows("delays", [3, 2, 3], who="ann", why="look").shadows == (3, 2)
    with pytest.raises(NotFoundError, match="no version 9"):
        three.set_shadows("delays", [9], who="ann", why="typo")
    assert three.routing("delays").shadows == (3, 2)


def test_stages_of_mlflow_follow_the_aliases(three: Registry, new: NewVersionOf) -> None:
    three.register(new("run4"))
    three.promote("delays", 1, expected=None, who="ann", why="first")
    three.set_alias("delays", "challenger", 2, expected=None, who="ann", why="next")
    three.archive("delays", 3)
    stages = [three.stage("delays", version) for version in (1, 2, 3, 4)]
    assert stages == ["Production", "Staging", "Archived", "None"]
    with pytest.raises(NotFoundError):
        three.stage("delays", 9)


def test_writers_in_a_race_lose_no_change_of_other_aliases(three: Registry) -> None:
    threads = [
        threading.Thread(
            target=three.set_alias, args=("delays", f"a{number}", 1), kwargs={"expected": None, "who": "x", "why": "y"}
        )
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(three.routing("delays").aliases) == {f"a{number}" for number in range(12)}
    assert three.routing("delays").revision == 12

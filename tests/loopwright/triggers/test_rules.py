from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.definitions.rules import Triggers as Rules
from loopwright.triggers.rules import Kind, Past, refusal, remembered

DAY = 86_400.0
RULES = Rules(every=timedelta(days=30), cooldown=timedelta(days=7), budget=3, budget_period=timedelta(days=90))
KINDS: tuple[Kind, ...] = ("schedule", "drift", "performance", "person")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_in_the_way_of_the_first_retraining(kind: Kind) -> None:
    assert refusal(RULES, kind, Past(), now=0.0) is None


@pytest.mark.parametrize(
    ("kind", "rules"),
    [("drift", Rules(on_drift=False)), ("performance", Rules(on_performance=False)), ("schedule", Rules(every=None))],
)
def test_what_is_switched_off_starts_nothing(kind: Kind, rules: Rules) -> None:
    assert refusal(rules, kind, Past(), now=0.0) == f"the model is not retrained on {kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_starts_a_second_job_beside_a_running_one(kind: Kind) -> None:
    assert refusal(RULES, kind, Past((0.0,), running="train-delays-1"), now=50 * DAY) is not None


def test_the_cooldown_holds_up_everything_but_a_person() -> None:
    past = Past((0.0,))
    assert refusal(RULES, "drift", past, now=7 * DAY - 1) == "cooling down until 1970-01-08T00:00:00Z"
    assert refusal(RULES, "person", past, now=7 * DAY - 1) is None
    assert refusal(RULES, "drift", past, now=7 * DAY) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_budget_counts_and_binds_everybody(kind: Kind) -> None:
    past = Past((0.0, 10 * DAY, 20 * DAY))
    assert refusal(RULES, kind, past, now=80 * DAY) == "the budget of 3 retrainings in 90 days is spent"
    assert refusal(RULES, kind, past, now=90 * DAY) is None


@given(
    starts=st.lists(st.floats(0, 1e8), max_size=20).map(lambda found: tuple(sorted(found))),
    later=st.floats(0, 1e7),
    kind=st.sampled_from(KINDS),
)
def test_forgetting_old_starts_changes_no_decision(starts: tuple[float, ...], later: float, kind: Kind) -> None:
    now = (starts[-1] if starts else 0.0) + later
    assert refusal(RULES, kind, Past(remembered(RULES, starts, now)), now) == refusal(RULES, kind, Past(starts), now)

"""Metric histories: what any sequence of calls leaves, against the plain rules of MLflow."""

import math
from itertools import count

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters import open_platform
from loopwright.settings import Settings
from loopwright.tracking import Metric, Run, Tracking

POINTS = st.builds(
    Metric,
    key=st.sampled_from(["auc", "loss", "a b/c"]),
    value=st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.5, 0.5]) | st.floats(),
    timestamp=st.integers(0, 3).map(float),
    step=st.integers(-2, 2),
)
CALLS = st.lists(st.lists(POINTS, max_size=4), max_size=8)


def fresh() -> tuple[Tracking, Run]:
    platform = open_platform(Settings(provider="memory"))
    ids = count()
    tracking = Tracking(platform.table, platform.blobs, clock=lambda: 1.0, new_id=lambda: f"id{next(ids)}")
    return tracking, tracking.create_run(tracking.ensure_experiment("e").id, name="r")


def rank(point: Metric) -> tuple[int, float, float]:
    return point.step, point.timestamp, 0.0 if math.isnan(point.value) else point.value


def place(point: Metric) -> tuple[float, int, float, bool]:
    """What tells a point from others, and where it is among them."""
    unknown = math.isnan(point.value)
    return point.timestamp, point.step, 0.0 if unknown else point.value, unknown


@settings(max_examples=50, deadline=None)
@given(CALLS)
@example([[Metric("auc", math.nan, 1.0), Metric("auc", -1.0, 1.0)], [Metric("auc", 0.5, 1.0)]])
def test_a_history_holds_every_point_once_and_the_run_the_latest(calls: list[list[Metric]]) -> None:
    tracking, run = fresh()
    for call in calls:
        tracking.log_batch(run.id, metrics=call)
    found = tracking.run(run.id)
    for key in ("auc", "loss", "a b/c"):
        points = [point for call in calls for point in call if point.key == key]
        history = tracking.metric_history(run.id, key)
        assert [place(one) for one in history] == sorted({place(one) for one in points})
        if points:
            # Of points that rank the same, the first stays, as only a strictly later one replaces it.
            assert repr(found.metrics[key]) == repr(max(points, key=rank))
        else:
            assert key not in found.metrics


def test_a_long_training_reads_its_own_chunks_only() -> None:
    tracking, run = fresh()
    for step in range(300):
        tracking.log_batch(run.id, metrics=[Metric("auc", step / 300, float(step), step)])
        tracking.log_batch(run.id, metrics=[Metric("loss", 1 - step / 300, float(step), step)])
    assert [one.step for one in tracking.metric_history(run.id, "auc")] == list(range(300))
    assert tracking.run(run.id).metrics["loss"].step == 299


def test_one_call_may_hold_a_whole_history() -> None:
    tracking, run = fresh()
    points = [Metric("auc", step / 1_000, float(step), step) for step in range(1_000)]
    tracking.log_batch(run.id, metrics=points)
    tracking.log_batch(run.id, metrics=points)
    assert tracking.metric_history(run.id, "auc") == points


def test_a_metric_that_was_never_logged_has_no_history() -> None:
    tracking, run = fresh()
    assert tracking.metric_history(run.id, "auc") == []

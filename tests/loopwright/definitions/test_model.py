"""Definitions: a contradiction is refused when it is written, by name, with what to do instead."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from loopwright import (
    Columns,
    Entity,
    FeatureView,
    Field,
    Gate,
    Label,
    Model,
    Monitors,
    OnDemandTransformation,
    Performance,
    Project,
    TrainingContext,
)
from loopwright.definitions.project import features_digest
from loopwright.errors import DefinitionError, NotFoundError

if TYPE_CHECKING:
    import pandas as pd

AIRPORT = Entity("airport", (Field("origin", "string"),))
WEATHER = FeatureView("weather", AIRPORT, (Field("temperature", nullable=True),), ttl=timedelta(hours=3))


def _hour(columns: Columns) -> Columns:
    seconds = columns["event_time"].astype("datetime64[s]").astype(np.int64)
    return {"hour": (seconds // 3600 % 24).astype(np.float64)}


def _train(frame: "pd.DataFrame", target: "pd.Series", context: TrainingContext) -> object:
    return frame, target, context


HOUR = OnDemandTransformation("hour_of_day", ("event_time",), (Field("hour"),), _hour)

DELAYS = Model(
    name="delays",
    task="binary",
    entity=Entity("flight", (Field("flight_id", "string"),)),
    label=Label("late"),
    observations="flights",
    request=(Field("origin", "string"), Field("distance", minimum=0)),
    views=(WEATHER,),
    transformations=(HOUR,),
    features=("origin", "distance", "temperature", "hour"),
    train=_train,
    gate=Gate("roc_auc"),
)


def test_a_request_carries_the_entity_then_the_request_fields() -> None:
    assert [one.name for one in DELAYS.inputs] == ["flight_id", "origin", "distance"]


def test_a_model_sees_its_features_in_their_order() -> None:
    assert [(one.name, one.dtype) for one in DELAYS.feature_fields] == [
        ("origin", "string"),
        ("distance", "float"),
        ("temperature", "float"),
        ("hour", "float"),
    ]


def test_without_a_choice_all_metrics_of_the_task_are_measured() -> None:
    assert "log_loss" in DELAYS.metrics


CONTRADICTIONS: list[tuple[Callable[[], object], str]] = [
    (lambda: replace(DELAYS, features=("altitude",)), "'altitude' is no request field, view feature or output"),
    (lambda: replace(DELAYS, features=()), "has no features"),
    (lambda: replace(DELAYS, features=("hour", "hour")), "feature 'hour' is defined twice"),
    (lambda: replace(DELAYS, name="Delays"), "a name is a-z, 0-9 and single _"),
    (lambda: replace(DELAYS, gate=Gate("rmse")), "'rmse' is no metric for binary: use roc_auc"),
    (
        lambda: replace(DELAYS, monitors=Monitors(performance=Performance("r2"))),
        "'r2' is no metric for binary",
    ),
    (
        lambda: replace(DELAYS, request=(Field("distance"),), features=("distance",), transformations=()),
        "view 'weather' is looked up by 'origin', which no request carries",
    ),
    (
        lambda: replace(DELAYS, transformations=(replace(HOUR, inputs=("wind",)),)),
        "transformation 'hour_of_day' wants 'wind', which nothing before it provides",
    ),
    (
        lambda: replace(DELAYS, request=(*DELAYS.request, Field("temperature"))),
        "column 'temperature' is defined twice",
    ),
    (
        lambda: replace(DELAYS, request=(*DELAYS.request, Field("moment", "time")), features=("moment",)),
        "'moment' is a time; turn it into a number first",
    ),
    (lambda: Field("score"), "the log of predictions has a column of that name"),
    (lambda: Field("weather__age"), "single _"),
    (lambda: Field("name", "string", minimum=0), "only float and int have a range"),
    (lambda: Field("x", minimum=2, maximum=1), "minimum 2 is above maximum 1"),
    (lambda: Field("x", categories=("a",)), "only a string has categories"),
    (lambda: Entity("nobody", ()), "has no keys"),
    (lambda: Entity("place", (Field("latitude"),)), "a key is string or int"),
    (lambda: FeatureView("empty", AIRPORT, ()), "has no features"),
    (lambda: FeatureView("late", AIRPORT, (Field("x"),), ttl=timedelta(0)), "TTL must be positive"),
    (lambda: FeatureView("echo", AIRPORT, (Field("origin", "string"),)), "column 'origin' is defined twice"),
    (lambda: OnDemandTransformation("nothing", (), (), _hour), "has no outputs"),
    (lambda: Gate("roc_auc", confidence=0.3), "confidence is between 0.5 and 1"),
    (lambda: Project("two", (DELAYS, DELAYS)), "model 'delays' is defined twice"),
    (
        lambda: Project("two", (DELAYS, replace(DELAYS, name="other", views=(replace(WEATHER, ttl=None),)))),
        "feature view 'weather' has two definitions",
    ),
]


@pytest.mark.parametrize(("define", "message"), CONTRADICTIONS, ids=[message for _, message in CONTRADICTIONS])
def test_a_contradiction_is_refused_with_its_reason(define: Callable[[], object], message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        define()
    assert message in str(caught.value)


def test_what_is_not_in_a_project_is_named_with_what_is() -> None:
    project = Project("airline", (DELAYS,))
    assert project.model("delays") is DELAYS
    assert project.view("weather") is WEATHER
    with pytest.raises(NotFoundError, match="has no model 'fares': it has delays"):
        project.model("fares")
    with pytest.raises(NotFoundError, match="has no feature view 'fuel': it has weather"):
        project.view("fuel")


def test_the_digest_of_features_changes_with_features_only() -> None:
    assert features_digest(replace(DELAYS, seed=7, gate=Gate("log_loss"))) == features_digest(DELAYS)
    for changed in (
        replace(DELAYS, features=("origin", "distance")),
        replace(DELAYS, views=(replace(WEATHER, ttl=None),)),
        replace(DELAYS, transformations=(replace(HOUR, function=_other_hour),)),
    ):
        assert features_digest(changed) != features_digest(DELAYS)


def _other_hour(columns: Columns) -> Columns:
    return {"hour": np.zeros(len(columns["event_time"]))}

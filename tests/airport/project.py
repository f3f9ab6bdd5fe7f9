"""A small project for the tests of serving: is a flight late? Weather is looked up by its airport."""

from datetime import timedelta

import numpy as np

from loopwright.definitions import (
    Columns,
    Entity,
    FeatureView,
    Field,
    Gate,
    Label,
    Model,
    OnDemandTransformation,
    Project,
    TrainingContext,
)

airport = Entity("airport", (Field("origin", "string"),))
flight = Entity("flight", (Field("flight_id", "string"),))

weather = FeatureView(
    name="weather",
    entity=airport,
    features=(Field("wind", nullable=True, minimum=0, maximum=200), Field("sky", "string", nullable=True)),
    event_time="hour",
    ttl=timedelta(hours=6),
)


def _hour_of_day(columns: Columns) -> Columns:
    hours = columns["event_time"].astype("datetime64[h]").astype(np.int64) % 24
    return {"hour_of_day": hours.astype(np.float64)}


def _train(features: object, target: object, context: TrainingContext) -> object:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - serving must not pay for it

    return LogisticRegression(random_state=context.seed).fit(features, target)


delays = Model(
    name="delays",
    task="binary",
    entity=flight,
    label=Label("late", positive="late"),
    observations="flights",
    request=(
        Field("origin", "string", categories=("JFK", "LGA", "EWR")),
        Field("distance", minimum=0, maximum=5_000),
        Field("seats", "int", nullable=True),
        Field("night", "bool"),
        Field("scheduled", "time"),
    ),
    views=(weather,),
    transformations=(OnDemandTransformation("clock", ("event_time",), (Field("hour_of_day"),), _hour_of_day),),
    features=("distance", "origin", "wind", "hour_of_day"),
    train=_train,
    gate=Gate(metric="roc_auc"),
)

project = Project("airport", (delays,))

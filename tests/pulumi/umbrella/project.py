"""A project as small as one can be that goes once around the loop: will it rain?"""

from datetime import timedelta

import numpy as np

from loopwright.definitions import (
    Columns,
    DataQuality,
    Drift,
    Entity,
    FeatureView,
    Field,
    Gate,
    Label,
    Model,
    Monitors,
    Performance,
    Project,
    TrainingContext,
    Triggers,
)

station = Entity("station", (Field("station", "string"),))
terrain = FeatureView("terrain", station, (Field("altitude"),))


def _fit(features: object, target: object, context: TrainingContext) -> object:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - serving must not pay for it

    return LogisticRegression(random_state=context.seed).fit(features, target)


rain = Model(
    name="rain",
    task="binary",
    entity=station,
    label=Label("rained", positive="yes"),
    observations="observations",
    request=(Field("humidity", minimum=0, maximum=100), Field("wind", minimum=0, maximum=200)),
    views=(terrain,),
    features=("humidity", "wind"),
    train=_fit,
    gate=Gate("roc_auc", minimum=0.6, minimum_rows=30, margin=-0.2, confidence=0.5, resamples=50),
    monitors=Monitors(
        drift=Drift(minimum_rows=50),
        quality=DataQuality(minimum_rows=50),
        performance=Performance("roc_auc", minimum=0.5, minimum_labels=50),
    ),
    triggers=Triggers(cooldown=timedelta(0)),
)

project = Project("umbrella", (rain,))


def cases(count: int, *, until: float, wind: float, seed: int = 0) -> Columns:
    """As many cases, one an hour, the last one at `until`; rain is likelier when it is humid."""
    chance = np.random.default_rng(seed)
    humidity, blown = chance.uniform(20, 100, count), chance.normal(wind, 5, count).clip(0)
    at = np.datetime64(int(until), "s") - np.arange(count)[::-1] * np.timedelta64(1, "h")
    rained = chance.random(count) < 1 / (1 + np.exp(-(humidity - 60) / 5))
    return {
        "station": np.full(count, "north", dtype=object),
        "humidity": humidity,
        "wind": blown,
        "event_time": at.astype("datetime64[us]"),
        "rained": np.where(rained, "yes", "no").astype(object),
    }


def heights(altitude: float, *, since: float) -> Columns:
    """The height of one station, as of a moment."""
    return {
        "station": np.full(1, "north", dtype=object),
        "altitude": np.full(1, altitude),
        "event_time": np.full(1, np.datetime64(int(since), "s")).astype("datetime64[us]"),
    }

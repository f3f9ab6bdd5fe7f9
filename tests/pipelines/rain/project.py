"""A small project for the tests: will it rain at a station within the hour?"""

from datetime import timedelta

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from loopwright import (
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

station = Entity("station", (Field("station", "string"),))

pressure = FeatureView(
    "pressure",
    entity=station,
    features=(Field("hectopascal", nullable=True),),
    known_time="known_time",
    ttl=timedelta(days=2),
)


def wetness(columns: Columns) -> Columns:
    return {"wetness": columns["humidity"] / 100.0}


def fit(rows: pd.DataFrame, target: pd.Series, context: TrainingContext) -> object:
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["wetness", "hectopascal"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["sky"]),
        ]
    )
    model = make_pipeline(prepared, LogisticRegression(C=float(context.parameters["c"]), random_state=context.seed))
    model.fit(rows, target)
    for step in range(3):
        context.log_metric("loss", 1.0 / (step + 1), step)
    return model


rain = Model(
    name="rain",
    task="binary",
    entity=station,
    label=Label("rained", positive="yes"),
    observations="observations",
    request=(Field("humidity", nullable=True), Field("sky", "string", nullable=True)),
    views=(pressure,),
    transformations=(OnDemandTransformation("wet", ("humidity",), (Field("wetness", nullable=True),), wetness),),
    features=("wetness", "hectopascal", "sky"),
    train=fit,
    parameters={"c": 1.0},
    gate=Gate("roc_auc", minimum=0.6, minimum_rows=50, margin=-0.05, confidence=0.9, resamples=50),
)

project = Project("weather", (rain,))

STATIONS = np.array(["north", "south"], dtype=object)
START = np.datetime64("2013-01-01", "us")


def past_cases(days: int, *, seed: int = 0) -> Columns:
    """Ten cases a day; rain is likelier when it is humid, overcast and the pressure is low."""
    chance = np.random.default_rng(seed)
    count = days * 10
    humidity = np.where(chance.random(count) < 0.05, np.nan, chance.uniform(20, 100, count))
    sky = chance.choice(np.array(["clear", "overcast", ""], dtype=object), count)
    at = START + np.arange(count) * np.timedelta64(144, "m")
    odds = np.nan_to_num(humidity, nan=60) / 20 + (sky == "overcast") * 2 - 4
    rained = chance.random(count) < 1 / (1 + np.exp(-odds))
    return {
        "station": chance.choice(STATIONS, count),
        "humidity": humidity,
        "sky": sky,
        "event_time": at.astype("datetime64[us]"),
        "rained": np.where(rained, "yes", "no").astype(object),
    }


def barometer(days: int, *, seed: int = 1) -> Columns:
    """One reading a day and station, known an hour later."""
    chance = np.random.default_rng(seed)
    at = (START + np.arange(days) * np.timedelta64(1, "D")).astype("datetime64[us]")
    return {
        "station": np.repeat(STATIONS, days),
        "event_time": np.tile(at, 2),
        "known_time": np.tile(at, 2) + np.timedelta64(1, "h"),
        "hectopascal": chance.normal(1013, 10, 2 * days),
    }

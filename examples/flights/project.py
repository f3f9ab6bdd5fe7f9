"""Will a flight arrive more than 15 minutes late? Asked an hour before the hour in which it is to depart.

The data is every flight that left New York City in 2013. Weather is looked up as it was known at the moment of asking,
planes by their tail number; whether a flight was late becomes known when it has landed, and never if it was cancelled.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from loopwright import (
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
    OnDemandTransformation,
    Performance,
    Project,
    Slice,
    TrainingContext,
    Triggers,
)

if TYPE_CHECKING:
    import pandas as pd

ORIGINS: Final = ("EWR", "JFK", "LGA")
CARRIERS: Final = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")

flight = Entity("flight", keys=(Field("flight_id", "string", description="date, flight number, origin"),))
airport = Entity("airport", keys=(Field("origin", "string", categories=ORIGINS),))
plane = Entity("plane", keys=(Field("tailnum", "string", nullable=True),))

weather = FeatureView(
    name="weather",
    entity=airport,
    features=(
        Field("temperature", nullable=True, minimum=-30, maximum=120, description="°F"),
        Field("dew_point", nullable=True, minimum=-40, maximum=90, description="°F"),
        Field("humidity", nullable=True, minimum=0, maximum=100, description="relative, %"),
        Field("wind_direction", nullable=True, minimum=0, maximum=360, description="degrees; null in a calm"),
        Field("wind_speed", nullable=True, minimum=0, maximum=150, description="mph"),
        Field("precipitation", nullable=True, minimum=0, maximum=5, description="inches in the hour"),
        Field("pressure", nullable=True, minimum=950, maximum=1060, description="millibar"),
        Field("visibility", nullable=True, minimum=0, maximum=10, description="miles"),
    ),
    known_time="known_time",
    ttl=timedelta(hours=6),
)

planes = FeatureView(
    name="planes",
    entity=plane,
    features=(
        Field("built", "int", nullable=True, minimum=1950, maximum=2013, description="year"),
        Field("seats", "int", nullable=True, minimum=1, maximum=500),
    ),
)


def calendar(columns: Columns) -> Columns:
    """Return the weekday in New York, Monday = 0.

    Five hours behind UTC is winter time; in summer the hour is wrong, but no flight is asked about between 23 and 1.
    """
    days = (columns["event_time"] - np.timedelta64(5, "h")).astype("datetime64[D]").astype(np.int64)
    return {"weekday": ((days + 3) % 7).astype(np.float64)}


def plane_age(columns: Columns) -> Columns:
    """Return the plane's age in years, null if it is not known when it was built."""
    years = columns["event_time"].astype("datetime64[Y]").astype(np.int64) + 1970
    return {"plane_age": years - columns["built"]}


def train(features: "pd.DataFrame", target: "pd.Series", context: TrainingContext) -> object:
    """Fit gradient boosting on histograms, with text as ordinal numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    text = ["carrier", "origin", "dest"]
    numbers = [name for name in features.columns if name not in text]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    boosting = HistGradientBoostingClassifier(random_state=context.seed, early_stopping=False, **context.parameters)
    columns = make_column_transformer((encoder, text), ("passthrough", numbers))
    return make_pipeline(columns, boosting).fit(features, target)


delays = Model(
    name="delays",
    task="binary",
    entity=flight,
    label=Label("late", horizon=timedelta(days=30)),
    observations="flights",
    request=(
        Field("carrier", "string", categories=CARRIERS),
        Field("origin", "string", categories=ORIGINS),
        Field("dest", "string"),
        Field("tailnum", "string", nullable=True),
        Field("departure_minute", "int", minimum=0, maximum=1439, description="scheduled, minutes since midnight"),
        Field("distance", minimum=0, maximum=6000, description="miles"),
    ),
    views=(weather, planes),
    transformations=(
        OnDemandTransformation("calendar", ("event_time",), (Field("weekday", minimum=0, maximum=6),), calendar),
        OnDemandTransformation("age", ("event_time", "built"), (Field("plane_age", nullable=True),), plane_age),
    ),
    features=(
        "carrier",
        "origin",
        "dest",
        "departure_minute",
        "distance",
        "weekday",
        *weather.feature_names,
        "seats",
        "plane_age",
    ),
    train=train,
    parameters={"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 100},
    training_window=timedelta(days=90),
    holdout=timedelta(days=14),
    gate=Gate(
        metric="roc_auc",
        minimum=0.6,
        # A change of model is not free: a candidate must be half a point of ROC AUC better.
        margin=0.005,
        slices=tuple(Slice("origin", origin, minimum=0.55) for origin in ORIGINS),
    ),
    monitors=Monitors(
        drift=Drift(
            # Weeks of weather differ by more than 0.2, the usual bound, within one winter. Four weeks together and this
            # bound leave winter alone and hear the spring; pressure and the wind's direction turn by the day.
            threshold=1.5,
            window=timedelta(days=28),
            minimum_rows=24_000,
            features=(
                "carrier",
                "origin",
                "dest",
                "departure_minute",
                "distance",
                "weekday",
                "temperature",
                "dew_point",
                "humidity",
                "wind_speed",
                "precipitation",
                "visibility",
                "seats",
                "plane_age",
            ),
        ),
        # Pressure is missing in one hour of ten, and one plane of six is not in the list: as in training.
        quality=DataQuality(maximum_null_share=0.25, maximum_stale_share=0.25),
        performance=Performance("roc_auc", maximum_drop=0.05, minimum_labels=3000),
    ),
    triggers=Triggers(every=timedelta(days=60), cooldown=timedelta(days=42), budget=5),
)

project = Project("flights", models=(delays,))

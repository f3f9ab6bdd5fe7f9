"""An airport's weather in a fresh in-memory world whose clock the test sets."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.columns import Array, Columns, times
from loopwright.definitions import Entity, FeatureView, Field, Gate, Label, Model, OnDemandTransformation
from loopwright.ports import Platform
from loopwright.settings import Settings

AIRPORT = Entity("airport", (Field("origin", dtype="string"),))

FEATURES = (
    Field("temp"),
    Field("sky", dtype="string", nullable=True),
    Field("gusts", dtype="int", nullable=True),
    Field("rain", dtype="bool", nullable=True),
    Field("sunrise", dtype="time", nullable=True),
)

WEATHER = FeatureView("weather", AIRPORT, FEATURES, known_time="known", ttl=timedelta(seconds=100))
CLIMATE = FeatureView("climate", AIRPORT, (Field("normal_temp"),))


def texts(*values: str) -> Array:
    return np.array(values, dtype=object)


def numbers(*values: float) -> Array:
    return np.array(values, dtype=np.float64)


def weather(*rows: tuple[str, float, float, float]) -> Columns:
    """Rows of the weather's source: origin, event time, known time, temperature; the other features follow from it."""
    origins, events, known, temps = zip(*rows, strict=True)
    return {
        "origin": texts(*origins),
        "event_time": times(events),
        "known": times(known),
        "temp": numbers(*temps),
        "sky": texts(*(f"sky {temp:g}" for temp in temps)),
        "gusts": numbers(*(round(temp) for temp in temps)),
        "rain": numbers(*(float(temp > 0) for temp in temps)),
        "sunrise": times(temps),
    }


WEATHER_TYPES = {"gusts": "int", "rain": "bool"}


def platform_at(folder: Path, moment: float = 0.0) -> tuple[Platform, ReplayClock]:
    clock = ReplayClock(folder / "clock")
    clock.set(moment)
    return open_platform(Settings(provider="memory", clock_file=folder / "clock")), clock


def model(
    *views: FeatureView,
    request: Sequence[Field] = (Field("distance"),),
    transformations: Sequence[OnDemandTransformation] = (),
    features: Sequence[str] = ("distance",),
) -> Model:
    return Model(
        name="delays",
        task="binary",
        entity=AIRPORT,
        label=Label("late"),
        observations="flights",
        request=tuple(request),
        features=tuple(features),
        train=_train,
        gate=Gate("roc_auc"),
        views=views,
        transformations=tuple(transformations),
    )


def _train(rows: object, target: object, context: object) -> object:
    return None

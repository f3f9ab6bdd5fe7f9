"""Plays a recording against a running server: real HTTP, real queues, recorded time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from loopwright.clock import ReplayClock, isoformat
from loopwright.errors import UnavailableError
from loopwright.ports import Platform
from pipelines.demo.recording import Moment, Recording
from pipelines.demo.server import Connection
from pipelines.glance import HEARTBEAT

_DAY: Final = 86_400.0
_PAUSE: Final = 0.003
_PATIENCE: Final = 300.0

Tell = Callable[[float], None]
"""Called with each moment that has been reached."""


@dataclass(slots=True)
class Tally:
    """What was sent so far."""

    requests: int = 0
    cases: int = 0
    labels: int = 0
    feature_rows: int = 0


class Replay:
    """Drives the clock: sends what happens in its order, and lets the worker finish each day before the next."""

    def __init__(self, platform: Platform, clock: ReplayClock, connection: Connection) -> None:
        self._platform = platform
        self._clock = clock
        self._connection = connection
        self.tally = Tally()

    def run(self, recording: Recording, tell: Tell) -> None:
        """Play all of it; while the worker finishes a day, the next one is read.

        Raises:
            UnavailableError: the server refused something, or the worker did not keep up for minutes.
        """
        days = groupby(recording.moments, key=lambda moment: moment.at // _DAY)
        day, moments = _next(days, recording.start // _DAY)
        while moments:
            for moment in moments:
                self._clock.set(moment.at)
                self._send(recording.model, moment)
            midnight = (day + 1) * _DAY
            self._clock.set(midnight)
            day, moments = _next(days, day)
            self._await(midnight)
            tell(midnight)
        self._clock.set(recording.end + _DAY)
        self._await(recording.end + _DAY)
        tell(recording.end)

    def _send(self, model: str, moment: Moment) -> None:
        for view, rows in moment.features.items():
            if rows:
                self._post(f"/features/{view}/push", {"rows": rows})
                self.tally.feature_rows += len(rows)
        if moment.labels:
            self._post(f"/models/{model}/labels", {"labels": moment.labels})
            self.tally.labels += len(moment.labels)
        if moment.cases:
            self._post(f"/models/{model}/predict", {"rows": moment.cases})
            self.tally.cases += len(moment.cases)

    def _post(self, path: str, body: object) -> None:
        self._connection.post(path, body)
        self.tally.requests += 1

    def _await(self, midnight: float) -> None:
        """Wait until the worker has done everything that was due by midnight."""
        patience = time.monotonic() + _PATIENCE
        while self._heartbeat() < midnight:
            if time.monotonic() > patience:
                raise UnavailableError(f"the worker has not finished {isoformat(midnight)} in {_PATIENCE:.0f} seconds")
            time.sleep(_PAUSE)

    def _heartbeat(self) -> float:
        beat = self._platform.table.get(HEARTBEAT)
        at = beat.value.get("at") if beat else None
        return float(at) if isinstance(at, int | float) else 0.0


def _next(days: Iterator[tuple[float, Iterator[Moment]]], day: float) -> tuple[float, list[Moment]]:
    """Return the next day and what happens in it, all made ready to be sent; nothing after the last one."""
    day, moments = next(days, (day, iter(())))
    return day, list(moments)

"""Attempts at what may fail: logged, counted, made again later, and never a reason to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from functions.problems import log_failure
from loopwright.ports import Telemetry

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Failing:
    """How often a task has failed in a row, and when it may be tried again."""

    times: int
    again: float


class Attempts:
    """Runs tasks by name; one that failed rests for half a second, then twice as long each time, up to a minute."""

    def __init__(self, telemetry: Telemetry, timer: Callable[[], float]) -> None:
        self._telemetry = telemetry
        self._timer = timer
        self._failing: dict[str, _Failing] = {}

    @property
    def failing(self) -> frozenset[str]:
        """The tasks whose last attempt failed."""
        return frozenset(self._failing)

    def to(self, name: str, action: Callable[[], object]) -> bool:
        """Run the action unless it rests, and return whether it ran well."""
        failing = self._failing.get(name)
        if failing is not None and self._timer() < failing.again:
            return False
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the worker outlives whatever a task meets
            times = failing.times + 1 if failing else 1
            pause = min(_FIRST_PAUSE * 2 ** (times - 1), _LONGEST_PAUSE)
            self._failing[name] = _Failing(times, self._timer() + pause)
            self._telemetry.count("worker_failures", task=name)
            log_failure(f"worker: {name}, failure {times}, again in {pause:g} s", error)
            return False
        self._failing.pop(name, None)
        return True

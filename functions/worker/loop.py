"""The worker's loop: when to sweep, and in which order."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from functions.worker.attempts import Attempts
from functions.worker.duties import Duties, EndedWindow
from loopwright.definitions import Project
from loopwright.ports import Platform

POLL: Final = 0.01
"""Seconds between looks at the clock."""

LINGER: Final = 0.5
"""Seconds between sweeps while no window ends."""

BUSY: Final = 0.1
"""Seconds between sweeps while a job runs: whatever waits for its end does not wait much longer."""

SLOW: Final = 1.0
"""Seconds between looks at what seldom changes: sources, schedules, the night."""

LEASE: Final = 30.0
"""Seconds, by the platform's clock, after which messages of a worker that died are delivered again."""

HEARTBEAT_TASK: Final = "heartbeat"

_NEVER: Final = float("-inf")


class Worker:
    """Sweeps until it is stopped. It lives in one thread; `stop` may be called from any."""

    def __init__(
        self,
        platform: Platform,
        project: Project,
        *,
        refresh: Callable[[], None],
        lease: float = LEASE,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a worker; it calls `refresh` before a heartbeat, so that what was promoted until then is served."""
        self._platform = platform
        self._project = project
        self._refresh = refresh
        self._timer = timer
        self._duties = Duties(platform, project, lease=lease, timer=timer)
        self._attempts = Attempts(platform.telemetry, timer)
        self._stopping = threading.Event()
        self._tried: list[EndedWindow] = []
        self._job_runs = False
        self._swept = self._looked = self._beaten = _NEVER

    def run(self) -> None:
        """Sweep whenever something may be due, until `stop`; then land what is left and write the telemetry."""
        while not self._stopping.is_set():
            self._attempts.to("sweep", self.sweep_if_due)
            self._stopping.wait(POLL)
        self._attempts.to("collect", self._duties.collect)
        self._attempts.to("flush", self._platform.telemetry.flush)

    def stop(self) -> None:
        """Let `run` end after the sweep that it is in."""
        self._stopping.set()

    def sweep_if_due(self) -> bool:
        """Sweep if a window has ended or the last sweep was some time ago; return whether it did."""
        now = self._platform.clock()
        rest = BUSY if self._job_runs else LINGER
        due = self._since(self._swept) >= rest or self._duties.ended_windows(now) not in ([], self._tried)
        if due:
            self.sweep(now)
        return due

    def sweep(self, now: float) -> None:
        """Do everything that is due at this moment; what fails is tried again later and holds nothing else up."""
        attempt, duties = self._attempts.to, self._duties
        ended = duties.ended_windows(now)
        self._tried = ended
        slow = bool(ended) or self._since(self._looked) >= SLOW
        attempt("collect", duties.collect)
        if slow:
            for view in self._project.views:
                attempt(f"materialize {view.name}", partial(duties.materialize, view, now))
        for window in ended:
            attempt(f"monitor {window.model}", partial(duties.monitor, window, now))
        attempt("alerts", partial(duties.alerts, now))
        if slow:
            attempt("schedules", partial(duties.schedules, now))
            attempt("housekeeping", partial(duties.tidy, now))
            self._looked = self._timer()
        if self._attempts.failing <= {HEARTBEAT_TASK} and (ended or self._since(self._beaten) >= LINGER):
            attempt(HEARTBEAT_TASK, partial(self._beat, now))
        self._swept = self._timer()

    def _beat(self, now: float) -> None:
        if self._duties.beat(now, self._refresh):
            self._beaten = self._timer()
            self._job_runs = False
        else:
            self._job_runs = self._duties.job_runs()

    def _since(self, moment: float) -> float:
        return self._timer() - moment

"""A job's process: started, listened to, ended when its time is over or when its machine is taken away."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from loopwright.ports.jobs import JobState

GRACE: Final = 5.0
"""Seconds between asking a job whose time is over to end, and ending it."""

_CODE: Final = Path(__file__).parents[2]
_LINES: Final = 20
_LINE_LENGTH: Final = 400


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended."""

    state: JobState
    detail: str


class Stop:
    """A signal's handler: who is told to end, ends the job's process and can still write down that it was told.

    The machine that asks kills ten seconds later; the job is asked at once and killed after `GRACE`.
    """

    def __init__(self) -> None:
        """Nobody has been told yet."""
        self.told = False
        self._process: subprocess.Popen[str] | None = None
        self._kill: threading.Timer | None = None

    def __call__(self, *_: object) -> None:
        """End the process that is watched, now or as soon as there is one."""
        self.told = True
        if self._process and self._kill is None:
            _signal(self._process, signal.SIGTERM)
            self._kill = threading.Timer(GRACE, _signal, (self._process, signal.SIGKILL))
            self._kill.daemon = True
            self._kill.start()

    def watch(self, process: subprocess.Popen[str]) -> None:
        """Take the process that is to be ended."""
        self._process = process
        if self.told:
            self()

    def forget(self) -> None:
        """Let go of a process that has ended: another one may get its number."""
        self._process = None
        if self._kill:
            self._kill.cancel()


class Process:
    """A job's process. What it says is passed on line by line, and the end of it is kept."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        stop: Stop | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Take the command, with the environment of whoever starts it; `stop` hears that it has to end."""
        self._command = command
        self._environment = environment
        self._stop = stop or Stop()
        self._say = say or say_aloud
        self._tail: deque[str] = deque(maxlen=_LINES)

    def end(self, timeout: float) -> End:
        """Run it for at most so many seconds and return how it ended."""
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                cwd=tempfile.gettempdir(),
                env=_with_this_code(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return End("failed", f"it could not be started: {error}")
        with process:
            self._stop.watch(process)
            listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
            listener.start()
            how = self._how(process, timeout)
            self._stop.forget()
            listener.join(GRACE)
        return End("succeeded", "") if how is None else End("failed", f"{''.join(self._tail)}{how}")

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self._tail.append(line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]}…\n")
            self._say(line)

    def _how(self, process: subprocess.Popen[str], timeout: float) -> str | None:
        """Wait for a process and return what was wrong with it; what takes too long is ended with its children."""
        try:
            code = process.wait(None if math.isinf(timeout) else max(timeout, 0.0))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            _signal(process, signal.SIGKILL)
            process.wait()
            return f"stopped after {timeout:g} seconds, its timeout"
        if code == 0:
            return None
        if self._stop.told:
            _signal(process, signal.SIGKILL)
            return "stopped, because its machine was told to end: somebody has cancelled it, or its time there is over"
        if code == -signal.SIGKILL:
            return "killed, as a process is that wants more memory than there is: ask for more in the model's resources"
        return f"exit code {code}"


def say_aloud(text: str) -> None:
    """Pass on what a job says."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Tell a process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _with_this_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a job's environment: this very code first, and no line held back."""
    path = os.pathsep.join(filter(None, (str(_CODE), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

"""Runs one job's process to its end and writes down how it ended.

A program of its own that imports nothing of Loopwright, because it waits beside each job: it leaves its parent's
session, keeps the job's lock open for as long as it or the job lives, stops the job when its time is over, and writes
`{"code": …, "ended": …}`, last and at once. A lock that is free without these words means that both died silently.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_TIMED_OUT = 124
_LOOKS = 10_000


def main(end: str, log: str, clock_file: str, timeout: str, grace: str, lock: str, *command: str) -> None:
    """Detach, run the command with its output in `log`, and write how it ended into `end`."""
    if os.fork():
        os._exit(0)
    os.setsid()
    with Path(log).open("wb", buffering=0) as output, Path(os.devnull).open("rb") as nothing:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
        os.dup2(nothing.fileno(), 0)
        code = _run(command, float(timeout), float(grace), int(lock))
    _write(Path(end), {"code": code, "ended": _moment(clock_file)})


def _run(command: tuple[str, ...], timeout: float, grace: float, lock: int) -> int:
    """Return the exit code, negative for a signal; a job that takes too long is ended together with its children."""
    job = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(lock,), start_new_session=True)  # noqa: S603
    try:
        return job.wait(timeout)
    except subprocess.TimeoutExpired:
        print(f"stopped after {timeout:g} seconds, its timeout", file=sys.stderr, flush=True)  # noqa: T201 - the log
    os.killpg(job.pid, signal.SIGTERM)
    try:
        job.wait(grace)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    return _TIMED_OUT


def _write(path: Path, content: dict[str, float]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content), "ascii")
    draft.replace(path)


def _moment(clock_file: str) -> float:
    """Return this moment; a file that tells it has it twice, and is just being written while the two differ."""
    if not clock_file:
        return time.time()
    for _ in range(_LOOKS):
        words = Path(clock_file).read_text("ascii").split()
        if len(set(words)) == 1:
            return float(words[0])
    raise ValueError(f"{clock_file} tells no moment: write it there, in seconds since 1970")


if __name__ == "__main__":
    main(*sys.argv[1:])

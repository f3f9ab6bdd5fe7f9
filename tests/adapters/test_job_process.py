"""A job's process and the signal that its machine is told to end."""

import sys
import time

import pytest

from adapters.jobs.process import End, Process, Stop

SLOW = "import time; print('begun', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLOW}"


def run(code: str, stop: Stop) -> End:
    """Run code and tell it to end as soon as it has begun."""
    return Process([sys.executable, "-c", code], {}, stop, lambda _: stop()).end(50.0)


@pytest.mark.parametrize("code", [SLOW, DEAF])
def test_a_process_whose_machine_ends_is_ended_and_says_so(code: str) -> None:
    started = time.monotonic()
    end = run(code, Stop())
    assert end.state == "failed"
    assert "its machine was told to end" in end.detail
    assert time.monotonic() - started < 9, "the machine kills after ten seconds"


def test_a_process_that_begins_after_its_machine_was_told_to_end_is_ended_too() -> None:
    stop = Stop()
    stop()
    assert "its machine was told to end" in run(SLOW, stop).detail


def test_a_process_that_is_done_in_time_all_the_same_has_succeeded() -> None:
    code = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {SLOW}"
    assert run(code, Stop()) == End("succeeded", "")

"""How the leases of messages run out in a test."""

import time

from loopwright.clock import ReplayClock
from loopwright.ports import Platform


class Leases:
    """Lets leases run out: the replayed clock jumps, and where the queue has a clock of its own the test waits."""

    def __init__(self, platform: Platform, clock: ReplayClock) -> None:
        self._replayed = platform.capabilities.leases_replay
        self._clock = clock
        # SQS counts whole seconds.
        self.seconds = 60.0 if self._replayed else 2.0

    def nearly_run_out(self) -> None:
        """Let most of a lease pass, or a part of it where waiting is only about as long as it should be."""
        self._let_pass(self.seconds - 1 if self._replayed else self.seconds / 4)

    def run_out(self) -> None:
        """Let more than a lease pass."""
        self._let_pass(self.seconds + (1 if self._replayed else 0.2))

    def _let_pass(self, seconds: float) -> None:
        if self._replayed:
            self._clock.set(self._clock() + seconds)
        else:
            time.sleep(seconds)

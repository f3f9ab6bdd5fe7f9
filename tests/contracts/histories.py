"""Any history, played on a provider and on the memory provider at once: each answer must be the same."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import ClassVar, TypeVar

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.errors import LoopwrightError
from loopwright.ports import Platform
from tests.contracts.worlds import DAWN, WORLDS, pace_of

Answer = TypeVar("Answer")


class History(RuleBasedStateMachine):
    """Two platforms that live through the same acts at the same moments."""

    world: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.real, self._real_clock = self._opened(self.world)
        self.reference, self._reference_clock = self._opened("memory")
        self.now = DAWN

    def teardown(self) -> None:
        self.real.close()
        self.reference.close()
        self._stack.close()

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self._real_clock.set(self.now)
        self._reference_clock.set(self.now)

    def same(self, act: Callable[[Platform], Answer]) -> Answer | type[LoopwrightError]:
        """Do the act on both and return what both answered, an error's type for an error."""
        real, reference = _answer(act, self.real), _answer(act, self.reference)
        assert real == reference
        return real

    def _opened(self, world: str) -> tuple[Platform, ReplayClock]:
        settings = self._stack.enter_context(WORLDS[world]())
        assert settings.clock_file
        return open_platform(settings), ReplayClock(settings.clock_file)


def _answer(act: Callable[[Platform], Answer], platform: Platform) -> Answer | type[LoopwrightError]:
    try:
        return act(platform)
    except LoopwrightError as error:
        return type(error)


def play(history: type[History], world: str, *, examples: int = 15, steps: int = 25) -> None:
    """Play histories in a world; Hypothesis shrinks one on which the answers differ."""
    machine = type(f"{history.__name__}On{world.title()}", (history,), {"world": world})
    count = max(1, round(examples * pace_of(world).examples))
    run_state_machine_as_test(machine, settings=hypothesis_settings(max_examples=count, stateful_step_count=steps))

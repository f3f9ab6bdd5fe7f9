"""Any history of promotions, rollbacks, aliases and deletions, played on the registry and on a model of it."""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters import open_platform
from loopwright.errors import ConflictError, GateRefusedError, NotFoundError
from loopwright.gate import Verdict
from loopwright.registry import Lineage, NewVersion, Registry
from loopwright.settings import Settings

MODEL = "delays"
ALIASES = st.sampled_from(["blue", "green"])
NUMBERS = st.integers(1, 5)
LINEAGE = Lineage("c", code_dirty=False, code_digest="d", datasets=(), parameters={}, environment_digest="e")


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        ids = count()
        table = open_platform(Settings(provider="memory")).table
        self.registry = Registry(table, clock=lambda: self.now, new_id=lambda: str(next(ids)))
        self.passed: dict[int, bool] = {}
        self.given = 0
        self.aliases: dict[str, int | None] = {"blue": None, "green": None, "champion": None}
        self.champions: list[int] = []
        self.timeline: list[tuple[float, dict[str, int | None]]] = []

    @rule(step=st.integers(1, 3))
    def time_passes(self, step: int) -> None:
        self.timeline.append((self.now, dict(self.aliases)))
        self.now += step

    @rule(passed=st.booleans())
    def register(self, passed: bool) -> None:  # noqa: FBT001 - a value that Hypothesis draws
        self.given += 1
        made = self.registry.register(
            NewVersion(
                model=MODEL,
                run_id=f"run{self.given}",
                source="runs",
                digest="d",
                features_digest="f",
                lineage=LINEAGE,
                verdict=Verdict(passed=passed, reasons=(), rows=1),
            )
        )
        assert made.version == self.given
        self.passed[made.version] = passed

    @rule(alias=ALIASES, version=NUMBERS | st.none(), expected=NUMBERS | st.none(), right=st.booleans())
    def set_alias(self, alias: str, version: int | None, expected: int | None, right: bool) -> None:  # noqa: FBT001
        expected = self.aliases[alias] if right else expected
        possible = self.aliases[alias] == expected
        # Where it is already, nothing is written and nothing is looked up.
        possible = possible and (version is None or version in self.passed)
        try:
            self.registry.set_alias(MODEL, alias, version, expected=expected, who="w", why="y")
        except (ConflictError, NotFoundError):
            assert not possible
        else:
            assert possible
            self.aliases[alias] = version

    @rule(version=NUMBERS, expected=NUMBERS | st.none(), right=st.booleans())
    def promote(self, version: int, expected: int | None, right: bool) -> None:  # noqa: FBT001
        champion = self.aliases["champion"]
        expected = champion if right else expected
        possible = champion == version or (champion == expected and self.passed.get(version, False))
        try:
            self.registry.promote(MODEL, version, expected=expected, who="w", why="y")
        except (ConflictError, NotFoundError, GateRefusedError):
            assert not possible
        else:
            assert possible
            if champion != version:
                self.champions.append(version)
            self.aliases["champion"] = version

    @rule()
    def rollback(self) -> None:
        present = self.champions[-1:]
        place = next(
            (
                index
                for index in range(len(self.champions) - 2, -1, -1)
                if self.champions[index] in self.passed and self.champions[index] not in present
            ),
            None,
        )
        try:
            target = self.registry.rollback(MODEL, who="w", why="y")
        except NotFoundError:
            assert place is None
        else:
            assert place is not None
            del self.champions[place + 1 :]
            assert target == self.champions[-1]
            self.aliases["champion"] = target

    @rule(version=NUMBERS)
    def delete(self, version: int) -> None:
        possible = version in self.passed and version not in self.aliases.values()
        try:
            self.registry.delete_version(MODEL, version)
        except (ConflictError, NotFoundError):
            assert not possible
        else:
            assert possible
            del self.passed[version]

    @invariant()
    def aliases_are_where_they_were_put(self) -> None:
        routing = self.registry.routing(MODEL)
        assert routing.champion == self.aliases["champion"]
        assert routing.aliases == {alias: version for alias, version in self.aliases.items() if version is not None}
        assert {one.version for one in self.registry.versions(MODEL)} == set(self.passed)

    @invariant()
    def a_history_is_a_chain_that_ends_where_the_alias_is(self) -> None:
        for alias, version in self.aliases.items():
            history = self.registry.alias_history(MODEL, alias)
            assert [change.old for change in history] == [None, *(change.new for change in history)][: len(history)]
            assert (history[-1].new if history else None) == version

    def teardown(self) -> None:
        for moment, aliases in (*self.timeline, (self.now, self.aliases)):
            for alias, version in aliases.items():
                assert self.registry.alias_at(MODEL, alias, moment) == version


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)

"""The registry: versions, the aliases that lead to them, and who gets the traffic.

Items of the table:

    partition       sort                      what
    models          <model>                   the model, with the counter of its versions
    model/<model>   version/<number>          a version with lineage, tags and verdict
    model/<model>   run/<run id>              which version that run registered
    model/<model>   routing                   all aliases, canary and shadows: what predict reads, in one get
    model/<model>   alias/<alias>/<revision>  one change of an alias
    model/<model>   traffic/<revision>        one change of canary or shadows

Every change rewrites `routing` by compare-and-set and adds its history in the same transaction, and checks that the
version that it leads to is still there; so there is no moment at which an alias has moved without a trace.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, GateRefusedError, InvalidInputError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Check, Item, Put, Table, Version, Write
from loopwright.registry import keys
from loopwright.registry.moves import Move, crowned, expect, expect_earned, former_champions
from loopwright.registry.values import (
    CHALLENGER,
    CHAMPION,
    AliasChange,
    Canary,
    ModelVersion,
    Routing,
    Stage,
    TrafficChange,
)
from loopwright.registry.versions import Versions, content, kept


class Registry(Versions):
    """Versions, aliases and traffic of all models."""

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        super().__init__(table, clock=clock)
        self._new_id = new_id

    def routing(self, model: str) -> Routing:
        """Return who answers for the model, in one read; an unknown model has nobody."""
        return self._routing(model)[1]

    def alias(self, model: str, alias: str) -> int | None:
        """Return the version that the alias leads to, or None."""
        return self.routing(model).aliases.get(alias)

    def alias_history(self, model: str, alias: str) -> list[AliasChange]:
        """Return every change of the alias, oldest first; moments never go back."""
        items = self._table.query(keys.partition(model), prefix=keys.alias_prefix(alias))
        return [kept(item, AliasChange) for item in items]

    def alias_at(self, model: str, alias: str, moment: float) -> int | None:
        """Return the version that the alias led to at a moment (a change counts from its own moment on)."""
        for item in self._table.query(keys.partition(model), prefix=keys.alias_prefix(alias), reverse=True):
            change = kept(item, AliasChange)
            if change.at <= moment:
                return change.new
        return None

    def traffic_history(self, model: str) -> list[TrafficChange]:
        """Return every change of canary and shadows, oldest first."""
        items = self._table.query(keys.partition(model), prefix=keys.TRAFFIC)
        return [kept(item, TrafficChange) for item in items]

    def stage(self, model: str, version: int) -> Stage:
        """Return MLflow's stage of a version: champion, else challenger, else archived, else "None".

        Raises:
            NotFoundError: there is no such version.
        """
        found = self.version(model, version)
        aliases = self.routing(model).aliases
        if aliases.get(CHAMPION) == version:
            return "Production"
        if aliases.get(CHALLENGER) == version:
            return "Staging"
        return "Archived" if found.archived else "None"

    def set_alias(
        self, model: str, alias: str, version: int | None, *, expected: int | None, who: str, why: str
    ) -> Routing:
        """Let an alias lead to a version (None: to nothing) if it leads to `expected` now, and return the routing.

        Raises:
            ConflictError: the alias is elsewhere, or the version is archived; nothing was written.
            GateRefusedError: the alias is `champion`, which only `promote` and `rollback` move.
            NotFoundError: there is no such version.
            InvalidInputError: not an alias.
        """
        keys.checked_alias(alias)
        if alias == CHAMPION:
            raise GateRefusedError(f"the champion of {model!r} is moved by promote (with a passed verdict) or rollback")

        def plan(routing: Routing) -> Move:
            expect(model, alias, routing, expected)
            others = {name: one for name, one in routing.aliases.items() if name != alias}
            aliases = others if version is None else {**others, alias: version}
            return Move(replace(routing, aliases=aliases), who, why, _set_of(version))

        return self._move(model, plan)

    def promote(self, model: str, version: int, *, expected: int | None, who: str, why: str) -> Routing:
        """Make a version champion if `expected` is champion now (None: nobody), and return the routing.

        A canary or shadow of that version ends, in the same write. Promoting the champion again changes nothing.

        Raises:
            GateRefusedError: the version's verdict is not "passed", or there is none.
            ConflictError: another is champion, or the version is archived; nothing was written.
            NotFoundError: there is no such version.
        """

        def plan(routing: Routing) -> Move:
            if routing.champion == version:
                return Move(routing, who, why)
            expect(model, CHAMPION, routing, expected)
            expect_earned(self.version(model, version))
            return Move(crowned(routing, version), who, why, frozenset({version}), "promotion")

        return self._move(model, plan)

    def rollback(self, model: str, *, who: str, why: str) -> int:
        """Make the champion before this one champion again and return its number; all traffic goes there at once.

        A canary ends in the same write. Rolling back again goes one champion further back, not forth again. Former
        champions that were deleted or archived are passed over.

        Raises:
            NotFoundError: there is no former champion to go back to.
        """

        def plan(routing: Routing) -> Move:
            target = self._former_champion(model)
            return Move(replace(crowned(routing, target), canary=None), who, why, frozenset({target}), "rollback")

        champion = self._move(model, plan).champion
        if champion is None:
            raise AssertionError("a rollback ends with a champion")
        return champion

    def set_canary(self, model: str, version: int | None, weight: float, *, who: str, why: str) -> Routing:
        """Let a version answer this share of the requests in the champion's place; None: nobody does.

        Raises:
            InvalidInputError: the weight is not between 0 and 1.
            ConflictError: there is no champion, it is this version, or the version is archived; nothing was written.
            NotFoundError: there is no such version.
        """
        if not 0 <= weight <= 1:
            raise InvalidInputError(f"canary of {model!r}: a weight is a share between 0 and 1, not {weight}")

        def plan(routing: Routing) -> Move:
            if version is not None and routing.champion is None:
                raise ConflictError(f"{model!r} has no champion that version {version} could stand in for: promote one")
            if version is not None and routing.champion == version:
                raise ConflictError(f"version {version} is champion of {model!r} already: a canary is another version")
            canary = None if version is None else Canary(version, weight)
            return Move(replace(routing, canary=canary), who, why, _set_of(version))

        return self._move(model, plan)

    def set_shadows(self, model: str, versions: Sequence[int], *, who: str, why: str) -> Routing:
        """Let exactly these versions score every request unseen by callers; repeats count once.

        Raises:
            ConflictError: one of them is archived; nothing was written.
            NotFoundError: there is no such version.
        """
        shadows = tuple(dict.fromkeys(versions))
        return self._move(model, lambda routing: Move(replace(routing, shadows=shadows), who, why, frozenset(shadows)))

    def _routing(self, model: str) -> tuple[Item | None, Routing]:
        item = self._table.get(keys.routing_key(model))
        return item, Routing() if item is None else kept(item, Routing)

    def _move(self, model: str, plan: Callable[[Routing], Move]) -> Routing:
        def prepare() -> tuple[Sequence[Write], Routing]:
            item, before = self._routing(model)
            move = plan(before)
            if move.routing == before:
                return (), before
            revision = before.revision + 1
            after = replace(move.routing, champion=move.routing.aliases.get(CHAMPION), revision=revision)
            last = item.value["at"] if item else None
            now = max(self._clock(), last) if isinstance(last, int | float) else self._clock()
            unchanged = ABSENT if item is None else Version(item.version)
            writes: list[Write] = [Put(keys.routing_key(model), {**content(after), "at": now}, expect=unchanged)]
            writes += self._history(model, before, replace(move, routing=after), now)
            writes += self._usable(model, move.leads_to)
            return writes, after

        return commit(self._table, prepare, what=f"the routing of {model!r}")

    def _history(self, model: str, before: Routing, move: Move, now: float) -> list[Write]:
        after = move.routing
        writes: list[Write] = []
        for alias in sorted({*before.aliases, *after.aliases}):
            old, new = before.aliases.get(alias), after.aliases.get(alias)
            if old != new:
                change = AliasChange(now, move.who, move.why, old, new, kind=move.kind, id=self._new_id())
                writes.append(Put(keys.alias_key(model, alias, after.revision), content(change), expect=ABSENT))
        if (before.canary, before.shadows) != (after.canary, after.shadows):
            traffic = TrafficChange(now, move.who, move.why, after.canary, after.shadows)
            writes.append(Put(keys.traffic_key(model, after.revision), content(traffic), expect=ABSENT))
        return writes

    def _usable(self, model: str, versions: frozenset[int]) -> list[Check]:
        """Return the checks that the versions stay as they are: there, and not archived."""
        checks: list[Check] = []
        for number in sorted(versions):
            item = self._version_item(model, number)
            if kept(item, ModelVersion).archived:
                raise ConflictError(f"version {number} of {model!r} is archived: unarchive it first")
            checks.append(Check(item.key, Version(item.version)))
        return checks

    def _former_champion(self, model: str) -> int:
        usable = {one.version for one in self.versions(model) if not one.archived}
        for number in former_champions(self.alias_history(model, CHAMPION)):
            if number in usable:
                return number
        raise NotFoundError(f"{model!r} has no former champion to go back to: promote another version instead")


def _set_of(version: int | None) -> frozenset[int]:
    return frozenset() if version is None else frozenset({version})

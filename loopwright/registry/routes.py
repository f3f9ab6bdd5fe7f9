"""How routing is written: the item that predict reads, with the trace of each change, in one transaction."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Absent, Check, Item, Put, Table, Version, Write
from loopwright.registry import keys
from loopwright.registry.items import content, kept
from loopwright.registry.models import on_its_way
from loopwright.registry.moves import Move, expect_package
from loopwright.registry.values import CHAMPION, AliasChange, ModelVersion, Routing, TrafficChange
from loopwright.registry.versions import Versions


class Routes(Versions):
    """Moves routing from what it is to what somebody wants, leaving a trace, or nothing at all."""

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        super().__init__(table, clock=clock)
        self._new_id = new_id

    def routing(self, model: str) -> Routing:
        """Return who answers for the model, in one read; an unknown model has nobody."""
        return self._routing(model)[1]

    def version_with_routing(self, model: str, version: int) -> tuple[ModelVersion, Routing]:
        """Return a version and who answers for its model, in one read; or raise `NotFoundError`."""
        place = keys.version_key(keys.checked_model(model), version)
        item, routing = self._table.get_many([place, keys.routing_key(model)])
        found = self._version_item(model, version) if item is None else item
        return kept(found, ModelVersion), Routing() if routing is None else kept(routing, Routing)

    def routings(self, models: Sequence[str]) -> dict[str, Routing]:
        """Return who answers for each of the models, in one read of them all."""
        items = self._table.get_many([keys.routing_key(model) for model in models])
        return {
            model: Routing() if item is None else kept(item, Routing) for model, item in zip(models, items, strict=True)
        }

    def _routing(self, model: str) -> tuple[Item | None, Routing]:
        item = self._table.get(keys.routing_key(model))
        return item, Routing() if item is None else kept(item, Routing)

    def _move(self, model: str, plan: Callable[[Routing], Move]) -> Routing:
        def prepare() -> tuple[Sequence[Write], Routing]:
            item, before = self._open(model)
            move = plan(before)
            if move.routing == before:
                return (), before
            writes, after = self._moved(model, item, move)
            return [*writes, *self._usable(model, move)], after

        return commit(self._table, prepare, what=f"the routing of {model!r}")

    def _open(self, model: str) -> tuple[Item | None, Routing]:
        """Return the routing for a change of it.

        Raises:
            NotFoundError: the model is being deleted.
            UnavailableError: it is getting another name.
        """
        item, routing = self._routing(model)
        if routing.closed:
            raise on_its_way(self.model(model))
        return item, routing

    def _moved(self, model: str, item: Item | None, move: Move) -> tuple[list[Write], Routing]:
        """Return the writes of a change of the routing that this item holds, and the routing after it.

        A change that changes nothing only makes sure that the routing is what was read.
        """
        before = Routing() if item is None else kept(item, Routing)
        if move.routing == before:
            return [Check(keys.routing_key(model), _unchanged(item))], before
        after = replace(move.routing, champion=move.routing.aliases.get(CHAMPION), revision=before.revision + 1)
        last = item.value["at"] if item else None
        now = max(self._clock(), last) if isinstance(last, int | float) else self._clock()
        put = Put(keys.routing_key(model), {**content(after), "at": now}, expect=_unchanged(item))
        return [put, *self._history(model, before, replace(move, routing=after), now)], after

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

    def _usable(self, model: str, move: Move) -> list[Check]:
        """Return the checks that the versions stay as they are: there, and not put away."""
        checks: list[Check] = []
        for number in sorted(move.leads_to):
            item = self._version_item(model, number)
            version = kept(item, ModelVersion)
            if move.served:
                expect_package(version)
            if version.archived and version.packaged:
                raise ConflictError(f"version {number} of {model!r} is archived: unarchive it first")
            checks.append(Check(item.key, Version(item.version)))
        return checks


def _unchanged(item: Item | None) -> Absent | Version:
    return ABSENT if item is None else Version(item.version)

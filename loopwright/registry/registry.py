"""The registry: versions, the aliases that lead to them, and who gets the traffic.

Items of the table:

    partition       sort                      what
    models          <model>                   the model, with the counter of its versions; it stays when the model goes
    model/<model>   version/<number>          a version with lineage, tags and verdict
    model/<model>   run/<run id>              which version that run registered
    model/<model>   routing                   all aliases, canary and shadows: what predict reads, in one get
    model/<model>   alias/<alias>/<revision>  one change of an alias
    registered      <digest of a run's id>    a hint which versions that run has registered
    model/<model>   traffic/<revision>        one change of canary or shadows

Every change rewrites `routing` by compare-and-set and adds its history in the same transaction, and checks that the
version that it leads to is still there; so there is no moment at which an alias has moved without a trace.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from loopwright.errors import ConflictError, GateRefusedError, InvalidInputError, NotFoundError
from loopwright.registry import keys
from loopwright.registry.items import kept
from loopwright.registry.moves import Expected, Move, crowned, expect, expect_earned, former_champions, without
from loopwright.registry.stages import Stages
from loopwright.registry.values import CHAMPION, AliasChange, Canary, Routing, TrafficChange


class Registry(Stages):
    """Versions, aliases and traffic of all models."""

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

    def set_alias(
        self, model: str, alias: str, version: int | None, *, expected: Expected, who: str, why: str
    ) -> Routing:
        """Let an alias lead to a version (None: to nothing) if it leads to `expected` now, and return the routing.

        Raises:
            ConflictError: the alias is elsewhere, or the version has a package and is archived; nothing was written.
            GateRefusedError: the alias is `champion`, which only `promote` and `rollback` move.
            NotFoundError: there is no such version.
            InvalidInputError: not an alias.
        """
        keys.checked_alias(alias)
        if alias == CHAMPION:
            raise GateRefusedError(f"the champion of {model!r} is moved by promote (with a passed verdict) or rollback")

        def plan(routing: Routing) -> Move:
            expect(model, alias, routing, expected)
            others = without(routing, alias)
            after = others if version is None else replace(others, aliases={**others.aliases, alias: version})
            return Move(after, who, why, _set_of(version))

        return self._move(model, plan)

    def promote(self, model: str, version: int, *, expected: Expected, who: str, why: str) -> Routing:
        """Make a version champion if `expected` is champion now (None: nobody), and return the routing.

        A canary or shadow of that version ends, in the same write. Promoting the champion again changes nothing.

        Raises:
            GateRefusedError: the version's verdict is not "passed", or there is none, or no package.
            ConflictError: another is champion, or the version is archived; nothing was written.
            NotFoundError: there is no such version.
        """

        def plan(routing: Routing) -> Move:
            if routing.champion == version:
                return Move(routing, who, why)
            expect(model, CHAMPION, routing, expected)
            expect_earned(self.version(model, version))
            return Move(crowned(routing, version), who, why, frozenset({version}), "promotion", served=True)

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
            after = replace(crowned(routing, target), canary=None)
            return Move(after, who, why, frozenset({target}), "rollback", served=True)

        champion = self._move(model, plan).champion
        if champion is None:
            raise AssertionError("a rollback ends with a champion")
        return champion

    def set_canary(self, model: str, version: int | None, weight: float, *, who: str, why: str) -> Routing:
        """Let a version answer this share of the requests in the champion's place; None: nobody does.

        Raises:
            InvalidInputError: the weight is not between 0 and 1.
            ConflictError: there is no champion, it is this version, or the version is archived; nothing was written.
            GateRefusedError: the version has no package.
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
            return Move(replace(routing, canary=canary), who, why, _set_of(version), served=True)

        return self._move(model, plan)

    def set_shadows(self, model: str, versions: Sequence[int], *, who: str, why: str) -> Routing:
        """Let exactly these versions score every request unseen by callers; repeats count once.

        Raises:
            ConflictError: one of them is archived; nothing was written.
            GateRefusedError: one of them has no package.
            NotFoundError: there is no such version.
        """
        shadows = tuple(dict.fromkeys(versions))

        def plan(routing: Routing) -> Move:
            return Move(replace(routing, shadows=shadows), who, why, frozenset(shadows), served=True)

        return self._move(model, plan)

    def _former_champion(self, model: str) -> int:
        usable = {one.version for one in self.versions(model) if not one.archived}
        for number in former_champions(self.alias_history(model, CHAMPION)):
            if number in usable:
                return number
        raise NotFoundError(f"{model!r} has no former champion to go back to: promote another version instead")


def _set_of(version: int | None) -> frozenset[int]:
    return frozenset() if version is None else frozenset({version})

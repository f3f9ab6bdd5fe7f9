"""MLflow's stages, which are no state of their own: the champion is in Production, the challenger in Staging.

What is put away is Archived, all else is in None. So at most one version is in Production, and one in Staging: whoever
comes there takes the place of who was there before.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from loopwright.errors import GateRefusedError, InUseError, InvalidInputError
from loopwright.optimistic import commit
from loopwright.ports.table import Item, Put, Version, Write
from loopwright.registry.items import content, kept
from loopwright.registry.leaving import Leaving
from loopwright.registry.models import with_tag
from loopwright.registry.moves import Move, crowned, expect_earned, uses, without
from loopwright.registry.values import ARCHIVED, CHALLENGER, CHAMPION, STAGES, ChangeKind, ModelVersion, Routing, Stage

_ALIAS_OF: Final[Mapping[Stage, str]] = {"Production": CHAMPION, "Staging": CHALLENGER}


class Stages(Leaving):
    """Says in which stage a version is, and moves it to another."""

    def stage(self, model: str, version: int) -> Stage:
        """Return MLflow's stage of a version: champion, else challenger, else archived, else "None".

        Raises:
            NotFoundError: there is no such version.
        """
        return stage_of(self.version(model, version), self.routing(model))

    def latest_versions(self, model: str) -> dict[Stage, ModelVersion]:
        """Return the newest version of each stage, those of the smallest numbers first; or raise `NotFoundError`."""
        self.model(model)
        return latest_by_stage(self.versions(model), self.routing(model))

    def move_to_stage(
        self, model: str, version: int, stage: Stage, *, archive_others: bool = False, who: str, why: str
    ) -> ModelVersion:
        """Move a version to a stage, in one write with its alias and its traces, and return it.

        To Staging: `challenger` leads to it. To Production: it is promoted. To Archived: it is put away, to be taken
        back into use by another stage. With `archive_others`, who was in the stage before is put away.

        Raises:
            GateRefusedError: to Production, without a package or a passed verdict; or it is champion, and stays so
                until another is promoted.
            InUseError: it has a package and something leads to it, or to the other one, so it may not be put away.
            InvalidInputError: the others may be put away with the stages Staging and Production only.
            NotFoundError: there is no such version.
        """
        if archive_others and stage not in _ALIAS_OF:
            raise InvalidInputError(f"stage {stage}: others are archived with Staging and Production only")

        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            item, routing = self._open(model)
            here = self._version_item(model, version)
            before = kept(here, ModelVersion)
            after = _staged(routing, before, stage)
            tags = with_tag(before.tags, ARCHIVED, "true" if stage == "Archived" else None)
            moved = replace(before, tags=tags, updated=self._clock())
            if moved.archived:
                _expect_unused(after, moved)
            promoted = after.aliases.get(CHAMPION) != routing.aliases.get(CHAMPION)
            kind: ChangeKind = "promotion" if promoted else "set"
            writes, _ = self._moved(model, item, Move(after, who, why, kind=kind))
            writes.append(Put(here.key, content(moved), expect=Version(here.version)))
            if archive_others:
                writes += self._replaced(routing, after, moved, stage)
            return [*writes, self._touched(model, self._clock())], moved

        return commit(self._table, prepare, what=f"version {version} of {model!r}")

    def _replaced(self, before: Routing, after: Routing, winner: ModelVersion, stage: Stage) -> list[Write]:
        """Return the writes that put away who was in the stage."""
        other = before.aliases.get(_ALIAS_OF[stage])
        if other is None or other == winner.version:
            return []
        item: Item = self._version_item(winner.model, other)
        found = kept(item, ModelVersion)
        put_away = replace(found, tags=with_tag(found.tags, ARCHIVED, "true"), updated=winner.updated)
        _expect_unused(after, put_away)
        return [Put(item.key, content(put_away), expect=Version(item.version))]


def stage_of(version: ModelVersion, routing: Routing) -> Stage:
    """Return the stage of a version."""
    if routing.aliases.get(CHAMPION) == version.version:
        return "Production"
    if routing.aliases.get(CHALLENGER) == version.version:
        return "Staging"
    return "Archived" if version.archived else "None"


def latest_by_stage(versions: Sequence[ModelVersion], routing: Routing) -> dict[Stage, ModelVersion]:
    """Return the newest version of each stage; the stage that the oldest version is in comes first."""
    found: dict[Stage, ModelVersion] = {}
    for one in sorted(versions, key=lambda version: version.version):
        found[stage_of(one, routing)] = one
    return found


def stage_named(name: str) -> Stage:
    """Return the stage of that name, in whichever case, or raise `InvalidInputError`."""
    for stage in STAGES:
        if stage.lower() == name.lower():
            return stage
    raise InvalidInputError(f"stage {name!r}: it is one of {', '.join(STAGES)}")


def _staged(routing: Routing, version: ModelVersion, stage: Stage) -> Routing:
    """Return the routing with the version in the stage, or raise `GateRefusedError`."""
    number = version.version
    if routing.aliases.get(CHAMPION) == number and stage != "Production":
        raise GateRefusedError(
            f"version {number} of {version.model!r} is champion, and in Production until another is promoted: promote "
            "that one, or roll back"
        )
    left = without(routing, CHALLENGER) if routing.aliases.get(CHALLENGER) == number else routing
    match stage:
        case "Production":
            if routing.aliases.get(CHAMPION) == number:
                return left
            expect_earned(version)
            return crowned(left, number)
        case "Staging":
            return replace(routing, aliases={**routing.aliases, CHALLENGER: number})
        case "Archived" | "None":
            return left


def _expect_unused(routing: Routing, version: ModelVersion) -> None:
    """Raise `InUseError` if something leads to a version with a package."""
    if version.packaged and (found := uses(routing, version.version)):
        raise InUseError(
            f"version {version.version} of {version.model!r} is in use ({', '.join(found)}): move these away first"
        )

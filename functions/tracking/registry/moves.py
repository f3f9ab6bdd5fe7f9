"""The one place where MLflow's clients move aliases: by name, by stage, and by deleting what they lead to."""

from typing import Final

from functions.callers import Caller
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.registry import ANYWHERE, CHAMPION, ModelVersion, Registry, stage_named

_WHY: Final = "over MLflow"


class Moves:
    """Moves aliases in the name of a caller, which their history keeps. The champion is moved by the gate alone.

    A new champion is told by an event, as it is from the command line.
    """

    def __init__(self, registry: Registry, platform: Platform, *, project: str) -> None:
        self._registry = registry
        self._platform = platform
        self._project = project

    def lead(self, model: str, alias: str, version: int, *, caller: Caller) -> None:
        """Let an alias lead to a version, wherever it was; `champion` is a promotion.

        Raises:
            GateRefusedError: the alias is `champion`, and the version has no package or no passed verdict.
            NotFoundError: there is no such version.
            InvalidInputError: not an alias.
        """
        if alias == CHAMPION:
            self._registry.promote(model, version, expected=ANYWHERE, who=_who(caller), why=_why("promoted"))
            self._tell(model)
        else:
            self._registry.set_alias(model, alias, version, expected=ANYWHERE, who=_who(caller), why=_why("set"))

    def drop(self, model: str, alias: str, *, caller: Caller) -> None:
        """Take an alias away, or do nothing when there is none; or raise `GateRefusedError` for `champion`."""
        if alias == CHAMPION or alias in self._registry.routing(model).aliases:
            self._registry.set_alias(model, alias, None, expected=ANYWHERE, who=_who(caller), why=_why("removed"))

    def stage(self, model: str, version: int, stage: str, *, archive_others: bool, caller: Caller) -> ModelVersion:
        """Move a version to a stage, and return it; raises as `Registry.move_to_stage` does."""
        wanted = stage_named(stage)
        moved = self._registry.move_to_stage(
            model,
            version,
            wanted,
            archive_others=archive_others,
            who=_who(caller),
            why=_why(f"moved to stage {wanted}"),
        )
        if wanted == "Production":
            self._tell(model)
        return moved

    def withdraw(self, model: str, version: int, *, caller: Caller) -> None:
        """Delete a version with the aliases that lead to it; raises as `Registry.withdraw_version` does."""
        self._registry.withdraw_version(model, version, who=_who(caller), why=_why("deleted"))

    def _tell(self, model: str) -> None:
        """Publish who is champion; the same change again is the same event, so a call may be repeated."""
        change = self._registry.alias_history(model, CHAMPION)[-1]
        self._platform.events.publish(
            Event(
                change.id,
                f"loopwright/{self._project}",
                "loopwright.registry.promoted",
                change.at,
                model,
                {"version": change.new, "replaced": change.old, "who": change.who},
            )
        )


def _who(caller: Caller) -> str:
    return caller.name or "somebody"


def _why(what: str) -> str:
    return f"{what} {_WHY}"

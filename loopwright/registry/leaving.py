"""Models and versions that go away, and models that get another name; see `loopwright.registry.departures`."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from loopwright.errors import ConflictError, InUseError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Item, Put, Version, Write
from loopwright.registry import keys
from loopwright.registry.departures import carry, sweep
from loopwright.registry.items import content, kept
from loopwright.registry.models import no_model
from loopwright.registry.moves import Move, uses
from loopwright.registry.numbering import removed
from loopwright.registry.routes import Routes
from loopwright.registry.values import RegisteredModel

_SERVED = ("alias champion", "the canary", "a shadow")


class Leaving(Routes):
    """Deletes models and versions, and renames models; nothing that answers callers can be touched by that."""

    def delete_model(self, name: str) -> None:
        """Forget a model with all of its versions, aliases and their history; packages stay where they are.

        A deletion that was interrupted is finished by the next one, or when a model of that name is made.

        Raises:
            NotFoundError: there is no such model.
            InUseError: the champion, the canary or a shadow leads to one of its versions.
        """

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._table.get(keys.model_key(keys.checked_model(name)))
            if item is None:
                raise no_model(name)
            found = kept(item, RegisteredModel)
            if found.state == "deleting":
                return (), None
            if not found.present:
                raise no_model(name)
            closing = self._closing(name, "be deleted")
            return [
                Put(item.key, content(replace(found, state="deleting")), expect=Version(item.version)),
                closing,
            ], None

        commit(self._table, prepare, what=f"model {name!r}")
        begun = self._table.get(keys.model_key(name))
        if begun is not None and kept(begun, RegisteredModel).state == "deleting":
            with suppress(ConflictError):
                # Somebody else has finished it.
                sweep(self._table, begun)

    def rename_model(self, name: str, new: str) -> RegisteredModel:
        """Give a model another name, with all that is kept of it, and return it.

        Until it is done the model is found under its old name, and has fewer and fewer versions there. What is
        interrupted loses nothing, and is finished by the same call.

        Raises:
            NotFoundError: there is no such model.
            AlreadyExistsError: there is one of the new name.
            InUseError: it is one of the project's: a version has a package, or something leads callers to one.
            InvalidInputError: the new name is not one.
            ConflictError: it is getting another name already.
        """
        keys.checked_model(new)
        if name == new:
            return self._change_model(name, lambda one: replace(one, updated=self._clock()))

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._model_item(name)
            found = kept(item, RegisteredModel)
            if found.state == "leaving" and found.other == new:
                return (), None
            if found.state == "leaving":
                raise ConflictError(f"registered model {name!r} is being renamed to {found.other!r}: finish that first")
            return self._departure(item, found, new), None

        commit(self._table, prepare, what=f"model {name!r}")
        try:
            return carry(self._table, name, new, self._clock())
        except ConflictError:
            # Somebody else has finished it, and then it is there.
            return self.model(new)

    def withdraw_version(self, model: str, version: int, *, who: str, why: str) -> None:
        """Forget a version and the aliases that lead to it; its number is not given again, its package stays.

        Raises:
            NotFoundError: there is no such version.
            InUseError: it is champion, canary or shadow.
        """

        def prepare() -> tuple[Sequence[Write], None]:
            item, routing = self._open(model)
            found = self._version_item(model, version)
            if serving := [one for one in uses(routing, version) if one in _SERVED]:
                raise InUseError(
                    f"version {version} of {model!r} answers callers ({', '.join(serving)}): move these away first"
                )
            aliases = {alias: number for alias, number in routing.aliases.items() if number != version}
            writes, _ = self._moved(model, item, Move(replace(routing, aliases=aliases), who, why))
            return [*writes, *removed(found), self._touched(model, self._clock())], None

        commit(self._table, prepare, what=f"version {version} of {model!r}")

    def _departure(self, item: Item, found: RegisteredModel, new: str) -> list[Write]:
        name = found.name
        packaged = next((one for one in self.versions(name) if one.packaged), None)
        if packaged is not None:
            raise InUseError(
                f"registered model {name!r} is one of the project's: version {packaged.version} has a package, which "
                "is found by that name. Name the model otherwise in the project, and train it"
            )
        arriving = RegisteredModel(new, found.created, 0, state="arriving", other=name)
        return [
            Put(item.key, content(replace(found, state="leaving", other=new)), expect=Version(item.version)),
            Put(keys.model_key(new), content(arriving), expect=self._vacant(new)),
            self._closing(name, "be renamed"),
        ]

    def _closing(self, name: str, what: str) -> Put:
        """Return the write after which no alias of the model moves any more, or raise `InUseError`."""
        item, routing = self._routing(name)
        if routing.champion is not None or routing.canary or routing.shadows:
            raise InUseError(
                f"registered model {name!r} answers callers (champion {routing.champion}), so it may not {what}: "
                "take it out of the project first"
            )
        closed = {
            **(item.value if item else {"at": self._clock()}),
            **content(replace(routing, closed=True)),
        }
        return Put(keys.routing_key(name), closed, expect=ABSENT if item is None else Version(item.version))

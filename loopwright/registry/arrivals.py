"""Registered models and versions that come from another registry, with the numbers and moments they have there."""

from collections.abc import Sequence

from msgspec.structs import replace

from loopwright.errors import ConflictError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Put, Version, Write
from loopwright.registry import keys
from loopwright.registry.items import content, kept
from loopwright.registry.registry import Registry
from loopwright.registry.values import ModelVersion, RegisteredModel


class Arrivals(Registry):
    """A registry that takes what comes. The same again changes nothing, and what is here already stays as it is."""

    def bring_model(self, one: RegisteredModel) -> RegisteredModel:
        """Keep a model without its versions, unless one of its name is here; return that which is here.

        Raises:
            InvalidInputError: the name or a tag is not one that MLflow takes.
            UnavailableError: another is about to have that name.
        """
        keys.checked_model(one.name)
        keys.checked_tags(one.tags)

        def prepare() -> tuple[Sequence[Write], RegisteredModel]:
            item = self._table.get(keys.model_key(one.name))
            if item is not None and kept(item, RegisteredModel).present:
                return (), kept(item, RegisteredModel)
            made = replace(one, latest=0, state="here", other="")
            return [Put(keys.model_key(one.name), content(made), expect=self._vacant(one.name))], made

        return commit(self._table, prepare, what=f"model {one.name!r}")

    def bring_version(self, one: ModelVersion) -> ModelVersion:
        """Keep a version without a package under its own number, and return it; its model must be here.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: another version has the number.
            InvalidInputError: a tag is not one that MLflow takes.
        """
        keys.checked_tags(one.tags)
        if one.packaged:
            raise ConflictError(f"version {one.version} of {one.model!r} has a package: only the gate lets those in")

        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            head = self._model_item(one.model)
            item = self._table.get(keys.version_key(one.model, one.version))
            if item is not None:
                return (), _same(one, kept(item, ModelVersion))
            known = kept(head, RegisteredModel)
            counted = replace(known, latest=max(known.latest, one.version))
            return [
                Put(head.key, content(counted), expect=Version(head.version)),
                Put(keys.version_key(one.model, one.version), content(one), expect=ABSENT),
            ], one

        return commit(self._table, prepare, what=f"model {one.model!r}")


def _same(one: ModelVersion, here: ModelVersion) -> ModelVersion:
    """Return the version that is here if it is the one that comes, or raise `ConflictError`."""
    if here.packaged or (here.run_id, here.created) != (one.run_id, one.created):
        raise ConflictError(
            f"version {one.version} of {one.model!r} is here already and is another: rename the model, there or here"
        )
    return here

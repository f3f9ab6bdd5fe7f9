"""Versions of models: numbered, immutable but for tags and verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from loopwright.clock import Clock
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Check, Delete, Item, Put, Table, Value, Version, Write
from loopwright.registry import keys
from loopwright.registry.moves import uses
from loopwright.registry.values import ARCHIVED, ModelVersion, NewVersion, RegisteredModel, Routing
from loopwright.verdict import Verdict

Kept = TypeVar("Kept")


class Versions:
    """Registers versions and reads them back.

    Numbers start at 1, have no gaps but those that deletion leaves, and are never given twice.
    """

    def __init__(self, table: Table, *, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def register(self, new: NewVersion) -> ModelVersion:
        """Give the next number to a version and keep it.

        A run registers a model once: the same run again gets the version that it has, and nothing is written.
        Metrics that are NaN or infinite are left out.

        Raises:
            ConflictError: the run has registered another package already.
            InvalidInputError: the model's name is not one.
            UnavailableError: too many register at once.
        """
        keys.checked_model(new.model)

        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            before = self._registered_by(new)
            if before is not None:
                return (), before
            item = self._table.get(keys.model_key(new.model))
            known = RegisteredModel(new.model, self._clock(), 0) if item is None else kept(item, RegisteredModel)
            version = _numbered(new, known.latest + 1, self._clock())
            writes: list[Write] = [
                Put(
                    keys.model_key(new.model),
                    content(replace(known, latest=version.version)),
                    expect=ABSENT if item is None else Version(item.version),
                ),
                Put(keys.version_key(new.model, version.version), content(version), expect=ABSENT),
            ]
            if new.run_id:
                writes.append(Put(keys.run_key(new.model, new.run_id), {"version": version.version}, expect=ABSENT))
            return writes, version

        return commit(self._table, prepare, what=f"model {new.model!r}")

    def version(self, model: str, version: int) -> ModelVersion:
        """Return a version, or raise `NotFoundError`."""
        return kept(self._version_item(model, version), ModelVersion)

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the model's versions, newest first; none when nobody has registered one."""
        items = self._table.query(keys.partition(model), prefix=keys.VERSIONS, reverse=True)
        return [kept(item, ModelVersion) for item in items]

    def models(self) -> list[RegisteredModel]:
        """Return every model that has been registered, by name."""
        return [kept(item, RegisteredModel) for item in self._table.query(keys.MODELS)]

    def record_verdict(self, model: str, version: int, verdict: Verdict) -> None:
        """Store what the gate said of a version; a later verdict replaces an earlier one.

        Raises:
            NotFoundError: there is no such version.
        """
        self._change(model, version, lambda one: replace(one, verdict=verdict))

    def set_tag(self, model: str, version: int, key: str, value: str | None) -> None:
        """Set a version's tag, or remove it with None.

        Raises:
            NotFoundError: there is no such version.
            InvalidInputError: the tag is `archived`, which `archive` and `unarchive` set.
        """
        if key == ARCHIVED:
            raise InvalidInputError(f"the tag {ARCHIVED!r} is set by archive and removed by unarchive")
        self._change(model, version, lambda one: replace(one, tags=_with_tag(one.tags, key, value)))

    def archive(self, model: str, version: int) -> None:
        """Put a version away: nothing may lead to it until `unarchive`.

        Raises:
            NotFoundError: there is no such version.
            ConflictError: an alias, the canary or a shadow leads to it.
        """
        self._change(model, version, lambda one: replace(one, tags=_with_tag(one.tags, ARCHIVED, "true")), unused=True)

    def unarchive(self, model: str, version: int) -> None:
        """Take a version back into use, or raise `NotFoundError`."""
        self._change(model, version, lambda one: replace(one, tags=_with_tag(one.tags, ARCHIVED, None)))

    def delete_version(self, model: str, version: int) -> None:
        """Forget a version; its number is not given again, its package stays where it is.

        Raises:
            NotFoundError: there is no such version.
            ConflictError: an alias, the canary or a shadow leads to it.
        """

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._version_item(model, version)
            writes: list[Write] = [Delete(item.key, expect=Version(item.version)), self._unused(model, version)]
            if run_id := kept(item, ModelVersion).run_id:
                writes.append(Delete(keys.run_key(model, run_id)))
            return writes, None

        commit(self._table, prepare, what=f"version {version} of {model!r}")

    def _registered_by(self, new: NewVersion) -> ModelVersion | None:
        pointer = self._table.get(keys.run_key(new.model, new.run_id)) if new.run_id else None
        if pointer is None:
            return None
        number = pointer.value["version"]
        if not isinstance(number, int):
            raise TypeError(f"{pointer.key} holds no version number")
        before = self.version(new.model, number)
        if before.digest != new.digest:
            raise ConflictError(
                f"run {new.run_id} has registered version {number} of {new.model!r} with package {before.digest}, "
                f"not {new.digest}: register another package under a run of its own"
            )
        return before

    def _version_item(self, model: str, version: int) -> Item:
        item = self._table.get(keys.version_key(model, version))
        if item is None:
            raise NotFoundError(f"model {model!r} has no version {version}: list those that it has")
        return item

    def _change(
        self, model: str, version: int, edit: Callable[[ModelVersion], ModelVersion], *, unused: bool = False
    ) -> None:
        def prepare() -> tuple[Sequence[Write], None]:
            item = self._version_item(model, version)
            before = kept(item, ModelVersion)
            after = edit(before)
            if after == before:
                return (), None
            writes: list[Write] = [Put(item.key, content(after), expect=Version(item.version))]
            if unused:
                writes.append(self._unused(model, version))
            return writes, None

        commit(self._table, prepare, what=f"version {version} of {model!r}")

    def _unused(self, model: str, version: int) -> Check:
        """Return the check that nothing leads to the version, or raise `ConflictError`."""
        item = self._table.get(keys.routing_key(model))
        if item is None:
            return Check(keys.routing_key(model), ABSENT)
        if found := uses(kept(item, Routing), version):
            raise ConflictError(f"version {version} of {model!r} is in use ({', '.join(found)}): move these away first")
        return Check(item.key, Version(item.version))


def content(value: object) -> dict[str, Value]:
    """Return one of the registry's values as an item's content."""
    fields: dict[str, Value] = msgspec.to_builtins(value)
    return fields


def kept(item: Item, kind: type[Kept]) -> Kept:
    """Return the value that an item holds; what a later release added to it is ignored."""
    return msgspec.convert(dict(item.value), kind)


def _numbered(new: NewVersion, number: int, now: float) -> ModelVersion:
    return ModelVersion(
        model=new.model,
        version=number,
        run_id=new.run_id,
        source=new.source,
        digest=new.digest,
        features_digest=new.features_digest,
        created=now,
        lineage=new.lineage,
        metrics={name: value for name, value in new.metrics.items() if math.isfinite(value)},
        tags=dict(new.tags),
        verdict=new.verdict,
    )


def _with_tag(tags: Mapping[str, str], key: str, value: str | None) -> dict[str, str]:
    others = {name: text for name, text in tags.items() if name != key}
    return others if value is None else {**others, key: value}

"""Versions of models: numbered, immutable but for description, tags and verdict."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from loopwright.errors import AlreadyExistsError, ConflictError, InUseError, InvalidInputError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Check, Expectation, Item, Put, Version, Write
from loopwright.registry import keys
from loopwright.registry.by_run import hinted, versions_of_runs
from loopwright.registry.items import content, kept
from loopwright.registry.models import Models, on_its_way, present, with_tag
from loopwright.registry.moves import uses
from loopwright.registry.numbering import added, numbered, referred, removed
from loopwright.registry.values import ARCHIVED, ModelVersion, NewSource, NewVersion, RegisteredModel, Routing
from loopwright.verdict import Verdict


class Versions(Models):
    """Registers versions and reads them back.

    Numbers start at 1, have no gaps but those that deletion leaves, and are never given twice while the model lives.
    """

    def register(self, new: NewVersion) -> ModelVersion:
        """Give the next number to a version and keep it; a model that is not there is made.

        A run registers a model once: the same run again gets the version that it has, and nothing is written.
        Metrics that are NaN or infinite are left out.

        Raises:
            ConflictError: the run has registered another package already.
            InvalidInputError: the model's name or a tag is not one.
            UnavailableError: too many register at once, or the model is getting another name.
        """
        keys.checked_model(new.model)
        keys.checked_tags(new.tags)

        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            before = self._registered_by(new)
            if before is not None:
                return (), before
            known, expected = self._counted(new.model)
            version = numbered(new, known.latest + 1, self._clock())
            writes = added(known, expected, version)
            if new.run_id:
                writes.append(Put(keys.run_key(new.model, new.run_id), {"version": version.version}, expect=ABSENT))
                hint = keys.hint_key(new.run_id)
                writes.append(hinted(hint, self._table.get(hint), [(new.model, version.version)]))
            return writes, version

        return commit(self._table, prepare, what=f"model {new.model!r}")

    def register_source(self, new: NewSource) -> ModelVersion:
        """Give the next number to a model from a notebook and keep it; each call registers another version.

        Nothing here can serve it: `loopwright adopt` makes a version with a package of it.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: the model's name or a tag is not one.
            UnavailableError: too many register at once, or the model is getting another name.
        """
        keys.checked_tags(new.tags)
        if ARCHIVED in new.tags:
            raise _reserved()

        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            place, hint = keys.model_key(keys.checked_model(new.model)), keys.hint_key(new.run_id)
            found, before = self._table.get_many([place, hint])
            item = present(new.model, found)
            known = _staying(kept(item, RegisteredModel))
            version = referred(new, known.latest + 1, self._clock())
            writes = added(known, Version(item.version), version)
            if new.run_id:
                writes.append(hinted(hint, before, [(new.model, version.version)]))
            return writes, version

        return commit(self._table, prepare, what=f"model {new.model!r}")

    def version(self, model: str, version: int) -> ModelVersion:
        """Return a version, or raise `NotFoundError`."""
        return kept(self._version_item(model, version), ModelVersion)

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the model's versions, newest first; none when nobody has registered one."""
        if not keys.is_model(model):
            return []
        items = self._table.query(keys.partition(model), prefix=keys.VERSIONS, reverse=True)
        return [kept(item, ModelVersion) for item in items]

    def describe_version(self, model: str, version: int, description: str | None) -> ModelVersion:
        """Give a version another description, or none, and return it; or raise `NotFoundError`."""
        return self._change(model, version, lambda one: replace(one, description=description, updated=self._clock()))

    def versions_of_runs(self, run_ids: Sequence[str]) -> list[ModelVersion] | None:
        """Return all versions that these runs have registered, in two reads; None: look at all models' versions."""
        return versions_of_runs(self._table, run_ids)

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
            InvalidInputError: the tag is `archived`, which `archive` and `unarchive` set; or none that MLflow takes, or
                the tags are too much together.
        """
        keys.checked_tags({key: value or ""})
        if key == ARCHIVED:
            raise _reserved()
        self._change(model, version, lambda one: replace(one, tags=keys.checked_tags(with_tag(one.tags, key, value))))

    def archive(self, model: str, version: int) -> None:
        """Put a version away: nothing may lead to it until `unarchive`.

        Raises:
            NotFoundError: there is no such version.
            InUseError: an alias, the canary or a shadow leads to it.
        """
        self._change(model, version, lambda one: replace(one, tags=with_tag(one.tags, ARCHIVED, "true")), unused=True)

    def unarchive(self, model: str, version: int) -> None:
        """Take a version back into use, or raise `NotFoundError`."""
        self._change(model, version, lambda one: replace(one, tags=with_tag(one.tags, ARCHIVED, None)))

    def delete_version(self, model: str, version: int) -> None:
        """Forget a version; its number is not given again, its package stays where it is.

        Raises:
            NotFoundError: there is no such version.
            InUseError: an alias, the canary or a shadow leads to it.
        """

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._version_item(model, version)
            return [*removed(item), self._unused(model, version)], None

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

    def _counted(self, model: str) -> tuple[RegisteredModel, Expectation]:
        """Return a model, made now if it is not there, and what its place is expected to hold."""
        item = self._table.get(keys.model_key(model))
        if item is None or not kept(item, RegisteredModel).present:
            try:
                return RegisteredModel(model, self._clock(), 0), self._vacant(model)
            except AlreadyExistsError:
                # Somebody has made it since it was looked for.
                return self._counted(model)
        return _staying(kept(item, RegisteredModel)), Version(item.version)

    def _version_item(self, model: str, version: int) -> Item:
        item = self._table.get(keys.version_key(keys.checked_model(model), version))
        if item is None:
            head = self._table.get(keys.model_key(model))
            if head is not None:
                _staying(kept(head, RegisteredModel))
            raise NotFoundError(f"model {model!r} has no version {version}: list those that it has")
        return item

    def _change(
        self, model: str, version: int, edit: Callable[[ModelVersion], ModelVersion], *, unused: bool = False
    ) -> ModelVersion:
        def prepare() -> tuple[Sequence[Write], ModelVersion]:
            item = self._version_item(model, version)
            before = kept(item, ModelVersion)
            after = edit(before)
            if after == before:
                return (), after
            writes: list[Write] = [Put(item.key, content(after), expect=Version(item.version))]
            if unused:
                writes.append(self._unused(model, version))
            return writes, after

        return commit(self._table, prepare, what=f"version {version} of {model!r}")

    def _unused(self, model: str, version: int) -> Check:
        """Return the check that nothing leads to the version, or raise `InUseError`."""
        item = self._table.get(keys.routing_key(model))
        if item is None:
            return Check(keys.routing_key(model), ABSENT)
        if found := uses(kept(item, Routing), version):
            raise InUseError(f"version {version} of {model!r} is in use ({', '.join(found)}): move these away first")
        return Check(item.key, Version(item.version))


def _reserved() -> InvalidInputError:
    return InvalidInputError(
        f"the tag {ARCHIVED!r} says that a version is put away: it is set by archive, or by its stage"
    )


def _staying(model: RegisteredModel) -> RegisteredModel:
    if model.state == "leaving":
        raise on_its_way(model)
    return model

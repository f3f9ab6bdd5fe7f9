"""Experiments: named sets of runs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from loopwright.clock import Clock, NewId
from loopwright.errors import AlreadyExistsError, ConflictError, DeletedError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Delete, Item, Put, Table, Value, Version, Write
from loopwright.tracking import keys
from loopwright.tracking.limits import (
    check_experiment_tags,
    checked_experiment_id,
    checked_experiment_name,
    checked_location,
)
from loopwright.tracking.values import Experiment, View

Kept = TypeVar("Kept")

DEFAULT_ID: Final = "0"
"""The experiment to which MLflow's clients log when they name none."""

DEFAULT_NAME: Final = "Default"


class Experiments:
    """Creates, finds, renames, deletes and restores experiments.

    A name belongs to one experiment from its creation to its renaming; deletion keeps the name reserved, so that the
    experiment can be restored under it. The experiment "0", named "Default", is made when it is first asked for.
    """

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        self._table = table
        self._clock = clock
        self._new_id = new_id

    def ensure_experiment(self, name: str) -> Experiment:
        """Return the experiment of that name, made now if there is none.

        Raises:
            ConflictError: it is deleted.
            InvalidInputError: the name is empty or longer than 500 characters.
        """
        found = self._named(name)
        if found is None:
            try:
                return self.create_experiment(name)
            except ConflictError:
                found = self.experiment_by_name(name)
        return living_experiment(found)

    def create_experiment(
        self, name: str, *, tags: Mapping[str, str] | None = None, artifact_location: str = ""
    ) -> Experiment:
        """Make an experiment.

        Raises:
            AlreadyExistsError: the name is taken, be it by a deleted experiment.
            InvalidInputError: the name, a tag or the location is not one that MLflow takes.
        """
        checked_experiment_name(name)
        check_experiment_tags(tags or {})
        checked_location(artifact_location)
        if name == DEFAULT_NAME:
            self._default_item()
        return self._make(self._new_id(), name, tags=tags or {}, artifact_location=artifact_location)

    def experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not, or raise `NotFoundError`."""
        return kept(self._experiment_item(experiment_id), Experiment)

    def experiment_by_name(self, name: str) -> Experiment:
        """Return the experiment that has the name, deleted or not, or raise `NotFoundError`."""
        found = self._named(name)
        if found is None:
            raise NotFoundError(f"there is no experiment {name!r}: make it with ensure_experiment")
        return found

    def experiments(self, *, view: View = "active", default: bool = False) -> list[Experiment]:
        """Return the experiments, newest first; with `default` the default one is made if it is not there."""
        found = [kept(item, Experiment) for item in self._table.query(keys.EXPERIMENTS, prefix=keys.BY_ID)]
        if default and all(one.id != DEFAULT_ID for one in found) and (made := self._default_item()) is not None:
            found.append(kept(made, Experiment))
        shown = (one for one in found if in_view(one.deleted, view))
        return sorted(shown, key=lambda one: (one.created, one.id), reverse=True)

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name and free the old one.

        Raises:
            NotFoundError: there is no such experiment.
            AlreadyExistsError: the name is taken.
            DeletedError: the experiment is deleted.
            InvalidInputError: not a name.
        """
        checked_experiment_name(name)
        if name == DEFAULT_NAME:
            self._default_item()

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._experiment_item(experiment_id)
            before = living_experiment(kept(item, Experiment))
            if before.name == name:
                return (), None
            if self._table.get(keys.name_key(name)) is not None:
                raise _taken(name)
            after = replace(before, name=name, updated=self._clock())
            return [
                Delete(keys.name_key(before.name)),
                Put(keys.name_key(name), {"id": experiment_id}, expect=ABSENT),
                Put(item.key, content(after), expect=Version(item.version)),
            ], None

        commit(self._table, prepare, what=f"experiment {experiment_id}")

    def set_experiment_tag(self, experiment_id: str, key: str, value: str | None) -> None:
        """Set a tag, or remove it with None.

        Raises:
            NotFoundError: there is no such experiment, or no such tag to remove.
            DeletedError: it is deleted.
            InvalidInputError: not a tag.
        """
        check_experiment_tags({key: value or ""} if value is not None else {})

        def edit(before: Experiment) -> Experiment:
            living_experiment(before)
            if value is not None:
                return replace(before, tags={**before.tags, key: value})
            if key not in before.tags:
                raise NotFoundError(f"experiment {experiment_id} has no tag {key!r}")
            return replace(before, tags={name: text for name, text in before.tags.items() if name != key})

        self._change_experiment(experiment_id, edit)

    def delete_experiment(self, experiment_id: str) -> bool:
        """Delete an experiment softly, its runs with it; say whether it lived. Or raise `NotFoundError`."""

        def edit(before: Experiment) -> Experiment:
            if before.deleted is not None:
                return before
            now = self._clock()
            return replace(before, deleted=now, updated=now, turns=before.turns + 1)

        return self._change_experiment(experiment_id, edit)

    def restore_experiment(self, experiment_id: str) -> bool:
        """Undo a deletion; say whether it was deleted. As in MLflow all of its runs live then. Or `NotFoundError`."""

        def edit(before: Experiment) -> Experiment:
            if before.deleted is None:
                return before
            return replace(before, deleted=None, updated=self._clock(), turns=before.turns + 1)

        return self._change_experiment(experiment_id, edit)

    def _make(
        self, experiment_id: str, name: str, *, tags: Mapping[str, str], artifact_location: str = ""
    ) -> Experiment:
        now = self._clock()
        made = Experiment(experiment_id, name, now, now, dict(tags), artifact_location=artifact_location)
        try:
            self._table.transact(
                [
                    Put(keys.name_key(name), {"id": made.id}, expect=ABSENT),
                    Put(keys.experiment_key(made.id), content(made), expect=ABSENT),
                ]
            )
        except ConflictError as error:
            raise _taken(name) from error
        return made

    def _named(self, name: str) -> Experiment | None:
        owner = self._table.get(keys.name_key(checked_experiment_name(name)))
        if owner is not None:
            return self.experiment(str(owner.value["id"]))
        default = self._default_item() if name == DEFAULT_NAME else None
        return None if default is None else kept(default, Experiment)

    def _default_item(self) -> Item | None:
        """Return the default experiment's item, made now if it is not there; None if another one has its name."""
        item = self._table.get(keys.experiment_key(DEFAULT_ID))
        if item is not None:
            return item
        # It may be that somebody else makes it just now, or that another experiment has the name.
        with suppress(AlreadyExistsError):
            self._make(DEFAULT_ID, DEFAULT_NAME, tags={})
        return self._table.get(keys.experiment_key(DEFAULT_ID))

    def _experiment_item(self, experiment_id: str) -> Item:
        item = self._table.get(keys.experiment_key(checked_experiment_id(experiment_id)))
        if item is None and experiment_id == DEFAULT_ID:
            item = self._default_item()
        if item is None:
            raise no_experiment(experiment_id)
        return item

    def _change_experiment(self, experiment_id: str, edit: Callable[[Experiment], Experiment]) -> bool:
        """Change an experiment; say whether that changed anything."""

        def prepare() -> tuple[Sequence[Write], bool]:
            item = self._experiment_item(experiment_id)
            before = kept(item, Experiment)
            after = edit(before)
            if after == before:
                return [], False
            return [Put(item.key, content(after), expect=Version(item.version))], True

        return commit(self._table, prepare, what=f"experiment {experiment_id}")


def content(value: object) -> dict[str, Value]:
    """Return one of tracking's values as an item's content."""
    fields: dict[str, Value] = msgspec.to_builtins(value)
    return fields


def kept(item: Item, kind: type[Kept]) -> Kept:
    """Return the value that an item holds; what a later release added to it is ignored."""
    return msgspec.convert(dict(item.value), kind)


def in_view(deleted: float | None, view: View) -> bool:
    """Say whether a listing shows a thing that was deleted then (None: that lives)."""
    return view == "all" or (deleted is None) == (view == "active")


def living_experiment(experiment: Experiment) -> Experiment:
    """Return the experiment, or raise `DeletedError` if it is."""
    if experiment.deleted is not None:
        raise DeletedError(f"experiment {experiment.name!r} is deleted: restore it, or use another one")
    return experiment


def no_experiment(experiment_id: str) -> NotFoundError:
    """Return the error that there is no such experiment."""
    return NotFoundError(f"there is no experiment with identity {experiment_id!r}: list those that there are")


def _taken(name: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"experiment {name!r} exists, perhaps deleted: use or restore it, or choose another name")

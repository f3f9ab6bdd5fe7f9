"""Experiments: named sets of runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from loopwright.clock import Clock, NewId
from loopwright.errors import AlreadyExistsError, ConflictError, DeletedError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Delete, Item, Put, Table, Value, Version, Write
from loopwright.tracking import keys
from loopwright.tracking.limits import check_batch, checked_experiment_name
from loopwright.tracking.values import Experiment, View

Kept = TypeVar("Kept")


class Experiments:
    """Creates, finds, renames, deletes and restores experiments.

    A name belongs to one experiment from its creation to its renaming; deletion keeps the name reserved, so that the
    experiment can be restored under it.
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

    def create_experiment(self, name: str, *, tags: Mapping[str, str] | None = None) -> Experiment:
        """Make an experiment.

        Raises:
            ConflictError: the name is taken, be it by a deleted experiment.
            InvalidInputError: the name or a tag is not one that MLflow takes.
        """
        checked_experiment_name(name)
        check_batch((), {}, tags or {})
        now = self._clock()
        made = Experiment(self._new_id(), name, now, now, dict(tags or {}))
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

    def experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not, or raise `NotFoundError`."""
        return kept(self._experiment_item(experiment_id), Experiment)

    def experiment_by_name(self, name: str) -> Experiment:
        """Return the experiment that has the name, deleted or not, or raise `NotFoundError`."""
        found = self._named(name)
        if found is None:
            raise NotFoundError(f"there is no experiment {name!r}: make it with ensure_experiment")
        return found

    def experiments(self, *, view: View = "active") -> list[Experiment]:
        """Return the experiments, newest first."""
        found = (kept(item, Experiment) for item in self._table.query(keys.EXPERIMENTS, prefix=keys.BY_ID))
        shown = (one for one in found if in_view(one.deleted, view))
        return sorted(shown, key=lambda one: (one.created, one.id), reverse=True)

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name and free the old one.

        Raises:
            NotFoundError: there is no such experiment.
            ConflictError: the name is taken, or the experiment is deleted.
            InvalidInputError: not a name.
        """
        checked_experiment_name(name)

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
            NotFoundError: there is no such experiment.
            ConflictError: it is deleted.
            InvalidInputError: not a tag.
        """
        check_batch((), {}, {key: value or ""})

        def edit(before: Experiment) -> Experiment:
            living_experiment(before)
            others = {name: text for name, text in before.tags.items() if name != key}
            tags = others if value is None else {**others, key: value}
            return before if tags == before.tags else replace(before, tags=tags, updated=self._clock())

        self._change_experiment(experiment_id, edit)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment softly, its runs with it; again changes nothing. Or raise `NotFoundError`."""

        def edit(before: Experiment) -> Experiment:
            now = self._clock()
            return before if before.deleted is not None else replace(before, deleted=now, updated=now)

        self._change_experiment(experiment_id, edit)

    def restore_experiment(self, experiment_id: str) -> None:
        """Undo a deletion; runs that were deleted by themselves stay so. Or raise `NotFoundError`."""

        def edit(before: Experiment) -> Experiment:
            return before if before.deleted is None else replace(before, deleted=None, updated=self._clock())

        self._change_experiment(experiment_id, edit)

    def _named(self, name: str) -> Experiment | None:
        owner = self._table.get(keys.name_key(checked_experiment_name(name)))
        return None if owner is None else self.experiment(str(owner.value["id"]))

    def _experiment_item(self, experiment_id: str) -> Item:
        item = self._table.get(keys.experiment_key(experiment_id))
        if item is None:
            raise no_experiment(experiment_id)
        return item

    def _change_experiment(self, experiment_id: str, edit: Callable[[Experiment], Experiment]) -> None:
        def prepare() -> tuple[Sequence[Write], None]:
            item = self._experiment_item(experiment_id)
            before = kept(item, Experiment)
            after = edit(before)
            return [] if after == before else [Put(item.key, content(after), expect=Version(item.version))], None

        commit(self._table, prepare, what=f"experiment {experiment_id}")


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

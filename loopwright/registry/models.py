"""Registered models: their names, and what is said of them. Their versions are in `loopwright.registry.versions`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import assert_never

from msgspec.structs import replace

from loopwright.clock import Clock
from loopwright.errors import AlreadyExistsError, ConflictError, NotFoundError, UnavailableError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Expectation, Item, Put, Table, Version, Write
from loopwright.registry import keys
from loopwright.registry.departures import sweep
from loopwright.registry.items import content, kept
from loopwright.registry.values import RegisteredModel


class Models:
    """Creates models, finds them, describes them."""

    def __init__(self, table: Table, *, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def create_model(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Make a model without versions.

        Raises:
            AlreadyExistsError: there is one of that name.
            UnavailableError: another is about to have that name.
            InvalidInputError: the name or a tag is not one that MLflow takes.
        """
        keys.checked_model(name)
        keys.checked_tags(tags or {})

        def prepare() -> tuple[Sequence[Write], RegisteredModel]:
            now = self._clock()
            made = RegisteredModel(name, now, 0, updated=now, description=description, tags=dict(tags or {}))
            return [Put(keys.model_key(name), content(made), expect=self._vacant(name))], made

        return commit(self._table, prepare, what=f"model {name!r}")

    def model(self, name: str) -> RegisteredModel:
        """Return a model, or raise `NotFoundError`."""
        return kept(self._model_item(name), RegisteredModel)

    def models(self) -> list[RegisteredModel]:
        """Return every model, with versions or without, by name."""
        found = (kept(item, RegisteredModel) for item in self._table.query(keys.MODELS))
        return [one for one in found if one.present]

    def describe_model(self, name: str, description: str | None) -> RegisteredModel:
        """Give a model another description, or none, and return it; or raise `NotFoundError`."""
        return self._change_model(name, lambda one: replace(one, description=description, updated=self._clock()))

    def set_model_tag(self, name: str, key: str, value: str | None) -> None:
        """Set a model's tag, or remove it with None.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: it is not a tag that MLflow takes, or the tags are too much together.
        """
        keys.checked_tags({key: value or ""})
        self._change_model(name, lambda one: replace(one, tags=keys.checked_tags(with_tag(one.tags, key, value))))

    def _model_item(self, name: str) -> Item:
        return present(name, self._table.get(keys.model_key(keys.checked_model(name))))

    def _change_model(self, name: str, edit: Callable[[RegisteredModel], RegisteredModel]) -> RegisteredModel:
        def prepare() -> tuple[Sequence[Write], RegisteredModel]:
            item = self._model_item(name)
            before = kept(item, RegisteredModel)
            after = edit(before)
            writes = [] if after == before else [Put(item.key, content(after), expect=Version(item.version))]
            return writes, after

        return commit(self._table, prepare, what=f"model {name!r}")

    def _vacant(self, name: str) -> Expectation:
        """Return what is expected at the place of a model that is to be made, or raise as `create_model` does."""
        item = self._table.get(keys.model_key(name))
        if item is None:
            return ABSENT
        found = kept(item, RegisteredModel)
        match found.state:
            case "gone":
                return Version(item.version)
            case "deleting":
                # Whoever began it may have died, or is at it at this moment.
                with suppress(ConflictError):
                    sweep(self._table, item)
                return self._vacant(name)
            case "arriving":
                raise UnavailableError(
                    f"registered model {found.other!r} is being renamed to {name!r}: if that was interrupted, rename "
                    "it again; or choose another name"
                )
            case "here" | "leaving":
                raise AlreadyExistsError(f"registered model {name!r} exists: use it, or choose another name")
            case _:
                assert_never(found.state)

    def _touched(self, name: str, now: float) -> Put:
        """Return the write that says that something of the model has changed now."""
        item = self._model_item(name)
        changed = replace(kept(item, RegisteredModel), updated=now)
        return Put(item.key, content(changed), expect=Version(item.version))


def with_tag(tags: Mapping[str, str], key: str, value: str | None) -> dict[str, str]:
    """Return the tags with this one set, or removed with None."""
    others = {name: text for name, text in tags.items() if name != key}
    return others if value is None else {**others, key: value}


def present(name: str, item: Item | None) -> Item:
    """Return a model's item, or raise `NotFoundError` if the model is not there."""
    if item is None or not kept(item, RegisteredModel).present:
        raise no_model(name)
    return item


def no_model(name: str) -> NotFoundError:
    """Return the error that there is no such model."""
    return NotFoundError(f"there is no registered model {name!r}: create it, or list those that there are")


def on_its_way(model: RegisteredModel) -> UnavailableError:
    """Return the error that the model is getting another name."""
    return UnavailableError(
        f"registered model {model.name!r} is being renamed to {model.other!r}: if that was interrupted, rename it again"
    )

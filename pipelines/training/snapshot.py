"""Which rows a training reads: tables of the lake at exact versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loopwright.definitions.model import Model
from loopwright.errors import NotFoundError
from loopwright.ports import Lake
from loopwright.registry.values import DatasetPin


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tables at exact versions, and the moment up to which their rows count."""

    at: float
    pins: tuple[DatasetPin, ...]

    @property
    def versions(self) -> Mapping[str, int]:
        """The pinned version of each table."""
        return {pin.table: pin.version for pin in self.pins}


def predictions_table(model: Model) -> str:
    """Return the lake table of a model's logged predictions."""
    return f"predictions/{model.name}"


def labels_table(model: Model) -> str:
    """Return the lake table of the labels that came for them."""
    return f"labels/{model.name}"


def take_snapshot(lake: Lake, model: Model, *, at: float) -> Snapshot:
    """Pin the newest version of everything that the model is trained on.

    Raises:
        NotFoundError: there are neither observations nor labelled predictions, or a view's source is missing.
    """
    feedback = tuple(_pins(lake, (predictions_table(model), labels_table(model)))) if model.label.feedback else ()
    observations = tuple(_pins(lake, (model.observations,)))
    # Predictions teach nothing without labels.
    feedback = feedback if len(feedback) == 2 else ()  # noqa: PLR2004
    if not observations and not feedback:
        raise NotFoundError(
            f"model {model.name!r} has nothing to learn from: append past cases to the lake table "
            f"{model.observations!r}"
        )
    sources = dict.fromkeys(view.source for view in model.views)
    found = tuple(_pins(lake, sources))
    if missing := [source for source in sources if source not in {pin.table for pin in found}]:
        raise NotFoundError(f"model {model.name!r}: the lake has no table {missing[0]!r}, the source of a feature view")
    return Snapshot(at, observations + found + feedback)


def _pins(lake: Lake, tables: Mapping[str, None] | tuple[str, ...]) -> Iterator[DatasetPin]:
    for table in tables:
        version = lake.version(table)
        if version is not None:
            yield DatasetPin(table, version, lake.digest(table, version=version))

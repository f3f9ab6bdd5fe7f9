"""What filters and orders ask of the things that they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Dataset(Protocol):
    """A data set that a run read."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def digest(self) -> str:
        """Of its content."""
        ...

    @property
    def context(self) -> str:
        """What for; empty when that was not said."""
        ...


class Thing(Protocol):
    """A run, an experiment, a logged model, a registered model or one of its versions."""

    @property
    def params(self) -> Mapping[str, str]:
        """By key."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """By key."""
        ...

    @property
    def datasets(self) -> Sequence[Dataset]:
        """Those that it read."""
        ...

    def attribute(self, name: str) -> str | float | None:
        """Return an attribute by the name that the schema has for it; moments are whole milliseconds."""
        ...

    def metric(self, key: str) -> Sequence[float]:
        """Return the values of a metric, the one that an order goes by first: one for a run, several for a model."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A thing whose answers were gathered before anybody asked."""

    attributes: Mapping[str, str | float | None]
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()

    def attribute(self, name: str) -> str | float | None:
        """Return an attribute."""
        return self.attributes[name]

    def metric(self, key: str) -> Sequence[float]:
        """Return the values of a metric."""
        return self.metrics.get(key, ())

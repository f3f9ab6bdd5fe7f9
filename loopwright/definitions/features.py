"""Fields, entities, feature views, on-demand transformations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from loopwright.definitions.names import RESERVED, checked_name, no_repeats
from loopwright.dtypes import Columns, DType
from loopwright.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its type, and what a valid value is. Validation, the API's schema and data quality follow from it.

    Attributes:
        name: lower-case snake case.
        dtype: float, int, bool, string or time.
        nullable: whether a value may be missing.
        minimum: the least valid value, inclusive (numbers only).
        maximum: the greatest valid value, inclusive (numbers only).
        categories: the known values of a string; others are served but counted as unknown. Empty: any.
        description: for people.
    """

    name: str
    dtype: DType = "float"
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        """Check the field by itself."""
        checked_name(self.name, "field")
        if self.name in RESERVED:
            raise DefinitionError(
                f"field {self.name!r}: the log of predictions has a column of that name; choose another"
            )
        if (self.minimum is not None or self.maximum is not None) and self.dtype not in {"float", "int"}:
            raise DefinitionError(f"field {self.name!r}: only float and int have a range, not {self.dtype}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise DefinitionError(f"field {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")
        if self.categories and self.dtype != "string":
            raise DefinitionError(f"field {self.name!r}: only a string has categories, not {self.dtype}")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that has features or gets predictions, found by its join keys: an airport, a customer, a flight."""

    name: str
    keys: tuple[Field, ...]

    def __post_init__(self) -> None:
        """Check that there are keys of a type that can be compared exactly."""
        checked_name(self.name, "entity")
        if not self.keys:
            raise DefinitionError(f"entity {self.name!r} has no keys: name at least one field")
        for key in self.keys:
            if key.dtype not in {"string", "int"}:
                raise DefinitionError(f"entity {self.name!r}: key {key.name!r} is {key.dtype}; a key is string or int")
        no_repeats((key.name for key in self.keys), f"entity {self.name!r}: key")

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the join keys, in order."""
        return tuple(key.name for key in self.keys)


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Features of an entity over time, read from one table of the lake.

    Attributes:
        name: lower-case snake case.
        entity: whose features these are; its keys are columns of the source.
        features: the columns that are features.
        source: the lake table; the view's own name when empty.
        event_time: the source's column that says of which moment a row tells.
        known_time: the source's column that says since when the row could be known; None: since its event time.
            A training row sees only what was known at its own moment.
        ttl: a row is too old for a moment more than this after its event time. None: never.
    """

    name: str
    entity: Entity
    features: tuple[Field, ...]
    source: str = ""
    event_time: str = "event_time"
    known_time: str | None = None
    ttl: timedelta | None = None

    def __post_init__(self) -> None:
        """Check the view by itself and name its source."""
        checked_name(self.name, "feature view")
        if not self.features:
            raise DefinitionError(f"feature view {self.name!r} has no features: name at least one field")
        no_repeats((*self.entity.key_names, *self.feature_names), f"feature view {self.name!r}: column")
        if self.ttl is not None and self.ttl <= timedelta(0):
            raise DefinitionError(f"feature view {self.name!r}: the TTL must be positive, not {self.ttl}")
        if not self.source:
            object.__setattr__(self, "source", self.name)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return tuple(feature.name for feature in self.features)


Transform = Callable[[Columns], Columns]
"""A pure function of numpy columns; see `loopwright.columns` for types and nulls."""


@dataclass(frozen=True, slots=True)
class OnDemandTransformation:
    """Features computed from other columns, by the same code for a million rows offline and one row in a request.

    Attributes:
        name: lower-case snake case.
        inputs: request fields, features of views, outputs of earlier transformations, or `event_time`.
        outputs: what the function returns; its columns are checked against these.
        function: gets exactly the inputs and returns exactly the outputs, of the same length.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[Field, ...]
    function: Transform

    def __post_init__(self) -> None:
        """Check the transformation by itself."""
        checked_name(self.name, "transformation")
        if not self.outputs:
            raise DefinitionError(f"transformation {self.name!r} has no outputs: name at least one field")
        no_repeats((output.name for output in self.outputs), f"transformation {self.name!r}: output")

"""What a document of GraphQL says: operations, and what they select."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

FIELDS: Final = 1_000
"""How many fields one object may be asked for, those of fragments counted wherever they are spread."""


class GraphqlError(Exception):
    """A document cannot be read or answered; the message is what its sender is told."""


class Variable(NamedTuple):
    """A value that comes with the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Selected:
    """A field that is asked for, by its own name and the one that it is answered under."""

    name: str
    answered: str
    arguments: Mapping[str, object]
    fields: "Sequence[Selected | Spread]"


@dataclass(frozen=True, slots=True)
class Spread:
    """Fields that are written elsewhere, by the fragment's name, or here, without one."""

    fragment: str
    fields: "Sequence[Selected | Spread]" = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be done: `query` or `mutation`."""

    kind: str
    name: str
    fields: Sequence[Selected | Spread]
    required: Mapping[str, str]
    """The variables that must be given, with their types."""
    defaults: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Document:
    """Operations, and fragments by their names."""

    operations: Sequence[Operation]
    fragments: Mapping[str, Sequence[Selected | Spread]] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation:
        """Return the operation of that name; without one the only one there is.

        Raises:
            GraphqlError: there is none, or there are several.
        """
        found = [one for one in self.operations if name in (None, "", one.name)]
        if len(found) == 1:
            return found[0]
        if name:
            raise GraphqlError(f"Unknown operation named '{name}'.")
        raise GraphqlError("Must provide operation name if query contains multiple operations.")

    def flat(self, fields: Sequence[Selected | Spread], within: frozenset[str] = frozenset()) -> Sequence[Selected]:
        """Return the fields with what fragments stand for.

        Raises:
            GraphqlError: a fragment is not there, or stands within itself.
        """
        found: list[Selected] = []
        for one in fields:
            if isinstance(one, Selected):
                found.append(one)
            elif not one.fragment:
                found += self.flat(one.fields, within)
            elif one.fragment in within:
                raise GraphqlError(f"Cannot spread fragment '{one.fragment}' within itself.")
            elif one.fragment not in self.fragments:
                raise GraphqlError(f"Unknown fragment '{one.fragment}'.")
            else:
                found += self.flat(self.fragments[one.fragment], within | {one.fragment})
            if len(found) > FIELDS:
                raise GraphqlError(f"Query exceeds maximum total selections of {FIELDS}")
        return found

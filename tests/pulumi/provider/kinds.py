"""What the stand-in must know of each type of resource."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

from tests.pulumi.provider.inputs import Inputs

Outputs = dict[str, Any]
Made = tuple[str, Outputs]
P = TypeVar("P")
"""Where a cloud is: its address, and what all calls to it have in common."""

KINDS: Final[dict[str, type["Kind[Any]"]]] = {}
"""All types that the stand-in knows, by their token."""


class UnknownKindError(LookupError):
    """The program uses something of a cloud that the stand-in does not know."""


class Kind(ABC, Generic[P]):
    """A type of resource. Subclasses register themselves under their token.

    Attributes:
        token: its type in Pulumi's words.
        replaces: the properties that the cloud cannot change: another value is another resource.
        named: the property that gets a name of its own when the program gives none.
        completed: properties that providers make from another one, by its name: tags with the stack's own, for one.
        coexists: whether the one that replaces it is made before it is taken away, although neither has a name.
    """

    token: ClassVar[str]
    replaces: ClassVar[frozenset[str]] = frozenset()
    named: ClassVar[str] = ""
    completed: ClassVar[Mapping[str, str]] = {}
    coexists: ClassVar[bool] = False

    def __init_subclass__(
        cls,
        *,
        token: str = "",
        replaces: Iterable[str] = (),
        named: str = "",
        completed: Mapping[str, str] | None = None,
    ) -> None:
        """Register the type, unless it has no token: then others are made after it."""
        if token:
            cls.token, cls.replaces, cls.named = token, frozenset({*replaces, named} - {""}), named
            cls.completed = completed or {}
            KINDS[token] = cls

    @abstractmethod
    def create(self, place: P, inputs: Inputs) -> Made:
        """Make it, and return its id and what else there is to know of it."""

    @abstractmethod
    def read(self, place: P, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        """Return those of its properties that can be asked as they are now, or None if it is gone.

        `known` is what they were.

        Raises:
            Exception: the cloud says that it is gone, or anything else.
        """

    def update(self, place: P, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        """Change it to what is asked for now, and return what else has changed with that.

        Raises:
            UnknownKindError: nobody has written how; see there.
        """
        raise UnknownKindError(
            f"{self.token} {id_}: the stand-in cannot change it in place; name the property in `replaces` if the "
            "cloud makes another one, else write its `update` in tests/pulumi/provider"
        )

    @abstractmethod
    def delete(self, place: P, id_: str, known: Mapping[str, Any]) -> None:
        """Take it away."""


class Put(Kind[P]):
    """A type of resource that is made and changed by the same call."""

    @abstractmethod
    def put(self, place: P, inputs: Inputs) -> Made:
        """Make it, or make it what is asked for now."""

    def create(self, place: P, inputs: Inputs) -> Made:
        return self.put(place, inputs)

    def update(self, place: P, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        return self.put(place, inputs)[1]


def kind(token: str) -> Kind[Any]:
    """Return a type.

    Raises:
        UnknownKindError: the stand-in does not know it.
    """
    if token not in KINDS:
        raise UnknownKindError(f"{token}: the stand-in does not know this type; see tests/pulumi/provider")
    return KINDS[token]()


def changed(known: Mapping[str, Any], inputs: Inputs, *names: str) -> bool:
    """Return whether any of these properties is not what it was."""
    wanted = inputs.plain()
    return any(known.get(name) != wanted.get(name) for name in names)

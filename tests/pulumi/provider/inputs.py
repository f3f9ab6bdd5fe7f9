"""What a program asks a resource to be, with an account of what was heard."""

from collections.abc import Mapping
from typing import Any


class Inputs:
    """Properties that know which of them were looked at: what nobody looks at would be dropped without a word.

    A value that is taken whole counts as looked at with all that is in it: whoever takes it hands it on as it is, to an
    API that refuses what it does not know. `part` and `parts` keep account inside.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = {key: value for key, value in values.items() if value is not None}
        self._path = path
        self._seen: set[str] = set()
        self._inner: list[Inputs] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        self._seen.add(name)
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a property, or the default."""
        self._seen.add(name)
        return self._values.get(name, default)

    def part(self, name: str) -> "Inputs":
        """Return what is in a property; nothing, if it is not given."""
        return self._within(name, self.get(name, {}))

    def parts(self, name: str) -> "list[Inputs]":
        """Return what is in each of a property's list."""
        return [self._within(f"{name}[{number}]", one) for number, one in enumerate(self.get(name, []))]

    def pascal(self, *names: str) -> dict[str, Any]:
        """Return those of the properties that are given as most of AWS's APIs spell them."""
        return {name[:1].upper() + name[1:]: pascal(self[name]) for name in names if name in self}

    def camel(self, *names: str) -> dict[str, Any]:
        """Return those of the properties that are given, spelt as they are."""
        return {name: self[name] for name in names if name in self}

    def plain(self) -> dict[str, Any]:
        """Return all, with no account of it."""
        return dict(self._values)

    def unseen(self) -> list[str]:
        """Return the paths of all properties that nobody has looked at."""
        own = [f"{self._path}{name}" for name in self._values if name not in self._seen]
        return own + [path for one in self._inner for path in one.unseen()]

    def _within(self, name: str, values: Mapping[str, Any]) -> "Inputs":
        inner = Inputs(values, f"{self._path}{name}.")
        self._inner.append(inner)
        return inner


def pascal(value: Any) -> Any:
    """Return a value with the keys in it as most of AWS's APIs spell them."""
    match value:
        case dict():
            return {key[:1].upper() + key[1:]: pascal(one) for key, one in value.items()}
        case list():
            return [pascal(one) for one in value]
        case _:
            return value

"""What a change of routing is, and which changes are allowed: pure functions of what was read."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from loopwright.errors import ConflictError, GateRefusedError
from loopwright.registry.values import CHAMPION, AliasChange, ChangeKind, ModelVersion, Routing


class Anywhere:
    """Expect an alias wherever it is: whoever moves it last wins."""


ANYWHERE: Final = Anywhere()

Expected = int | None | Anywhere
"""The version that an alias is expected to lead to; None: to none."""


class Move(msgspec.Struct, frozen=True):
    """What somebody wants: a new state of routing, by whom, why, and to which versions it leads anew.

    Those that it has `served` must have a package.
    """

    routing: Routing
    who: str
    why: str
    leads_to: frozenset[int] = frozenset()
    kind: ChangeKind = "set"
    served: bool = False


def expect(model: str, alias: str, routing: Routing, expected: Expected) -> None:
    """Raise `ConflictError` unless the alias leads to the expected version."""
    current = routing.aliases.get(alias)
    if isinstance(expected, Anywhere):
        return
    if current != expected:
        raise ConflictError(
            f"alias {alias!r} of {model!r} leads to {_name(current)}, not to {_name(expected)}: "
            "read it again and decide again"
        )


def expect_package(version: ModelVersion) -> ModelVersion:
    """Return the version, or raise `GateRefusedError` if it has no package, so that nothing here can serve it."""
    if not version.packaged:
        raise GateRefusedError(
            f"version {version.version} of {version.model!r} is a notebook's model ({version.source}) without a "
            f"package, and nothing here can serve it: `loopwright adopt {version.model} {version.version}` makes "
            "another version of it that has one, and judges that"
        )
    return version


def expect_earned(version: ModelVersion) -> None:
    """Raise `GateRefusedError` unless the version's verdict is there and passed."""
    expect_package(version)
    name = f"version {version.version} of {version.model!r}"
    if version.verdict is None:
        raise GateRefusedError(f"{name} has no verdict: judge it and record the verdict before promoting it")
    if not version.verdict.passed:
        reasons = "; ".join(version.verdict.refusals)
        raise GateRefusedError(f"{name} did not pass the gate: {reasons}. Train another version")


def crowned(routing: Routing, version: int) -> Routing:
    """Return the routing with that version as champion, and no longer as canary or shadow."""
    return replace(
        routing,
        aliases={**routing.aliases, CHAMPION: version},
        canary=None if routing.canary and routing.canary.version == version else routing.canary,
        shadows=tuple(one for one in routing.shadows if one != version),
    )


def without(routing: Routing, alias: str) -> Routing:
    """Return the routing without the alias."""
    return replace(routing, aliases={name: one for name, one in routing.aliases.items() if name != alias})


def former_champions(history: Iterable[AliasChange]) -> list[int]:
    """Return the champions before the present one, nearest first, each once.

    A promotion goes one up, a rollback takes down again what is above its target: so rolling back twice goes two
    champions back, and what was rolled back from is not gone back to.
    """
    stack: list[int] = []
    for change in history:
        if change.kind == "rollback":
            while stack and stack[-1] != change.new:
                stack.pop()
        elif change.new is not None:
            stack.append(change.new)
    present = stack[-1:]
    return [number for number in dict.fromkeys(reversed(stack[:-1])) if number not in present]


def uses(routing: Routing, version: int) -> list[str]:
    """Return, in words, what leads to the version."""
    found = [f"alias {alias}" for alias, target in routing.aliases.items() if target == version]
    if routing.canary and routing.canary.version == version:
        found.append("the canary")
    if version in routing.shadows:
        found.append("a shadow")
    return found


def _name(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"

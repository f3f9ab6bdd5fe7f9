"""How a benchmark says what it found: ours beside its peer's, as a ratio, and the bound that was promised."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AtMost:
    """Ours takes at most so many times what the peer takes."""

    times: float

    def told(self) -> str:
        return f"≤ {self.times:g} × peer"

    def held(self, ours: float, peer: float | None) -> bool | None:
        return None if not peer else ours <= self.times * peer


@dataclass(frozen=True, slots=True)
class TimesBetter:
    """The peer takes at least so many times what ours takes."""

    times: float

    def told(self) -> str:
        return f"peer ≥ {self.times:g} × ours"

    def held(self, ours: float, peer: float | None) -> bool | None:
        return None if not peer else peer >= self.times * ours


@dataclass(frozen=True, slots=True)
class Below:
    """Ours is below an amount, whatever a peer does."""

    amount: float

    def told(self) -> str:
        return f"< {self.amount:,g}"

    def held(self, ours: float, _peer: float | None) -> bool | None:
        return ours < self.amount


Bound = AtMost | TimesBetter | Below


@dataclass(frozen=True, slots=True)
class Result:
    """One figure, less is better. `peer` is None where there is none; `bound` None: nothing was promised."""

    name: str
    ours: float
    peer: float | None
    unit: str
    bound: Bound | None = None


def print_results(title: str, results: Sequence[Result], *, peer: str) -> None:
    """Print a table: what, ours, the peer's, the ratio in the direction of the bound, the bound and whether it held."""
    rows = [("", "ours", peer, "ratio", "bound", "")]
    rows += [
        (
            result.name,
            _amount(result.ours, result.unit),
            "" if result.peer is None else _amount(result.peer, result.unit),
            _ratio(result),
            result.bound.told() if result.bound else "",
            _verdict(result),
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(title)
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())


def _amount(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 3
    return f"{value:,.{digits}f} {unit}"


def _ratio(result: Result) -> str:
    if not result.peer or not result.ours:
        return ""
    if isinstance(result.bound, TimesBetter):
        return f"{result.peer / result.ours:,.1f} × better"
    return f"{result.ours / result.peer:.2f} × peer"


def _verdict(result: Result) -> str:
    held = result.bound.held(result.ours, result.peer) if result.bound else None
    return "" if held is None else "held" if held else "NOT HELD"

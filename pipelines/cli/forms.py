"""How values look on a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from pipelines.cli.door import out

_DAY: Final = 86_400
_NOTHING: Final = "[dim]—[/]"


def table(*columns: str, loose: int = 1) -> Table:
    """Return an empty table in the one style of the command line; only the last `loose` columns break their lines."""
    made = Table(box=None, header_style="dim", pad_edge=False)
    for place, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=place < len(columns) - loose)
    return made


def few(names: Sequence[str], most: int = 2) -> str:
    """Return the first names and how many more there are; a dash for none."""
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more or _NOTHING


def number(value: float | None) -> str:
    """Return a metric's value with four digits, a dash for none."""
    return _NOTHING if value is None else f"{value:.4f}"


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{value:.1%}"


def moment(at: float | None) -> str:
    """Return a moment to the minute, in UTC."""
    from loopwright.clock import isoformat  # noqa: PLC0415 - loopwright brings numpy

    return _NOTHING if at is None else isoformat(float(round(at)))[:16].replace("T", " ")


def date(at: float | None) -> str:
    """Return a moment's day, in UTC."""
    return _NOTHING if at is None else moment(at)[:10]


def ago(seconds: float) -> str:
    """Return an age in the largest unit that says something."""
    for unit, size in (("days", _DAY), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def print_json(value: object) -> None:
    """Print any value of ours as indented JSON."""
    import msgspec  # noqa: PLC0415

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    out.print(text, markup=False, highlight=False, soft_wrap=True)

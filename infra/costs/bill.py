"""The words of a bill: prices, the work that is paid for, and what it comes to."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from infra.limits import Cloud

PRICES: Final = Path(__file__).with_name("prices.toml")

THOUSAND: Final = 1_000
MILLION: Final = 1_000_000
MONTH: Final = timedelta(days=30)

QUIET: Final[Mapping[str, float]] = {"monitor": 1.5, "materialize": 0.6, "collect": 0.2}
"""Seconds that a scheduled call takes when there is nothing new."""

IMAGE_GIGABYTES: Final = 0.9

Prices = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a million predictions are, in work.

    Attributes:
        predict_milliseconds: that one call of one row is billed for.
        record_bytes: of one prediction in the log.
        records_in_batch: that one call of `collect` writes, as one file.
        collect_seconds: that such a call is billed for.
        log_bytes: that a call of `predict` writes to the provider's log, with its measurements.
        labels: for every prediction.
        views: that are looked up for one prediction.
    """

    predict_milliseconds: float = 8.0
    record_bytes: int = 400
    records_in_batch: int = 500
    collect_seconds: float = 2.0
    log_bytes: int = 700
    labels: float = 1.0
    views: int = 2


@dataclass(frozen=True, slots=True)
class Logging:
    """What a run is that a notebook logs, in work: one fit with autolog, and its model registered.

    Attributes:
        calls: of its client, one for each file among them.
        milliseconds: that one of them is billed for.
        reads: of items.
        writes: of items of a kilobyte; one in a transaction counts twice.
        files: of its artifacts ...
        file_bytes: ... and what all of them have together.
        log_bytes: that a call writes to the provider's log, with its measurements.
    """

    calls: int = 30
    milliseconds: float = 15.0
    reads: int = 60
    writes: int = 60
    files: int = 9
    file_bytes: int = 1_000_000
    log_bytes: int = 500


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a bill: what for, and US dollars."""

    what: str
    dollars: float


def read_prices(provider: Cloud, path: Path = PRICES) -> tuple[Prices, str]:
    """Return a provider's prices by service, and which they are: their date and region."""
    table = tomllib.loads(path.read_text("utf-8"))[provider]
    told = f"{table.pop('as_of')}, {table.pop('region')}"
    return table, told


def table(title: str, costs: Sequence[Cost]) -> Iterator[str]:
    """Yield the lines of a Markdown table with a sum."""
    yield f"| {title} | US$ |"
    yield "|---|---:|"
    yield from (f"| {cost.what} | {cost.dollars:.2f} |" for cost in costs)
    yield f"| **in all** | **{sum(cost.dollars for cost in costs):.2f}** |"

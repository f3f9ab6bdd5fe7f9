"""What a stack of the example project costs on each provider, as tables for the README."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from infra.config import read_config
from infra.costs import aws, gcp
from infra.costs.bill import Logging, Work, read_prices, table
from infra.limits import Cloud
from infra.plan import plan
from infra.spec import StackSpec
from loopwright.definitions.project import load_project

BILLS: Final[Mapping[Cloud, ModuleType]] = {"aws": aws, "gcp": gcp}

_USUAL: Final = Work()
_RUN: Final = Logging()
_NAMES: Final[Mapping[Cloud, str]] = {"aws": "AWS", "gcp": "Google Cloud"}


def told(spec: StackSpec, work: Work = _USUAL, run: Logging = _RUN) -> Iterator[str]:
    """Yield the tables in Markdown; that of runs only where they are tracked."""
    provider = spec.config.provider
    (prices, which), bill = read_prices(provider), BILLS[provider]
    yield f"At {_NAMES[provider]}'s list prices of {which}, without its free tier, with the default configuration:"
    yield ""
    yield from table("a month in which nobody asks", bill.idle(spec, prices))
    yield ""
    yield from table("a million predictions, one row each", bill.million(spec, prices, work))
    if spec.config.tracking:
        yield ""
        yield from table("a thousand runs of notebooks, each with a model", bill.thousand(spec, prices, run))


class _Defaults:
    """A configuration in which nothing is set but the provider."""

    def __init__(self, provider: Cloud) -> None:
        self._provider = provider

    def get(self, key: str) -> str | None:
        return self._provider if key == "provider" else None


def default_spec(root: Path, provider: Cloud = "aws") -> StackSpec:
    """Return the plan of the example project with the default configuration."""
    config = read_config(_Defaults(provider), stack="dev", root=root)
    return plan(load_project(config.folder), config)

"""A registry in a fresh world whose clock the test moves."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from adapters import open_platform
from loopwright.gate import Finding, Verdict
from loopwright.ports import Platform
from loopwright.registry import DatasetPin, Lineage, NewVersion, Registry
from loopwright.settings import Settings

PASSED = Verdict(passed=True, reasons=(Finding("rows", passed=True, wanted="500", got="900"),), rows=900)
LINEAGE = Lineage(
    code_commit="4f2c",
    code_dirty=True,
    code_digest="sha256:code",
    datasets=(DatasetPin("flights", 7, "sha256:rows"), DatasetPin("weather", 3, "sha256:sky")),
    parameters={"depth": 3, "rate": 0.1, "kind": "forest", "balanced": True},
    environment_digest="sha256:lock",
)

NewVersionOf = Callable[..., NewVersion]


class Hand:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = open_platform(Settings(provider="memory"))
    yield platform
    platform.close()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def registry(platform: Platform, clock: Hand) -> Registry:
    ids = count(1)
    return Registry(platform.table, clock=clock, new_id=lambda: f"id{next(ids)}")


@pytest.fixture
def new() -> NewVersionOf:
    """Return a function that describes the version of a run, with a passed verdict unless told otherwise."""

    def make(run_id: str, *, verdict: Verdict | None = PASSED, digest: str = "") -> NewVersion:
        return NewVersion(
            model="delays",
            run_id=run_id,
            source=f"runs/{run_id}/artifacts/model",
            digest=digest or f"sha256:{run_id}",
            features_digest="sha256:features",
            lineage=LINEAGE,
            metrics={"roc_auc": 0.71},
            tags={"team": "ops"},
            verdict=verdict,
        )

    return make


@pytest.fixture
def three(registry: Registry, new: NewVersionOf) -> Registry:
    """Return the registry with versions 1 to 3 of `delays`, all of which passed the gate."""
    for number in (1, 2, 3):
        registry.register(new(f"run{number}"))
    return registry

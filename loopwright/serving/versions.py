"""Which versions of a model answer now: the registry's routing, and the scorers that it names, kept in memory.

A version that cannot be loaded (tampered with, trained with other features, gone) never takes over: whatever was
loaded for its role before goes on answering, and `Serving.problems` says so until the registry names a version that
loads. Without anything loaded before, its error is raised.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from loopwright.definitions import Model
from loopwright.definitions.project import features_digest
from loopwright.errors import (
    CapabilityError,
    DefinitionError,
    GateRefusedError,
    IntegrityError,
    LoopwrightError,
    NotFoundError,
    UnavailableError,
)
from loopwright.models import Scorer, load_scorer
from loopwright.ports import Blobs
from loopwright.registry import Registry, Routing, expect_package

_BROKEN = (CapabilityError, DefinitionError, GateRefusedError, IntegrityError, NotFoundError)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in memory."""

    version: int
    scorer: Scorer


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers for a model.

    Attributes:
        routing: what the registry said.
        champion: answers, unless the canary does.
        canary: answers a share `weight` of the predictions.
        weight: see there.
        shadows: score along; nobody sees their answers.
        problems: what the registry names and cannot be served, and why.
        read: when the registry was read, by the timer.
    """

    routing: Routing
    champion: Loaded
    canary: Loaded | None
    weight: float
    shadows: tuple[Loaded, ...]
    problems: tuple[str, ...]
    read: float


class Versions:
    """The versions that answer, read from the registry again when they are older than `refresh` seconds."""

    def __init__(self, registry: Registry, blobs: Blobs, *, refresh: float, timer: Callable[[], float]) -> None:
        self._registry = registry
        self._blobs = blobs
        self._refresh = refresh
        self._timer = timer
        self._serving: dict[str, Serving] = {}
        self._lock = threading.Lock()

    def current(self, model: Model) -> Serving:
        """Return what answers for the model.

        Raises:
            UnavailableError: there is no champion yet.
            IntegrityError, DefinitionError, CapabilityError, NotFoundError: the champion cannot be loaded, nor is
                there one from before.
        """
        serving = self._serving.get(model.name)
        if serving is not None and self._timer() - serving.read < self._refresh:
            return serving
        return self.refresh(model)

    def refresh(self, model: Model) -> Serving:
        """Read the registry now, load what is new, and return what answers from here on; raises as `current` does."""
        with self._lock:
            before = self._serving.get(model.name)
            try:
                routing = self._registry.routing(model.name)
            except UnavailableError as error:
                if before is None:
                    raise
                after = replace(before, problems=(f"the registry does not answer: {error}",), read=self._timer())
            else:
                after = self._load(model, routing, before)
            self._serving[model.name] = after
            return after

    def _load(self, model: Model, routing: Routing, before: Serving | None) -> Serving:
        if before is not None and before.routing == routing and not before.problems:
            return replace(before, read=self._timer())
        problems: list[str] = []
        known = {} if before is None else {one.version: one for one in _all(before)}
        champion = self._champion(model, routing, before, known, problems)
        canary = self._other(model, routing.canary.version, known, problems) if routing.canary else None
        shadows = [self._other(model, version, known, problems) for version in routing.shadows]
        return Serving(
            routing,
            champion,
            canary,
            routing.canary.weight if routing.canary else 0.0,
            tuple(one for one in shadows if one is not None),
            tuple(problems),
            self._timer(),
        )

    def _champion(
        self, model: Model, routing: Routing, before: Serving | None, known: dict[int, Loaded], problems: list[str]
    ) -> Loaded:
        if routing.champion is None:
            raise UnavailableError(
                f"model {model.name} has no champion yet: train it with `loopwright train --model {model.name}`"
            )
        try:
            return known.get(routing.champion) or self._loaded(model, routing.champion)
        except _BROKEN as error:
            if before is None:
                raise
            problems.append(f"champion {routing.champion} is not served, {before.champion.version} is: {error}")
            return before.champion

    def _other(self, model: Model, version: int, known: dict[int, Loaded], problems: list[str]) -> Loaded | None:
        try:
            return known.get(version) or self._loaded(model, version)
        except LoopwrightError as error:
            problems.append(f"version {version} is left out: {error}")
            return None

    def _loaded(self, model: Model, number: int) -> Loaded:
        version = expect_package(self._registry.version(model.name, number))
        ours = features_digest(model)
        if version.features_digest != ours:
            raise DefinitionError(
                f"model {model.name} version {number} was trained with features {version.features_digest}, the "
                f"project defines {ours}: deploy the definitions it was trained with, or train again"
            )
        return Loaded(number, load_scorer(self._blobs, version.source, version.digest))


def _all(serving: Serving) -> tuple[Loaded, ...]:
    canary = (serving.canary,) if serving.canary else ()
    return (serving.champion, *canary, *serving.shadows)

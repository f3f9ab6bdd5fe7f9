"""From what a request tells to what holds there: of which experiment or registered model it is, and who may do what.

What a project's `access` says is about names, and requests are mostly about identities: an experiment's name is
remembered for half a minute, and a run's experiment, which never changes, for good. So it costs a request one read or
none.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, assert_never

from functions.tracking.needs import Of
from functions.tracking.places import owner_of_path, owner_of_source
from loopwright.definitions.access import Access, Rule

_FRESH: Final = 30.0
"""Seconds for which an experiment's name is remembered: for so long a renamed one is judged by its former name."""

_REMEMBERED: Final = 10_000


class Homes(Protocol):
    """Says where things belong."""

    def experiment_name(self, experiment_id: str) -> str:
        """Return an experiment's name, or raise `NotFoundError`."""
        ...

    def of_run(self, run_id: str) -> str:
        """Return the identity of a run's experiment, or raise `NotFoundError`."""
        ...

    def of_logged_model(self, model_id: str) -> str:
        """Return the identity of a logged model's experiment, or raise `NotFoundError`."""
        ...

    def aliases(self, model: str, version: str) -> Sequence[str]:
        """Return the aliases that lead to a version of a registered model; empty `version`: all of the model's."""
        ...

    def source(self, model: str, version: str) -> str:
        """Return where a version's files come from; empty: it has its own, or there is no such version."""
        ...


class Rules:
    """Finds what a project's access says of things."""

    def __init__(self, access: Access, homes: Homes, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.access = access
        self.homes = homes
        self._timer = timer
        self._names: dict[str, tuple[str, float]] = {}

    def of(self, what: Of, value: str) -> Iterator[Rule]:
        """Yield all that holds for what a value tells; nothing, where it tells of nothing that is kept here.

        Raises:
            NotFoundError: there is no such thing.
            InvalidInputError: it is a path that leads elsewhere.
        """
        match what:
            case "experiment name":
                yield self.access.experiment(value)
            case "model":
                yield self.access.model(value)
            case "experiment":
                yield self.access.experiment(self._name(value))
            case "run":
                yield from self.of("experiment", self.homes.of_run(value))
            case "logged model":
                yield from self.of("experiment", self.homes.of_logged_model(value))
            case "version":
                yield from self._of_version(value)
            case "artifact":
                yield from self.of(*owner_of_path(value))
            case "source":
                owner = owner_of_source(value)
                yield from self.of(*owner) if owner else ()
            case _:
                assert_never(what)

    def _of_version(self, value: str) -> Iterator[Rule]:
        """Yield what holds for a version's files: they are the model's, and those of what they come from."""
        model, _, version = value.rpartition("/")
        yield from self.of("model", model)
        source = self.homes.source(model, version)
        if source:
            yield from self.of("source", source)

    def _name(self, experiment_id: str) -> str:
        name, until = self._names.get(experiment_id, ("", 0.0))
        now = self._timer()
        if now >= until:
            name = self.homes.experiment_name(experiment_id)
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[experiment_id] = (name, now + _FRESH)
        return name

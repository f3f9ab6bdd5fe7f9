"""Where runs and logged models belong, as tracking knows it."""

from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from functions.tracking.rules import Homes
from loopwright.errors import NotFoundError
from loopwright.registry import Registry
from loopwright.tracking import LoggedModels, Tracking

_REMEMBERED: Final = 10_000
"""Of so many logged models it is remembered where they belong, which never changes."""


class TrackedHomes(Homes):
    """Asks tracking."""

    def __init__(self, tracking: Tracking, models: LoggedModels, registry: Registry) -> None:
        self._tracking = tracking
        self._models = models
        self._registry = registry
        self._of_models: dict[str, str] = {}

    @override
    def experiment_name(self, experiment_id: str) -> str:
        return self._tracking.experiment(experiment_id).name

    @override
    def of_run(self, run_id: str) -> str:
        return self._tracking.experiment_of(run_id)

    @override
    def of_logged_model(self, model_id: str) -> str:
        known = self._of_models.get(model_id)
        if known is None:
            known = self._models.home(model_id)
            if len(self._of_models) >= _REMEMBERED:
                self._of_models.clear()
            self._of_models[model_id] = known
        return known

    @override
    def aliases(self, model: str, version: str) -> Sequence[str]:
        led = self._registry.routing(model).aliases
        try:
            # What is written in another way is the same version.
            wanted = int(version)
        except ValueError:
            return list(led)
        return [alias for alias, number in led.items() if number == wanted]

    @override
    def source(self, model: str, version: str) -> str:
        try:
            found = self._registry.version(model, int(version))
        except (ValueError, NotFoundError):
            return ""
        return "" if found.packaged else found.location or found.source

"""Where runs and logged models belong, as tracking knows it."""

from typing_extensions import override

from functions.tracking.permits import Homes
from loopwright.tracking import LoggedModels, Tracking


class TrackedHomes(Homes):
    """Asks tracking."""

    def __init__(self, tracking: Tracking, models: LoggedModels) -> None:
        self._tracking = tracking
        self._models = models

    @override
    def experiment_name(self, experiment_id: str) -> str:
        return self._tracking.experiment(experiment_id).name

    @override
    def of_run(self, run_id: str) -> str:
        return self._tracking.experiment_of(run_id)

    @override
    def of_logged_model(self, model_id: str) -> str:
        return self._models.home(model_id)

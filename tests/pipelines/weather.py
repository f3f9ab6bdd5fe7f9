"""A platform with two months of the rain project's cases and readings."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from loopwright import Project
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.tracking import Tracking
from pipelines.steps import Progress, silent
from pipelines.train import train
from pipelines.training.course import TrainOutcome

FOLDER = Path(__file__).parent / "rain"
AT = 1_362_096_000.0
"""2013-03-01, after the last case."""
DAYS = 58


@dataclass(frozen=True)
class World:
    platform: Platform
    project: Project
    rain: ModuleType

    def fill(self) -> "World":
        self.platform.lake.append("observations", self.rain.past_cases(DAYS))
        self.platform.lake.append("pressure", self.rain.barometer(DAYS))
        return self

    @property
    def tracking(self) -> Tracking:
        platform = self.platform
        return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)

    @property
    def registry(self) -> Registry:
        return Registry(self.platform.table, clock=self.platform.clock, new_id=self.platform.new_id)

    def train(
        self,
        project: Project | None = None,
        *,
        at: float = AT,
        parameters: dict[str, float | int | str | bool] | None = None,
        progress: Progress = silent,
    ) -> TrainOutcome:
        return train(
            self.platform,
            project or self.project,
            "rain",
            reason="a test",
            at=at,
            who="tester",
            parameters=parameters,
            progress=progress,
        )

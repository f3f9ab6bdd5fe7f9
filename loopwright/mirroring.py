"""What a mirror is told: versions that aliases lead to, and runs. It is told what is, not what has changed.

So an event only says what to look at again; one that comes twice, late or in another order does no harm.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from loopwright.definitions import Project
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.ports.mirror import Mirror, MirroredRun, MirroredState, MirroredVersion
from loopwright.registry import ModelVersion, Registry
from loopwright.settings import MIRROR_SUBSCRIPTIONS
from loopwright.tracking import Tracking
from loopwright.tracking.values import RunStatus

_STATES: Final[Mapping[RunStatus, MirroredState]] = {
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "killed",
}


class Mirroring:
    """Reads the registry and the tracking of one platform, and tells its mirror."""

    def __init__(self, platform: Platform, mirror: Mirror) -> None:
        self._mirror = mirror
        self._registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
        self._tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)

    def hear(self, event: Event) -> None:
        """Look again at what an event is about.

        Raises:
            InvalidInputError: it is about neither versions nor runs.
            CapabilityError, DeniedError, UnavailableError: the mirror could not be told.
        """
        if not any(event.type.startswith(one.prefix) for one in MIRROR_SUBSCRIPTIONS):
            raise InvalidInputError(f"an event of type {event.type} is not about versions or runs")
        self.model(event.subject)
        if run_id := event.data.get("run_id"):
            self.run(event.subject, str(run_id))

    def everything(self, project: Project) -> int:
        """Tell of all models of a project, with the runs of the versions that aliases lead to; return how many."""
        return sum(self.model(model.name) for model in project.models)

    def model(self, model: str) -> int:
        """Tell of the versions that the model's aliases lead to, and of the runs that made them; return how many."""
        aliases = self._registry.routing(model).aliases
        named = [self._registry.version(model, number) for number in sorted(set(aliases.values()))]
        # A notebook's model has no package that could be shown.
        versions = [one for one in named if one.packaged]
        self._mirror.show_versions(
            model,
            [_version(one, (alias for alias, number in aliases.items() if number == one.version)) for one in versions],
        )
        for one in versions:
            if one.run_id:
                self.run(model, one.run_id)
        return len(versions)

    def run(self, model: str, run_id: str) -> None:
        """Tell of a run; one that is not known any more is nothing to tell of."""
        try:
            run = self._tracking.run(run_id)
        except NotFoundError:
            return
        metrics = {one.key: one.value for one in run.metrics.values() if math.isfinite(one.value)}
        self._mirror.show_run(MirroredRun(run.id, model, _STATES[run.status], dict(run.params), metrics))


def _version(one: ModelVersion, aliases: Iterable[str]) -> MirroredVersion:
    lineage = {
        "commit": one.lineage.code_commit,
        "dirty": str(one.lineage.code_dirty).lower(),
        "code": one.lineage.code_digest,
        "environment": one.lineage.environment_digest,
        "features": one.features_digest,
        "digest": one.digest,
        **{f"data-{pin.table}": f"{pin.version}-{pin.digest}" for pin in one.lineage.datasets},
    }
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in sorted(one.metrics.items()))
    return MirroredVersion(
        one.version,
        one.run_id,
        one.source,
        tuple(sorted(aliases)),
        {name: value for name, value in lineage.items() if value},
        f"version {one.version} of {one.model}" + (f": {metrics}" if metrics else ""),
    )

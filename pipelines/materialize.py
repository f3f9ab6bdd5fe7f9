"""The materialization flow: every feature view brought online, then the lake put in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from loopwright.definitions.project import Project
from loopwright.features.materialize import Materialized, materialize
from loopwright.housekeeping import maintain
from loopwright.ports import Platform
from loopwright.ports.lake import Maintenance


@dataclass(frozen=True, slots=True)
class Flow:
    """What a run of the flow did, by view and by lake table."""

    views: tuple[Materialized, ...]
    tables: Mapping[str, Maintenance]


def materialize_views(platform: Platform, project: Project, *, at: float) -> tuple[Materialized, ...]:
    """Bring what changed in the sources of the project's views, and is known at a moment, into the online table.

    Raises:
        InvalidInputError: a source no longer fits its view; the views before it are done.
        UnavailableError, ConflictError: the next run takes up where this one stopped.
    """
    return tuple(materialize(platform, view, now=at) for view in project.views)


def materialize_and_maintain(platform: Platform, project: Project, *, at: float) -> Flow:
    """Bring the views online, then compact the lake's tables and expire what no run needs; raises as its parts do."""
    return Flow(materialize_views(platform, project, at=at), maintain(platform, project))

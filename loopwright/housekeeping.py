"""The lake kept in order: small files compacted, versions that nobody needs any more expired."""

from collections import defaultdict
from collections.abc import Mapping

from loopwright.definitions.project import Project
from loopwright.features.materialize import version_needed
from loopwright.monitoring import Monitor
from loopwright.ports import Platform
from loopwright.ports.lake import Maintenance
from loopwright.registry import Registry
from loopwright.tracking import Tracking


def maintain(
    platform: Platform, project: Project, *, pinned: Mapping[str, frozenset[int]] | None = None
) -> dict[str, Maintenance]:
    """Compact every table of the lake and expire old versions; return by table what was done.

    The newest version stays, and so do those younger than the project's retention, those in `pinned` (None: what
    `pinned_versions` says), so that every run can be reproduced, and all since the version that monitoring or
    materializing has come to, so that they can go on: a model that is never monitored any more keeps its log's files.
    May be repeated, and interrupted, at will.

    Raises:
        UnavailableError: a table could not be put in order; those before it were.
    """
    kept = pinned_versions(platform) if pinned is None else pinned
    awaited = awaited_versions(platform, project)
    keep_seconds = project.retention.total_seconds()
    return {
        table: platform.lake.maintain(
            table,
            keep_seconds=keep_seconds,
            keep_versions=sorted(kept.get(table, ())),
            keep_since=awaited.get(table),
        )
        for table in platform.lake.tables()
    }


def awaited_versions(platform: Platform, project: Project) -> dict[str, int]:
    """Return by lake table the version after which monitoring or materializing has not read everything yet."""
    needed: dict[str, list[int]] = defaultdict(list)
    monitor = Monitor(platform, project)
    for model in project.models:
        for table, version in monitor.versions_needed(model.name).items():
            needed[table].append(version)
    for view in project.views:
        seen = version_needed(platform, view)
        if seen is not None:
            needed[view.source].append(seen)
    return {table: min(versions) for table, versions in needed.items()}


def pinned_versions(platform: Platform) -> dict[str, frozenset[int]]:
    """Return by lake table the versions that a run which is not deleted, or a model's version, has read."""
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    pinned: dict[str, set[int]] = defaultdict(set)
    for experiment in tracking.experiments():
        for run in tracking.runs(experiment.id):
            for dataset in run.inputs:
                if dataset.version is not None:
                    pinned[dataset.name].add(dataset.version)
    for model in registry.models():
        for version in registry.versions(model.name):
            for pin in version.lineage.datasets:
                pinned[pin.table].add(pin.version)
    return {table: frozenset(versions) for table, versions in pinned.items()}

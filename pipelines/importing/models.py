"""Logged models and registered models on their way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loopwright.errors import ConflictError, GateRefusedError, InvalidInputError
from loopwright.ports import Platform
from loopwright.registry import ARCHIVED, CHAMPION, ModelVersion, RegisteredModel
from loopwright.registry.arrivals import Arrivals as RegistryArrivals
from loopwright.registry.values import UNTRACED
from loopwright.tracking import Experiment, LoggedModel, LoggedModels
from loopwright.tracking.arrivals import Arrivals
from loopwright.tracking.artifact_paths import model_artifact_root
from loopwright.tracking.locations import model_location, run_location
from loopwright.tracking.logged_model import ModelMetric, ModelStatus
from pipelines.importing.files import bring_files
from pipelines.importing.shapes import LoggedShape, Pair, Point, RegisteredShape, VersionShape
from pipelines.importing.source import Source

_STATUS: Final[Mapping[str, ModelStatus]] = {
    "LOGGED_MODEL_PENDING": "PENDING",
    "LOGGED_MODEL_READY": "READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "FAILED",
    "PENDING": "PENDING",
    "READY": "READY",
    "FAILED": "FAILED",
    "1": "PENDING",
    "2": "READY",
    "3": "FAILED",
}


@dataclass(slots=True)
class Moved:
    """Where files were and where they are now: the beginnings of places."""

    places: dict[str, str] = field(default_factory=dict)

    def note(self, before: str, now: str) -> None:
        """Say that what was under one URI is under another."""
        if before and before != now:
            self.places[before.rstrip("/")] = now

    def of(self, source: str) -> str:
        """Return where a version's files are now."""
        head, rest = source.rstrip("/"), ""
        while head:
            if head in self.places:
                return f"{self.places[head]}{rest}"
            head, slash, last = head.rpartition("/")
            rest = f"{slash}{last}{rest}"
        return source


def bring_logged_model(
    platform: Platform, source: Source, one: LoggedShape, experiment: Experiment, *, artifacts: bool
) -> tuple[int, int]:
    """Bring a logged model with its files, and return how many files it has, and their bytes."""
    info, data = one.info, one.data
    came = LoggedModel(
        id=info.model_id,
        experiment_id=experiment.id,
        name=info.name,
        location=model_location(experiment, info.model_id),
        model_type=info.model_type,
        source_run_id=info.source_run_id,
        status=_STATUS.get(str(info.status), "UNSPECIFIED"),
        created=info.creation_timestamp_ms / 1e3,
        updated=info.last_updated_timestamp_ms / 1e3,
        params=_pairs(data.params),
        tags=_pairs(info.tags),
        metrics=tuple(_metric(point) for point in data.metrics),
    )
    Arrivals(platform.table, clock=platform.clock, new_id=platform.new_id).logged_model(came)
    LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id).model(info.model_id)
    if not artifacts:
        return 0, 0
    return bring_files(
        platform.blobs,
        model_artifact_root(info.model_id),
        source.model_files(info.model_id),
        lambda path: source.model_file(info.model_id, path),
    )


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a registered model: its versions there, those that are here, and what could not be done."""

    there: int
    here: int
    problems: tuple[str, ...]


class RegistryBringer:
    """Brings registered models; what is here already stays as it is."""

    def __init__(self, platform: Platform, source: Source, moved: Moved, *, who: str, why: str) -> None:
        self._registry = RegistryArrivals(platform.table, clock=platform.clock, new_id=platform.new_id)
        self._source = source
        self._moved = moved
        self._who, self._why = who, why

    def bring(self, one: RegisteredShape) -> Brought:
        """Bring a model with its versions and aliases, and tell what has become of it."""
        came = RegisteredModel(
            one.name,
            one.creation_timestamp / 1e3,
            0,
            updated=one.last_updated_timestamp / 1e3,
            description=one.description or None,
            tags=_pairs(one.tags),
        )
        self._registry.bring_model(came)
        problems: list[str] = []
        versions = sorted(self._source.versions(one.name), key=lambda version: version.version)
        brought = 0
        for version in versions:
            try:
                self._registry.bring_version(self._version(version))
                brought += 1
            except (ConflictError, InvalidInputError) as error:
                problems.append(str(error))
        problems += self._aliases(one, versions)
        return Brought(len(versions), brought, tuple(problems))

    def _version(self, one: VersionShape) -> ModelVersion:
        archived = {ARCHIVED: "true"} if one.current_stage == "Archived" else {}
        return ModelVersion(
            model=one.name,
            version=one.version,
            run_id=one.run_id,
            source=self._moved.of(one.source),
            digest="",
            features_digest="",
            created=one.creation_timestamp / 1e3,
            lineage=UNTRACED,
            metrics={},
            tags={**_pairs(one.tags), **archived},
            verdict=None,
            updated=one.last_updated_timestamp / 1e3,
            description=one.description or None,
            run_link=one.run_link,
            model_id=one.model_id or _logged(one.source),
            user=one.user_id,
        )

    def _aliases(self, one: RegisteredShape, versions: Sequence[VersionShape]) -> Iterator[str]:
        """Set the aliases that nobody has here, and yield what could not be done."""
        wanted = {alias.alias: alias.version for alias in one.aliases}
        for version in versions:
            if version.current_stage == "Staging":
                wanted.setdefault("challenger", version.version)
            elif version.current_stage == "Production":
                wanted.setdefault(CHAMPION, version.version)
        here = self._registry.routing(one.name).aliases
        for alias, number in wanted.items():
            if alias in here:
                if here[alias] != number:
                    yield f"alias {alias!r} of {one.name!r} leads to version {here[alias]} here, to {number} there"
                continue
            try:
                self._registry.set_alias(one.name, alias, number, expected=None, who=self._who, why=self._why)
            except GateRefusedError:
                yield (
                    f"alias {alias!r} of {one.name!r} is set by the gate alone: `loopwright adopt {one.name} {number}` "
                    "judges that version and makes it servable"
                )
            except (ConflictError, InvalidInputError) as error:
                yield f"alias {alias!r} of {one.name!r}: {error}"


def _logged(source: str) -> str:
    """Return the logged model that a version's source names, which servers leave out beside it; empty: none."""
    name = source.removeprefix("models:/")
    return name if source != name and name.startswith("m-") and "/" not in name else ""


def note_run(moved: Moved, experiment: Experiment, run_id: str, artifact_uri: str) -> None:
    """Say where a run's files were."""
    moved.note(artifact_uri, run_location(experiment, run_id))


def note_model(moved: Moved, experiment: Experiment, one: LoggedShape) -> None:
    """Say where a logged model's files were."""
    moved.note(one.info.artifact_uri, model_location(experiment, one.info.model_id))


def _metric(one: Point) -> ModelMetric:
    return ModelMetric(
        one.key,
        float(one.value),
        one.timestamp / 1e3,
        one.step,
        one.run_id,
        one.dataset_name,
        one.dataset_digest,
    )


def _pairs(pairs: Sequence[Pair]) -> dict[str, str]:
    return {one.key: one.value for one in pairs}

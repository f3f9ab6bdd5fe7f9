"""A run on its way: written with its identity and moments, read back, and compared with what was told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

import msgspec

from loopwright.errors import IntegrityError, InvalidInputError
from loopwright.hashing import digest
from loopwright.ports import Platform
from loopwright.tracking import DatasetInput, Metric, Run, Tracking
from loopwright.tracking.artifact_paths import artifact_root
from loopwright.tracking.values import ENDED, RUN_NAME_TAG, RunStatus
from pipelines.importing.files import bring_files
from pipelines.importing.ledger import Counts
from pipelines.importing.shapes import DatasetUse, Pair, Point, RunShape
from pipelines.importing.source import Source

CONTEXT_TAG: Final = "mlflow.data.context"
"""The tag of an input that says what it was read for."""

_POINTS: Final = 1_000
_PARAMS: Final = 100
_TAGS: Final = 100
_MANY: Final = 100
"""A metric of so many points gets chunks of its own, so that its history is read without the others'."""

T = TypeVar("T")


def told_of(run: RunShape) -> str:
    """Return the digest of a run as the server tells it."""
    return digest(msgspec.json.encode(run))


class RunBringer:
    """Brings runs into one platform; safe in several threads, for each of which a run is its own."""

    def __init__(self, platform: Platform, source: Source, *, artifacts: bool) -> None:
        self._platform = platform
        self._source = source
        self._artifacts = artifacts
        self._tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)

    def bring(self, run: RunShape, experiment_id: str) -> Counts:
        """Bring a run into an experiment that lives, and return what is here of it. The same again adds nothing.

        Raises:
            IntegrityError: what is here then is not what was told.
            InvalidInputError: something is not what is kept here.
            ConflictError: another run has its identity.
        """
        info = run.info
        tags = _pairs(run.data.tags)
        name = info.run_name or tags.get(RUN_NAME_TAG, info.run_id[:8])
        here = self._tracking.create_run(
            experiment_id,
            name=name,
            tags=tags,
            run_id=info.run_id,
            started=info.start_time / 1e3,
            user=info.user_id,
        )
        if here.deleted is not None:
            self._tracking.restore_run(info.run_id)
        histories = {key: self._points(info.run_id, key) for key in sorted({one.key for one in run.data.metrics})}
        self._log(run, here, tags, histories)
        self._tracking.amend_run(info.run_id, status=_status(info.status), name=name, ended=_ended(run))
        if info.lifecycle_stage == "deleted":
            self._tracking.delete_run(info.run_id)
        counts = self._files(info.run_id)
        return counts + self._verified(run, name, histories)

    def _points(self, run_id: str, key: str) -> list[Metric]:
        """Return every point of a metric at the server, each once."""
        found = (_metric(one, key) for one in self._source.history(run_id, key))
        return list({repr(one): one for one in found}.values())

    def _log(self, run: RunShape, here: Run, tags: Mapping[str, str], histories: Mapping[str, list[Metric]]) -> None:
        run_id, tracking = run.info.run_id, self._tracking
        for some in _batched(((key, value) for key, value in tags.items() if here.tags.get(key) != value), _TAGS):
            tracking.log_batch(run_id, tags=dict(some))
        params = _pairs(run.data.params)
        for few in _batched(((key, value) for key, value in params.items() if key not in here.params), _PARAMS):
            tracking.log_batch(run_id, params=dict(few))
        missing = {key: self._missing(run_id, here, key, points) for key, points in histories.items()}
        for batch in _batches(missing):
            tracking.log_batch(run_id, metrics=batch)
        if run.inputs.dataset_inputs or run.inputs.model_inputs:
            models = [one.model_id for one in run.inputs.model_inputs]
            tracking.log_inputs(run_id, [_dataset(one) for one in run.inputs.dataset_inputs], models=models)
        if run.outputs.model_outputs:
            tracking.log_outputs(run_id, {one.model_id: one.step for one in run.outputs.model_outputs})

    def _missing(self, run_id: str, here: Run, key: str, points: list[Metric]) -> list[Metric]:
        known = {repr(one) for one in self._tracking.metric_history(run_id, key)} if key in here.metrics else set()
        return [one for one in points if repr(one) not in known]

    def _files(self, run_id: str) -> Counts:
        if not self._artifacts:
            return Counts()
        files, size = bring_files(
            self._platform.blobs,
            artifact_root(run_id),
            self._source.run_files(run_id),
            lambda path: self._source.run_file(run_id, path),
        )
        return Counts(files=files, bytes=size)

    def _verified(self, run: RunShape, name: str, histories: Mapping[str, list[Metric]]) -> Counts:
        """Read the run back and return its counts, or raise `IntegrityError` that names what differs."""
        info = run.info
        here = self._tracking.run(info.run_id)
        tags = {**_pairs(run.data.tags), RUN_NAME_TAG: name}
        params = _pairs(run.data.params)
        lost = {key: len(self._missing(info.run_id, here, key, points)) for key, points in histories.items()}
        read = {(one.name, one.digest) for one in here.inputs}
        wanted: Sequence[tuple[str, object, object]] = (
            ("status", _status(info.status), here.status),
            ("start", info.start_time, round(here.started * 1e3)),
            ("end", info.end_time or None, None if here.ended is None else round(here.ended * 1e3)),
            ("deleted", info.lifecycle_stage == "deleted", here.deleted is not None),
            ("params", params, {key: here.params.get(key) for key in params}),
            ("tags", tags, {key: here.tags.get(key) for key in tags}),
            ("points that are not here", {}, {key: count for key, count in lost.items() if count}),
            ("data sets that are not here", set(), {_named(one) for one in run.inputs.dataset_inputs} - read),
        )
        if differing := [f"{what} {there!r} became {now!r}" for what, there, now in wanted if there != now]:
            raise IntegrityError(f"run {info.run_id} is not here as it is there: {'; '.join(differing)[:1_000]}")
        points = sum(len(one) for one in histories.values())
        return Counts(1, points, len(params), len(tags), len(run.inputs.dataset_inputs))


def _metric(one: Point, key: str) -> Metric:
    return Metric(key, float(one.value), one.timestamp / 1e3, one.step)


def _pairs(pairs: Sequence[Pair]) -> dict[str, str]:
    return {one.key: one.value for one in pairs}


def _status(text: str) -> RunStatus:
    known: tuple[RunStatus, ...] = ("RUNNING", "SCHEDULED", *sorted(ENDED))
    for one in known:
        if one == text:
            return one
    raise InvalidInputError(f"a run has the status {text!r}, which is none of {', '.join(known)}")


def _ended(run: RunShape) -> float | None:
    return run.info.end_time / 1e3 if run.info.end_time else None


def _batched(things: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    remaining = iter(things)
    while batch := tuple(islice(remaining, size)):
        yield batch


def _batches(missing: Mapping[str, list[Metric]]) -> Iterator[list[Metric]]:
    """Yield points in batches; of metrics that have many, each by itself."""
    for points in missing.values():
        if len(points) >= _MANY:
            yield from (list(some) for some in _batched(points, _POINTS))
    few = [point for points in missing.values() if len(points) < _MANY for point in points]
    yield from (list(some) for some in _batched(few, _POINTS))


def _dataset(use: DatasetUse) -> DatasetInput:
    tags = _pairs(use.tags)
    context = tags.pop(CONTEXT_TAG, "")
    one = use.dataset
    return DatasetInput(
        one.name,
        one.digest,
        one.source,
        context=context,
        source_type=one.source_type,
        tags=tags,
        schema=one.schema,
        profile=one.profile,
    )


def _named(use: DatasetUse) -> tuple[str, str]:
    return use.dataset.name, use.dataset.digest

"""MLflow's calls that log to a run: metrics, params, tags, and the old call about models."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.requests import Route, acting
from functions.tracking.runs import OfRun
from functions.tracking.shapes import Int64, Text
from loopwright.errors import InvalidInputError
from loopwright.tracking import LoggedModels, Metric, ModelMetric, Tracking
from loopwright.tracking.limits import PARAM_LENGTH, TAG_LENGTH

_MODELS_TAG: Final = "mlflow.log-model.history"
_TOLD_OF_MODELS: Final = ("run_id", "artifact_path", "utc_time_created", "model_uuid")


class _Point(msgspec.Struct):
    key: Text
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class _LogMetric(OfRun, kw_only=True):
    key: Text
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class _Entry(msgspec.Struct):
    key: Text
    value: str = ""


class _Batch(msgspec.Struct):
    run_id: Text
    metrics: list[_Point] = []
    params: list[_Entry] = []
    tags: list[_Entry] = []


class _LogEntry(OfRun, kw_only=True):
    key: Text
    value: str = ""


class _DeleteTag(msgspec.Struct):
    run_id: Text
    key: Text


class _LogModel(msgspec.Struct):
    run_id: Text
    model_json: Text


class _Model(msgspec.Struct):
    run_id: str
    artifact_path: str
    utc_time_created: str
    flavors: dict[str, object]
    model_uuid: str = ""


def routes(tracking: Tracking, models: LoggedModels) -> Sequence[Route]:
    """Return the calls."""
    area = "2.0/mlflow/runs"
    return [*_of_batches(tracking, models, area), *_of_entries(tracking, area)]


def _of_batches(tracking: Tracking, models: LoggedModels, area: str) -> Sequence[Route]:
    def log_metric(asked: _LogMetric) -> object:
        _log_points(tracking, models, asked.run, [asked])
        return {}

    def log_batch(asked: _Batch) -> object:
        params = {one.key: one.value[:PARAM_LENGTH] for one in asked.params}
        if len(params) < len(asked.params):
            raise InvalidInputError("two of the params have the same key: log each once")
        tags = {one.key: one.value[:TAG_LENGTH] for one in asked.tags}
        _log_points(tracking, models, asked.run_id, asked.metrics, params=params, tags=tags)
        return {}

    return [
        Route("POST", f"{area}/log-metric", acting(_LogMetric, log_metric)),
        Route("POST", f"{area}/log-batch", acting(_Batch, log_batch)),
    ]


def _of_entries(tracking: Tracking, area: str) -> Sequence[Route]:
    def log_param(asked: _LogEntry) -> object:
        tracking.log_batch(asked.run, params={asked.key: asked.value[:PARAM_LENGTH]})
        return {}

    def set_tag(asked: _LogEntry) -> object:
        tracking.log_batch(asked.run, tags={asked.key: asked.value[:TAG_LENGTH]})
        return {}

    def delete_tag(asked: _DeleteTag) -> object:
        tracking.remove_tag(asked.run_id, asked.key)
        return {}

    def log_model(asked: _LogModel) -> object:
        tracking.append_to_tag(asked.run_id, _MODELS_TAG, _told_of_model(asked.model_json))
        return {}

    return [
        Route("POST", f"{area}/log-parameter", acting(_LogEntry, log_param)),
        Route("POST", f"{area}/set-tag", acting(_LogEntry, set_tag)),
        Route("POST", f"{area}/delete-tag", acting(_DeleteTag, delete_tag)),
        Route("POST", f"{area}/log-model", acting(_LogModel, log_model)),
    ]


def _log_points(
    tracking: Tracking,
    models: LoggedModels,
    run_id: str,
    points: Sequence[_Point | _LogMetric],
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log a batch, and those of its points that say something about a model to that too.

    That is a second write; both may be repeated.
    """
    measured: dict[str, list[ModelMetric]] = {}
    for one in points:
        if bool(one.dataset_name) != bool(one.dataset_digest):
            raise InvalidInputError("Both dataset_name and dataset_digest must be provided if one is provided")
        if one.model_id:
            measured.setdefault(one.model_id, []).append(_measured(run_id, one))
    for model_id in measured:
        models.home(model_id)
    metrics = [Metric(one.key, one.value, one.timestamp / 1e3, one.step) for one in points]
    tracking.log_batch(run_id, metrics=metrics, params=params, tags=tags)
    if measured:
        models.log_metrics(measured)


def _measured(run_id: str, one: _Point | _LogMetric) -> ModelMetric:
    return ModelMetric(one.key, one.value, one.timestamp / 1e3, one.step, run_id, one.dataset_name, one.dataset_digest)


def _told_of_model(text: str) -> Mapping[str, object]:
    """Return what a run's tag tells of a model, of what its `MLmodel` file says."""
    try:
        model = msgspec.json.decode(text, type=_Model)
    except msgspec.MsgspecError as error:
        raise InvalidInputError(f"model_json is not what a model says of itself: {error}") from error
    flavors = {
        name: {key: value for key, value in flavor.items() if key != "config"} if isinstance(flavor, dict) else flavor
        for name, flavor in model.flavors.items()
    }
    return {name: getattr(model, name) for name in _TOLD_OF_MODELS} | {"flavors": flavors}

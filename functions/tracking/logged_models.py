"""MLflow's calls about logged models."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.model_searches import SearchModels, searched
from functions.tracking.requests import Route, acting
from loopwright.tracking import LoggedModel, LoggedModels, ModelMetric, ModelStatus

STATUSES: Final[Mapping[ModelStatus, str]] = {
    "UNSPECIFIED": "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "PENDING": "LOGGED_MODEL_PENDING",
    "READY": "LOGGED_MODEL_READY",
    "FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
}
"""Our words and MLflow's, in the order of its numbers for them."""


class _Entry(msgspec.Struct):
    key: str = ""
    value: str = ""


class _Create(msgspec.Struct):
    experiment_id: str
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: list[_Entry] = []
    tags: list[_Entry] = []


class _Get(msgspec.Struct):
    model_id: str
    allow_deleted: str | bool = False


class _Model(msgspec.Struct):
    model_id: str


class _Finalize(msgspec.Struct):
    model_id: str
    status: int | str


class _Params(msgspec.Struct):
    model_id: str
    params: list[_Entry] = []


class _Tags(msgspec.Struct):
    model_id: str
    tags: list[_Entry] = []


class _Tag(msgspec.Struct):
    model_id: str
    tag_key: str


def routes(models: LoggedModels) -> Sequence[Route]:
    """Return the calls."""
    area = "2.0/mlflow/logged-models"
    return [*_of_models(models, area), *_of_entries(models, area)]


def _of_models(models: LoggedModels, area: str) -> Sequence[Route]:
    def create(asked: _Create) -> object:
        made = models.create(
            asked.experiment_id,
            name=asked.name,
            model_type=asked.model_type,
            source_run_id=asked.source_run_id,
            params=_texts(asked.params),
            tags=_texts(asked.tags),
        )
        return {"model": described(made)}

    def get(asked: _Get) -> object:
        deleted = str(asked.allow_deleted).lower() == "true"
        return {"model": described(models.model(asked.model_id, deleted=deleted))}

    def finalize(asked: _Finalize) -> object:
        return {"model": described(models.finalize(asked.model_id, _status(asked.status)))}

    def delete(asked: _Model) -> object:
        models.delete(asked.model_id)
        return {}

    def search(asked: SearchModels) -> object:
        page = searched(models, asked)
        token = {"next_page_token": page.token} if page.token else {}
        return {"models": [described(one) for one in page.models], **token} if page.models else token

    return [
        Route("POST", area, acting(_Create, create)),
        Route("POST", f"{area}/search", acting(SearchModels, search)),
        Route("GET", f"{area}/{{model_id}}", acting(_Get, get)),
        Route("PATCH", f"{area}/{{model_id}}", acting(_Finalize, finalize)),
        Route("DELETE", f"{area}/{{model_id}}", acting(_Model, delete)),
    ]


def _of_entries(models: LoggedModels, area: str) -> Sequence[Route]:
    def log_params(asked: _Params) -> object:
        models.log_params(asked.model_id, _texts(asked.params))
        return {}

    def set_tags(asked: _Tags) -> object:
        models.set_tags(asked.model_id, _texts(asked.tags))
        return {}

    def remove_tag(asked: _Tag) -> object:
        models.remove_tag(asked.model_id, asked.tag_key)
        return {}

    return [
        Route("POST", f"{area}/{{model_id}}/params", acting(_Params, log_params)),
        Route("PATCH", f"{area}/{{model_id}}/tags", acting(_Tags, set_tags)),
        Route("DELETE", f"{area}/{{model_id}}/tags/{{tag_key:path}}", acting(_Tag, remove_tag)),
    ]


def described(model: LoggedModel) -> Mapping[str, object]:
    """Return a logged model in MLflow's words."""
    info: dict[str, object] = {
        "model_id": model.id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": round(model.created * 1e3),
        "last_updated_timestamp_ms": round(model.updated * 1e3),
        "artifact_uri": model.location,
        "status": STATUSES[model.status],
        "model_type": model.model_type,
        "source_run_id": model.source_run_id,
    }
    data = {"params": _entries(model.params), "metrics": [_point(model.id, one) for one in model.metrics]}
    told = {name: values for name, values in data.items() if values}
    return {"info": {**info, "tags": _entries(model.tags)} if model.tags else info, "data": told}


def _point(model_id: str, point: ModelMetric) -> Mapping[str, object]:
    """Return a point; as protobuf does, what is no number of JSON is told as text."""
    value: float | str = point.value
    if not math.isfinite(point.value):
        value = "NaN" if math.isnan(point.value) else "Infinity" if point.value > 0 else "-Infinity"
    told: dict[str, object] = {
        "key": point.key,
        "value": value,
        "timestamp": round(point.timestamp * 1e3),
        "step": point.step,
        "model_id": model_id,
        "run_id": point.run_id,
    }
    dataset = {"dataset_name": point.dataset_name, "dataset_digest": point.dataset_digest}
    return told | {name: text for name, text in dataset.items() if text}


def _entries(texts: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def _texts(entries: Sequence[_Entry]) -> dict[str, str]:
    return {one.key: one.value for one in entries}


def _status(told: int | str) -> ModelStatus:
    """Return the status that MLflow's name or number means."""
    for number, (status, name) in enumerate(STATUSES.items()):
        if told in (name, number, str(number)):
            return status
    raise MlflowError(
        "INVALID_PARAMETER_VALUE", f"Unknown model status: {told}: use one of {', '.join(STATUSES.values())}"
    )

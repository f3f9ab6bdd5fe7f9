"""What a filter says of logged models."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from loopwright.tracking.logged_model import LoggedModel
from loopwright.tracking.model_search import DatasetFilter
from loopwright.tracking.search import LOGGED_MODELS, Facts, parse_filter

_STATUSES: Final = ("UNSPECIFIED", "PENDING", "READY", "FAILED")
"""In the order of MLflow's numbers for them: a filter knows a status by its number."""


def accepting(text: str, datasets: Sequence[DatasetFilter] = ()) -> Callable[[LoggedModel], bool]:
    """Return the test whether a model passes a filter, for which points on these data sets count; none: all points.

    Raises:
        InvalidInputError: MLflow would not take it for logged models.
    """
    wanted = parse_filter(text, LOGGED_MODELS)
    return lambda model: wanted.accepts(_facts(model, datasets))


def _facts(model: LoggedModel, datasets: Sequence[DatasetFilter]) -> Facts:
    metrics: dict[str, list[float]] = {}
    for point in model.metrics:
        if not datasets or any(one.takes(point) for one in datasets):
            # MLflow keeps a model's NaN as 0.
            metrics.setdefault(point.key, []).append(0.0 if math.isnan(point.value) else point.value)
    return Facts(
        attributes={
            "model_id": model.id,
            "experiment_id": model.experiment_id,
            "name": model.name,
            "artifact_location": model.location,
            "creation_timestamp_ms": round(model.created * 1e3),
            "last_updated_timestamp_ms": round(model.updated * 1e3),
            "status": str(_STATUSES.index(model.status)),
            "lifecycle_stage": "active" if model.deleted is None else "deleted",
            "model_type": model.model_type,
            "source_run_id": model.source_run_id,
            "status_message": None,
        },
        params=model.params,
        tags=model.tags,
        metrics=metrics,
    )

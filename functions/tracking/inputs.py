"""MLflow's calls about what a run reads and makes: data sets and logged models."""

from collections.abc import Sequence
from typing import Final

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.experiments import unique
from functions.tracking.requests import Route, acting
from functions.tracking.shapes import CONTEXT_TAG, DIGEST_LENGTH, Entry, Int64, Text
from loopwright.errors import AlreadyExistsError, InvalidInputError
from loopwright.tracking import DatasetInput, Tracking

_MOST_DATASETS: Final = 1_000


class _Dataset(msgspec.Struct):
    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class _Input(msgspec.Struct):
    tags: list[Entry] = []
    dataset: _Dataset = msgspec.field(default_factory=_Dataset)


class _Model(msgspec.Struct):
    model_id: str = ""


class _Made(msgspec.Struct):
    model_id: str = ""
    step: Int64 = 0


class _Inputs(msgspec.Struct):
    run_id: Text
    datasets: list[_Input] = []
    models: list[_Model] = []


class _Outputs(msgspec.Struct):
    run_id: Text
    models: list[_Made]


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""

    def log_inputs(asked: _Inputs) -> object:
        if len(asked.datasets) > _MOST_DATASETS:
            raise InvalidInputError(f"a call has at most {_MOST_DATASETS:,} data sets, not {len(asked.datasets):,}")
        datasets = [_input(one) for one in asked.datasets]
        tracking.log_inputs(asked.run_id, datasets, models=[one.model_id for one in asked.models])
        return {}

    def log_outputs(asked: _Outputs) -> object:
        try:
            tracking.log_outputs(asked.run_id, {one.model_id: one.step for one in asked.models})
        except AlreadyExistsError as error:
            raise MlflowError("BAD_REQUEST", str(error)) from error
        return {}

    area = "2.0/mlflow/runs"
    return [
        Route("POST", f"{area}/log-inputs", acting(_Inputs, log_inputs)),
        Route("POST", f"{area}/outputs", acting(_Outputs, log_outputs)),
    ]


def _input(told: _Input) -> DatasetInput:
    one = told.dataset
    if len(one.digest) > DIGEST_LENGTH:
        raise InvalidInputError(
            f"data set {one.name!r}: the digest has {len(one.digest)} characters, at most {DIGEST_LENGTH} are kept"
        )
    tags = unique(told.tags, MlflowError("BAD_REQUEST", "two tags of an input have the same key"))
    context = tags.pop(CONTEXT_TAG, "")
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

"""MLflow's calls about experiments."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.requests import Route, acting
from functions.tracking.shapes import Entry, Text, experiment_shape, present
from loopwright.errors import AlreadyExistsError, DeletedError, InvalidInputError, NotFoundError
from loopwright.tracking import Tracking

_MOST_EXPERIMENTS: Final = 20
_MOST_DATASETS: Final = 1_000


class _Create(msgspec.Struct):
    name: Text
    artifact_location: str = ""
    tags: list[Entry] = []


class _Experiment(msgspec.Struct):
    experiment_id: Text


class _Named(msgspec.Struct):
    experiment_name: Text


class _Update(msgspec.Struct):
    experiment_id: Text
    new_name: Text


class _SetTag(msgspec.Struct):
    experiment_id: Text
    key: Text
    value: str = ""


class _DeleteTag(msgspec.Struct):
    experiment_id: Text
    key: Text


class _Datasets(msgspec.Struct):
    experiment_ids: list[str] = []


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""
    area = "2.0/mlflow/experiments"
    return [*_of_experiments(tracking, area), *_of_lives(tracking, area), *_of_contents(tracking, area)]


def unique(tags: Sequence[Entry], taken: Exception) -> dict[str, str]:
    """Return tags that are told when something is made, or raise the error if a key is there twice."""
    found = {tag.key: tag.value for tag in tags}
    if len(found) < len(tags):
        raise taken
    return found


def _of_experiments(tracking: Tracking, area: str) -> Sequence[Route]:
    def create(asked: _Create) -> object:
        twice = AlreadyExistsError(f"experiment {asked.name!r}: two of its tags have the same key")
        made = tracking.create_experiment(
            asked.name, tags=unique(asked.tags, twice), artifact_location=asked.artifact_location
        )
        return {"experiment_id": made.id}

    def get(asked: _Experiment) -> object:
        return {"experiment": experiment_shape(tracking.experiment(asked.experiment_id))}

    def get_by_name(asked: _Named) -> object:
        try:
            return {"experiment": experiment_shape(tracking.experiment_by_name(asked.experiment_name))}
        except InvalidInputError as error:
            raise NotFoundError(f"there is no experiment of that name: {error}") from error

    def update(asked: _Update) -> object:
        try:
            tracking.rename_experiment(asked.experiment_id, asked.new_name)
        except AlreadyExistsError as error:
            raise MlflowError("BAD_REQUEST", str(error)) from error
        except DeletedError as error:
            raise MlflowError("INVALID_STATE", str(error)) from error
        return {}

    return [
        Route("POST", f"{area}/create", acting(_Create, create)),
        Route("GET", f"{area}/get", acting(_Experiment, get)),
        Route("GET", f"{area}/get-by-name", acting(_Named, get_by_name)),
        Route("POST", f"{area}/update", acting(_Update, update)),
    ]


def _of_lives(tracking: Tracking, area: str) -> Sequence[Route]:
    def delete(asked: _Experiment) -> object:
        if not tracking.delete_experiment(asked.experiment_id):
            raise NotFoundError(f"experiment {asked.experiment_id} is deleted already")
        return {}

    def restore(asked: _Experiment) -> object:
        if not tracking.restore_experiment(asked.experiment_id):
            raise NotFoundError(f"experiment {asked.experiment_id} is not deleted")
        return {}

    return [
        Route("POST", f"{area}/delete", acting(_Experiment, delete)),
        Route("POST", f"{area}/restore", acting(_Experiment, restore)),
    ]


def _of_contents(tracking: Tracking, area: str) -> Sequence[Route]:
    def set_tag(asked: _SetTag) -> object:
        tracking.set_experiment_tag(asked.experiment_id, asked.key, asked.value)
        return {}

    def delete_tag(asked: _DeleteTag) -> object:
        tracking.set_experiment_tag(asked.experiment_id, asked.key, None)
        return {}

    def search_datasets(asked: _Datasets) -> object:
        if not 0 < len(asked.experiment_ids) <= _MOST_EXPERIMENTS:
            raise InvalidInputError(
                f"the data sets of 1 to {_MOST_EXPERIMENTS} experiments can be asked for, "
                f"not of {len(asked.experiment_ids)}"
            )
        found = [use for one in dict.fromkeys(asked.experiment_ids) for use in _uses(tracking, one)]
        return present(dataset_summaries=found[:_MOST_DATASETS])

    return [
        Route("POST", f"{area}/set-experiment-tag", acting(_SetTag, set_tag)),
        Route("POST", f"{area}/delete-experiment-tag", acting(_DeleteTag, delete_tag)),
        Route("POST", f"{area}/search-datasets", acting(_Datasets, search_datasets)),
    ]


def _uses(tracking: Tracking, experiment_id: str) -> Sequence[Mapping[str, str]]:
    return [
        {
            "experiment_id": experiment_id,
            "name": use.name,
            "digest": use.digest,
            **({"context": use.context} if use.context else {}),
        }
        for use in tracking.dataset_uses(experiment_id, limit=_MOST_DATASETS)
    ]

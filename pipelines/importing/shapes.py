"""What an MLflow server answers, as far as an import reads it. What a server leaves out is empty, as in protobuf."""

from typing import Literal

import msgspec

Stage = Literal["active", "deleted"]


class Pair(msgspec.Struct):
    """A tag or a param."""

    key: str
    value: str = ""


class ExperimentShape(msgspec.Struct):
    """An experiment; moments are milliseconds."""

    experiment_id: str
    name: str
    artifact_location: str = ""
    lifecycle_stage: Stage = "active"
    creation_time: int = 0
    last_update_time: int = 0
    tags: list[Pair] = []


class Experiments(msgspec.Struct):
    """A page of experiments."""

    experiments: list[ExperimentShape] = []
    next_page_token: str = ""


class Point(msgspec.Struct):
    """A point of a metric; NaN and infinity are texts in JSON."""

    key: str = ""
    value: float | str = 0.0
    timestamp: int = 0
    step: int = 0
    run_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class RunInfo(msgspec.Struct):
    """What a run is."""

    run_id: str
    experiment_id: str
    run_name: str = ""
    user_id: str = ""
    status: str = "RUNNING"
    start_time: int = 0
    end_time: int | None = None
    artifact_uri: str = ""
    lifecycle_stage: Stage = "active"


class RunData(msgspec.Struct):
    """What a run has logged; of each metric the latest point."""

    metrics: list[Point] = []
    params: list[Pair] = []
    tags: list[Pair] = []


class Dataset(msgspec.Struct):
    """A data set."""

    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class DatasetUse(msgspec.Struct):
    """A data set that a run has read, and what for."""

    dataset: Dataset
    tags: list[Pair] = []


class ModelUse(msgspec.Struct):
    """A logged model that a run has read or made."""

    model_id: str = ""
    step: int = 0


class RunInputs(msgspec.Struct):
    """What a run has read."""

    dataset_inputs: list[DatasetUse] = []
    model_inputs: list[ModelUse] = []


class RunOutputs(msgspec.Struct):
    """What a run has made."""

    model_outputs: list[ModelUse] = []


class RunShape(msgspec.Struct):
    """A run."""

    info: RunInfo
    data: RunData = msgspec.field(default_factory=RunData)
    inputs: RunInputs = msgspec.field(default_factory=RunInputs)
    outputs: RunOutputs = msgspec.field(default_factory=RunOutputs)


class Runs(msgspec.Struct):
    """A page of runs."""

    runs: list[RunShape] = []
    next_page_token: str = ""


class History(msgspec.Struct):
    """A page of a metric's points."""

    metrics: list[Point] = []
    next_page_token: str = ""


class File(msgspec.Struct):
    """A file or folder of artifacts, by its path within the run or model."""

    path: str
    is_dir: bool = False
    file_size: int = 0


class Files(msgspec.Struct):
    """A page of artifacts."""

    files: list[File] = []
    next_page_token: str = ""


class LoggedInfo(msgspec.Struct):
    """What a logged model is."""

    model_id: str
    experiment_id: str
    name: str = ""
    creation_timestamp_ms: int = 0
    last_updated_timestamp_ms: int = 0
    artifact_uri: str = ""
    status: str | int = "READY"
    model_type: str = ""
    source_run_id: str = ""
    tags: list[Pair] = []


class LoggedData(msgspec.Struct):
    """What is known of a logged model."""

    params: list[Pair] = []
    metrics: list[Point] = []


class LoggedShape(msgspec.Struct):
    """A logged model."""

    info: LoggedInfo
    data: LoggedData = msgspec.field(default_factory=LoggedData)


class LoggedModels(msgspec.Struct):
    """A page of logged models."""

    models: list[LoggedShape] = []
    next_page_token: str = ""


class AliasShape(msgspec.Struct):
    """An alias and the version that it leads to."""

    alias: str
    version: int


class RegisteredShape(msgspec.Struct):
    """A registered model."""

    name: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    description: str = ""
    tags: list[Pair] = []
    aliases: list[AliasShape] = []


class RegisteredModels(msgspec.Struct):
    """A page of registered models."""

    registered_models: list[RegisteredShape] = []
    next_page_token: str = ""


class VersionShape(msgspec.Struct):
    """A version of a registered model."""

    name: str
    version: int
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    user_id: str = ""
    current_stage: str = "None"
    description: str = ""
    source: str = ""
    run_id: str = ""
    run_link: str = ""
    model_id: str = ""
    tags: list[Pair] = []


class Versions(msgspec.Struct):
    """A page of versions."""

    model_versions: list[VersionShape] = []
    next_page_token: str = ""

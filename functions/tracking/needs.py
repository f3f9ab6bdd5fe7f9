"""What each call of the protocol wants of its caller: one table, to be read whole.

A call that is not in it is for admins only wherever a project declares who may do what; a test fails for it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from functions.tracking import absent
from loopwright.definitions.access import Role

Of = Literal["experiment", "experiment name", "run", "logged model", "model", "version", "artifact", "source"]
"""What a field tells: an identity (of an experiment, run or logged model), a name (of an experiment or registered
model), `<model>/<version>`, a path of artifacts, or where a version's files come from."""


class Need(msgspec.Struct, frozen=True):
    """A role on what a field of the request tells.

    Attributes:
        role: at least this one.
        of: what the field tells.
        field: its name; `a|b`: on what each of them tells; `a.b`: field `b` of each thing in the list `a`.
        lenient: what is not there is not asked about: it is only mentioned.
    """

    role: Role
    of: Of
    field: str
    lenient: bool = False


class Narrowed(msgspec.Struct, frozen=True):
    """Of the experiments whose identities are in this list those are left out that the caller may not read."""

    field: str


class Filtered(msgspec.Struct, frozen=True):
    """Of the things in this list of the answer those are left out that the caller may not read, by a field of each."""

    listed: str
    of: Of
    field: str


class Moves(msgspec.Struct, frozen=True):
    """Aliases of the registered model `name` move, perhaps protected ones.

    Attributes:
        field: which field tells the aliases.
        of: how: it is the alias; the stage that one stands for; the version or the model, with all that lead to it.
    """

    field: str
    of: Literal["alias", "stage", "version", "model"]


class OfVersion(msgspec.Struct, frozen=True):
    """To read the files of the version that the fields `name` and `version` tell, which may be those of a run."""


Needed = Need | OfVersion | Narrowed | Filtered | Moves

OPEN: Final[Sequence[Needed]] = ()
"""Nothing: it tells nothing of anybody's."""

_EXPERIMENTS: Final = "2.0/mlflow/experiments"
_RUNS: Final = "2.0/mlflow/runs"
_METRICS: Final = "2.0/mlflow/metrics"
_LOGGED: Final = "2.0/mlflow/logged-models"
_PROXY: Final = "2.0/mlflow-artifacts/artifacts"
_MODELS: Final = "2.0/mlflow/registered-models"
_VERSIONS: Final = "2.0/mlflow/model-versions"

_RUN: Final = "run_id|run_uuid"
_SOURCES: Final = (
    Need("read", "source", "source", lenient=True),
    Need("read", "run", "run_id", lenient=True),
    Need("write", "logged model", "model_id", lenient=True),
)
"""Whoever may read a version would read the files of another's run through it; a logged model notes its versions."""


def _on(role: Role, of: Of, field: str) -> Sequence[Needed]:
    return (Need(role, of, field),)


_EXPERIMENT_NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("POST", f"{_EXPERIMENTS}/create"): _on("write", "experiment name", "name"),
    ("GET", f"{_EXPERIMENTS}/get"): _on("read", "experiment", "experiment_id"),
    ("GET", f"{_EXPERIMENTS}/get-by-name"): _on("read", "experiment name", "experiment_name"),
    ("GET", f"{_EXPERIMENTS}/search"): (Filtered("experiments", "experiment name", "name"),),
    ("POST", f"{_EXPERIMENTS}/search"): (Filtered("experiments", "experiment name", "name"),),
    ("POST", f"{_EXPERIMENTS}/search-datasets"): (Narrowed("experiment_ids"),),
    ("POST", f"{_EXPERIMENTS}/update"): (
        Need("manage", "experiment", "experiment_id"),
        Need("write", "experiment name", "new_name"),
    ),
    ("POST", f"{_EXPERIMENTS}/delete"): _on("manage", "experiment", "experiment_id"),
    ("POST", f"{_EXPERIMENTS}/restore"): _on("manage", "experiment", "experiment_id"),
    ("POST", f"{_EXPERIMENTS}/set-experiment-tag"): _on("write", "experiment", "experiment_id"),
    ("POST", f"{_EXPERIMENTS}/delete-experiment-tag"): _on("write", "experiment", "experiment_id"),
}

_RUN_NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("POST", f"{_RUNS}/create"): _on("write", "experiment", "experiment_id"),
    ("GET", f"{_RUNS}/get"): _on("read", "run", _RUN),
    ("POST", f"{_RUNS}/search"): (Narrowed("experiment_ids"),),
    ("POST", f"{_RUNS}/update"): _on("write", "run", _RUN),
    ("POST", f"{_RUNS}/delete"): _on("manage", "run", "run_id"),
    ("POST", f"{_RUNS}/restore"): _on("manage", "run", "run_id"),
    ("POST", f"{_RUNS}/log-metric"): (Need("write", "run", _RUN), Need("write", "logged model", "model_id")),
    ("POST", f"{_RUNS}/log-batch"): (Need("write", "run", "run_id"), Need("write", "logged model", "metrics.model_id")),
    ("POST", f"{_RUNS}/log-parameter"): _on("write", "run", _RUN),
    ("POST", f"{_RUNS}/set-tag"): _on("write", "run", _RUN),
    ("POST", f"{_RUNS}/delete-tag"): _on("write", "run", "run_id"),
    ("POST", f"{_RUNS}/log-model"): _on("write", "run", "run_id"),
    ("POST", f"{_RUNS}/log-inputs"): _on("write", "run", "run_id"),
    ("POST", f"{_RUNS}/outputs"): _on("write", "run", "run_id"),
    ("GET", f"{_METRICS}/get-history"): _on("read", "run", _RUN),
    ("GET", f"{_METRICS}/get-history-bulk"): _on("read", "run", "run_id"),
    ("GET", f"{_METRICS}/get-history-bulk-interval"): _on("read", "run", "run_ids"),
}

_LOGGED_NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("POST", _LOGGED): _on("write", "experiment", "experiment_id"),
    ("POST", f"{_LOGGED}/search"): (Narrowed("experiment_ids"),),
    ("GET", f"{_LOGGED}/{{model_id}}"): _on("read", "logged model", "model_id"),
    ("PATCH", f"{_LOGGED}/{{model_id}}"): _on("write", "logged model", "model_id"),
    ("DELETE", f"{_LOGGED}/{{model_id}}"): _on("manage", "logged model", "model_id"),
    ("POST", f"{_LOGGED}/{{model_id}}/params"): _on("write", "logged model", "model_id"),
    ("PATCH", f"{_LOGGED}/{{model_id}}/tags"): _on("write", "logged model", "model_id"),
    ("DELETE", f"{_LOGGED}/{{model_id}}/tags/{{tag_key:path}}"): _on("write", "logged model", "model_id"),
}

_ARTIFACT_NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("GET", _PROXY): _on("read", "artifact", "path"),
    ("GET", f"{_PROXY}/{{artifact_path:path}}"): _on("read", "artifact", "artifact_path"),
    ("PUT", f"{_PROXY}/{{artifact_path:path}}"): _on("write", "artifact", "artifact_path"),
    ("DELETE", f"{_PROXY}/{{artifact_path:path}}"): _on("manage", "artifact", "artifact_path"),
    ("POST", "2.0/mlflow-artifacts/mpu/create/{artifact_path:path}"): _on("write", "artifact", "artifact_path"),
    ("POST", "2.0/mlflow-artifacts/mpu/complete/{artifact_path:path}"): _on("write", "artifact", "artifact_path"),
    ("POST", "2.0/mlflow-artifacts/mpu/abort/{artifact_path:path}"): _on("write", "artifact", "artifact_path"),
    ("GET", "2.0/mlflow-artifacts/presigned/{artifact_path:path}"): _on("read", "artifact", "artifact_path"),
    ("GET", "2.0/mlflow/artifacts/list"): _on("read", "run", _RUN),
    ("POST", "2.0/mlflow/upload-artifact"): _on("write", "run", _RUN),
    ("GET", "get-artifact"): _on("read", "run", _RUN),
    ("GET", "model-versions/get-artifact"): (OfVersion(),),
    ("GET", f"{_LOGGED}/{{model_id}}/artifacts/files"): _on("read", "logged model", "model_id"),
    ("GET", f"{_LOGGED}/{{model_id}}/artifacts/directories"): _on("read", "logged model", "model_id"),
}

_REGISTRY_NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("POST", f"{_MODELS}/create"): _on("write", "model", "name"),
    ("GET", f"{_MODELS}/get"): _on("read", "model", "name"),
    ("PATCH", f"{_MODELS}/update"): _on("write", "model", "name"),
    ("POST", f"{_MODELS}/rename"): (
        Need("manage", "model", "name"),
        Need("write", "model", "new_name"),
        Moves("name", "model"),
    ),
    ("DELETE", f"{_MODELS}/delete"): (Need("manage", "model", "name"), Moves("name", "model")),
    ("GET", f"{_MODELS}/search"): (Filtered("registered_models", "model", "name"),),
    ("GET", f"{_MODELS}/get-latest-versions"): _on("read", "model", "name"),
    ("POST", f"{_MODELS}/get-latest-versions"): _on("read", "model", "name"),
    ("POST", f"{_MODELS}/set-tag"): _on("write", "model", "name"),
    ("DELETE", f"{_MODELS}/delete-tag"): _on("write", "model", "name"),
    ("POST", f"{_MODELS}/alias"): (Need("write", "model", "name"), Moves("alias", "alias")),
    ("DELETE", f"{_MODELS}/alias"): (Need("write", "model", "name"), Moves("alias", "alias")),
    ("GET", f"{_MODELS}/alias"): _on("read", "model", "name"),
    ("POST", f"{_VERSIONS}/create"): (Need("write", "model", "name"), *_SOURCES),
    ("GET", f"{_VERSIONS}/get"): _on("read", "model", "name"),
    ("GET", f"{_VERSIONS}/search"): (Filtered("model_versions", "model", "name"),),
    ("GET", f"{_VERSIONS}/get-download-uri"): _on("read", "model", "name"),
    ("PATCH", f"{_VERSIONS}/update"): _on("write", "model", "name"),
    ("POST", f"{_VERSIONS}/set-tag"): _on("write", "model", "name"),
    ("DELETE", f"{_VERSIONS}/delete-tag"): _on("write", "model", "name"),
    ("POST", f"{_VERSIONS}/transition-stage"): (
        Need("write", "model", "name"),
        Moves("stage", "stage"),
        Moves("version", "version"),
    ),
    ("DELETE", f"{_VERSIONS}/delete"): (Need("manage", "model", "name"), Moves("version", "version")),
}

NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("GET", "3.0/mlflow/server-info"): OPEN,
    **dict.fromkeys([*absent.NOTHING, absent.USER], OPEN),
    **_EXPERIMENT_NEEDS,
    **_RUN_NEEDS,
    **_LOGGED_NEEDS,
    **_ARTIFACT_NEEDS,
    **_REGISTRY_NEEDS,
}

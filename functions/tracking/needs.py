"""What each call of the protocol wants of its caller: one table, to be read whole.

A call that is not in it is for admins only wherever a project declares who may do what; a test fails for it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from loopwright.definitions.access import Role

Of = Literal["experiment", "experiment name", "run", "logged model", "model", "artifact", "source"]
"""What a field tells: an identity (of an experiment, run or logged model), a name (of an experiment or registered
model), a path of artifacts, or where a version's files come from."""


class Need(msgspec.Struct, frozen=True):
    """A role on what a field of the request tells.

    Attributes:
        role: at least this one.
        of: what the field tells.
        field: its name; `a|b`: the first that tells something; `a.b`: field `b` of each thing in the list `a`.
    """

    role: Role
    of: Of
    field: str


class Narrowed(msgspec.Struct, frozen=True):
    """Of the experiments whose identities are in this list those are left out that the caller may not read."""

    field: str


class Filtered(msgspec.Struct, frozen=True):
    """Of the things in this list of the answer those are left out that the caller may not read, by a field of each."""

    listed: str
    of: Of
    field: str


class Moves(msgspec.Struct, frozen=True):
    """The alias in this field moves; `stage`: the one that stands for the stage in it."""

    field: str
    stage: bool = False


Needed = Need | Narrowed | Filtered | Moves

OPEN: Final[Sequence[Needed]] = ()
"""Nothing: it tells nothing of anybody's."""

_EXPERIMENTS: Final = "2.0/mlflow/experiments"
_RUNS: Final = "2.0/mlflow/runs"
_METRICS: Final = "2.0/mlflow/metrics"
_LOGGED: Final = "2.0/mlflow/logged-models"

_WRITE_EXPERIMENT: Final = (Need("write", "experiment", "experiment_id"),)
_MANAGE_EXPERIMENT: Final = (Need("manage", "experiment", "experiment_id"),)
_WRITE_RUN: Final = (Need("write", "run", "run_id"),)
_WRITE_OLD_RUN: Final = (Need("write", "run", "run_id|run_uuid"),)

_WRITE_LOGGED: Final = (Need("write", "logged model", "model_id"),)

NEEDS: Final[Mapping[tuple[str, str], Sequence[Needed]]] = {
    ("POST", f"{_EXPERIMENTS}/create"): (Need("write", "experiment name", "name"),),
    ("GET", f"{_EXPERIMENTS}/get"): (Need("read", "experiment", "experiment_id"),),
    ("GET", f"{_EXPERIMENTS}/get-by-name"): (Need("read", "experiment name", "experiment_name"),),
    ("POST", f"{_EXPERIMENTS}/update"): (
        Need("manage", "experiment", "experiment_id"),
        Need("write", "experiment name", "new_name"),
    ),
    ("POST", f"{_EXPERIMENTS}/delete"): _MANAGE_EXPERIMENT,
    ("POST", f"{_EXPERIMENTS}/restore"): _MANAGE_EXPERIMENT,
    ("POST", f"{_EXPERIMENTS}/set-experiment-tag"): _WRITE_EXPERIMENT,
    ("POST", f"{_EXPERIMENTS}/delete-experiment-tag"): _WRITE_EXPERIMENT,
    ("POST", f"{_EXPERIMENTS}/search-datasets"): (Narrowed("experiment_ids"),),
    ("POST", f"{_RUNS}/create"): _WRITE_EXPERIMENT,
    ("GET", f"{_RUNS}/get"): (Need("read", "run", "run_id|run_uuid"),),
    ("POST", f"{_RUNS}/update"): _WRITE_OLD_RUN,
    ("POST", f"{_RUNS}/delete"): _WRITE_RUN,
    ("POST", f"{_RUNS}/restore"): _WRITE_RUN,
    ("POST", f"{_RUNS}/log-metric"): _WRITE_OLD_RUN,
    ("POST", f"{_RUNS}/log-batch"): _WRITE_RUN,
    ("POST", f"{_RUNS}/log-parameter"): _WRITE_OLD_RUN,
    ("POST", f"{_RUNS}/set-tag"): _WRITE_OLD_RUN,
    ("POST", f"{_RUNS}/delete-tag"): _WRITE_RUN,
    ("POST", f"{_RUNS}/log-model"): _WRITE_RUN,
    ("POST", f"{_RUNS}/log-inputs"): _WRITE_RUN,
    ("POST", f"{_RUNS}/outputs"): _WRITE_RUN,
    ("GET", f"{_METRICS}/get-history"): (Need("read", "run", "run_id|run_uuid"),),
    ("GET", f"{_METRICS}/get-history-bulk"): (Need("read", "run", "run_id"),),
    ("GET", f"{_METRICS}/get-history-bulk-interval"): (Need("read", "run", "run_ids"),),
    ("GET", "3.0/mlflow/server-info"): OPEN,
    ("POST", _LOGGED): (Need("write", "experiment", "experiment_id"),),
    ("POST", f"{_LOGGED}/search"): (Narrowed("experiment_ids"),),
    ("GET", f"{_LOGGED}/{{model_id}}"): (Need("read", "logged model", "model_id"),),
    ("PATCH", f"{_LOGGED}/{{model_id}}"): _WRITE_LOGGED,
    ("DELETE", f"{_LOGGED}/{{model_id}}"): (Need("manage", "logged model", "model_id"),),
    ("POST", f"{_LOGGED}/{{model_id}}/params"): _WRITE_LOGGED,
    ("PATCH", f"{_LOGGED}/{{model_id}}/tags"): _WRITE_LOGGED,
    ("DELETE", f"{_LOGGED}/{{model_id}}/tags/{{tag_key:path}}"): _WRITE_LOGGED,
}

"""Answers of GraphQL, which the UI's pages of runs and experiments are made of, out of the protocol's calls.

Each query is one of the calls under `/ajax-api`, made in the same caller's name, with its answer cut to what is
selected. So there are no second rules here, neither of what is answered nor of who may see it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from functions.tracking.errors import MlflowError, refusal
from functions.tracking.graphql_document import Document, GraphqlError, Operation, Selected, Variable
from functions.tracking.graphql_language import parse
from functions.tracking.graphql_types import Plan, inner, planned, snake
from functions.web import Action, Answer, Call, json_answer

_GET_EXPERIMENT: Final = "2.0/mlflow/experiments/get"
_SEARCH_VERSIONS: Final = "2.0/mlflow/model-versions/search"
_TYPENAME: Final = "__typename"


class _Root(NamedTuple):
    """A query: the call that answers it, the type of its answer, and what it may be asked with."""

    path: str
    kind: str
    inputs: str


_SEARCH_RUNS: Final = _Root(
    "2.0/mlflow/runs/search",
    "MlflowSearchRunsResponse",
    "experimentIds filter runViewType maxResults orderBy pageToken",
)
_ROOTS: Final[Mapping[str, Mapping[str, _Root]]] = {
    "query": {
        "mlflowGetExperiment": _Root(_GET_EXPERIMENT, "MlflowGetExperimentResponse", "experimentId"),
        "mlflowGetRun": _Root("2.0/mlflow/runs/get", "MlflowGetRunResponse", "runId runUuid"),
        "mlflowSearchRuns": _SEARCH_RUNS,
        "mlflowListArtifacts": _Root(
            "2.0/mlflow/artifacts/list", "MlflowListArtifactsResponse", "runId runUuid path pageToken"
        ),
        "mlflowSearchModelVersions": _Root(
            _SEARCH_VERSIONS, "MlflowSearchModelVersionsResponse", "filter maxResults orderBy pageToken"
        ),
        "mlflowGetMetricHistoryBulkInterval": _Root(
            "2.0/mlflow/metrics/get-history-bulk-interval",
            "MlflowGetMetricHistoryBulkIntervalResponse",
            "runIds metricKey startStep endStep maxResults",
        ),
    },
    "mutation": {
        "mlflowSearchRuns": _SEARCH_RUNS,
        "mlflowSearchDatasets": _Root(
            "2.0/mlflow/experiments/search-datasets", "MlflowSearchDatasetsResponse", "experimentIds"
        ),
    },
}


class _Request(msgspec.Struct, rename="camel"):
    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None


class Graphql:
    """Answers queries by the actions of calls, which are known by their paths."""

    def __init__(self, acts: Mapping[str, Action]) -> None:
        self._acts = acts

    def answer(self, call: Call) -> Answer:
        """Answer a query: `{"data": …, "errors": null}`, or errors as texts, both as MLflow's server does.

        Raises:
            MlflowError: the body is no request of GraphQL.
        """
        try:
            asked = msgspec.json.decode(call.body, type=_Request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MlflowError("INVALID_PARAMETER_VALUE", f"the body is no request of GraphQL: {error}") from error
        try:
            document = parse(asked.query)
            operation = document.operation(asked.operation_name)
            roots = _planned(operation, document, _given(operation, asked.variables or {}))
        except RecursionError:
            return json_answer({"data": None, "errors": ["Syntax Error: the document is nested too deep."]})
        except GraphqlError as error:
            return json_answer({"data": None, "errors": [str(error)]})
        doing = _Doing(self._acts, call)
        data = {name: one if isinstance(one, str) else doing.root(*one) for name, one in roots.items()}
        return json_answer({"data": data, "errors": doing.errors or None})


class _Doing:
    """One request being answered.

    A call that is refused is told in the answer's own `apiError`, where that is asked for, as all pages do: they know
    its codes. Else it is null, with an error beside the answer.
    """

    def __init__(self, acts: Mapping[str, Action], call: Call) -> None:
        self.errors: list[str] = []
        self._acts = acts
        self._call = call
        self._experiments: dict[str, object] = {}

    def root(self, path: str, plan: Plan, asked: Mapping[str, object]) -> object:
        found = self._made(path, asked)
        if isinstance(found, _Refused):
            told = plan.refused(*found)
            if told is None:
                self.errors.append(found.message)
            return told
        several = inner(plan, "runs")
        if several is not None:
            found["runs"] = [self._run(one, several) for one in found.get("runs", [])]
        single = inner(plan, "run")
        if single is not None:
            found["run"] = self._run(found["run"], single)
        return plan(found)

    def _run(self, run: dict[str, Any], plan: Plan) -> Mapping[str, object]:
        """Add to a run what other calls tell of it, if it is asked for."""
        run_id, experiment_id = run["info"]["run_id"], run["info"]["experiment_id"]
        if plan.asks("experiment"):
            if experiment_id not in self._experiments:
                told = self._beside(_GET_EXPERIMENT, {"experiment_id": experiment_id})
                self._experiments[experiment_id] = told.get("experiment")
            run["experiment"] = self._experiments[experiment_id]
        if plan.asks("model_versions"):
            told = self._beside(_SEARCH_VERSIONS, {"filter": f"run_id='{run_id}'"})
            run["model_versions"] = told.get("model_versions")
        return run

    def _beside(self, path: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
        found = self._made(path, asked)
        if isinstance(found, _Refused):
            self.errors.append(found.message)
            return {}
        return found

    def _made(self, path: str, asked: Mapping[str, object]) -> "dict[str, Any] | _Refused":
        if path not in self._acts:
            return _Refused("NOT_IMPLEMENTED", f"{path} is no call that is answered here")
        try:
            answer = self._acts[path](Call({}, msgspec.json.encode(asked), self._call.headers, b"", self._call.caller))
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except Exception as error:  # noqa: BLE001 - told as the call itself would tell it
            told = msgspec.json.decode(refusal(error, f"POST /graphql, {path}").body, type=dict[str, str])
            return _Refused(told["error_code"], told["message"])


class _Refused(NamedTuple):
    code: str
    message: str


_Rooted = tuple[str, Plan, Mapping[str, object]]


def _planned(
    operation: Operation, document: Document, variables: Mapping[str, object]
) -> Mapping[str, "_Rooted | str"]:
    """Return by its name in the answer what each query of an operation is: the call, what is wanted of it, its body."""
    roots = _ROOTS[operation.kind]
    found: dict[str, _Rooted | str] = {}
    for one in document.flat(operation.fields):
        kind = operation.kind.capitalize()
        if one.name == _TYPENAME:
            found[one.answered] = kind
            continue
        if one.name not in roots:
            raise GraphqlError(f"Cannot query field '{one.name}' on type '{kind}': there are {', '.join(roots)}.")
        root = roots[one.name]
        plan = planned(root.kind, one.fields, document)
        found[one.answered] = (root.path, plan, _input(one, root, variables))
    return found


def _input(field: Selected, root: _Root, variables: Mapping[str, object]) -> Mapping[str, object]:
    told = _valued(field.arguments.get("input"), variables)
    if not isinstance(told, Mapping):
        raise GraphqlError(f"Field '{field.name}' wants an argument 'input' that is an object.")
    known = root.inputs.split()
    for name in told:
        if name not in known:
            raise GraphqlError(f"Field '{name}' is not defined for {field.name}: there are {', '.join(known)}.")
    return {snake(name): value for name, value in told.items() if value is not None}


def _valued(value: object, variables: Mapping[str, object]) -> object:
    match value:
        case Variable(name):
            return variables.get(name)
        case list():
            return [_valued(one, variables) for one in value]
        case Mapping():
            return {name: _valued(one, variables) for name, one in value.items()}
        case _:
            return value


def _given(operation: Operation, variables: Mapping[str, object]) -> Mapping[str, object]:
    for name, kind in operation.required.items():
        if variables.get(name) is None:
            raise GraphqlError(f"Variable '${name}' of required type '{kind}' was not provided.")
    return {**operation.defaults, **variables}

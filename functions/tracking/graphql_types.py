"""What can be asked for in GraphQL: the types of MLflow's schema that its pages select from, and answers cut to them.

A field's value is found in the JSON of the call that answers, under its name in snake case. What is not there is
answered as protobuf has it: text is empty, a number is 0, a list has nothing, an object has all of these.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.tracking.graphql_document import Document, GraphqlError, Selected, Spread

_TYPENAME: Final = "__typename"
_ERROR: Final = "api_error"

_TAG: Final = "key value"

DECLARED: Final[Mapping[str, str]] = {
    "ApiError": "code message helpUrl traceId",
    "MlflowGetExperimentResponse": "experiment:MlflowExperiment apiError:ApiError",
    "MlflowGetRunResponse": "run:MlflowRunExtension apiError:ApiError",
    "MlflowSearchRunsResponse": "runs:[MlflowRunExtension] nextPageToken apiError:ApiError",
    "MlflowListArtifactsResponse": "rootUri files:[MlflowFileInfo] nextPageToken apiError:ApiError",
    "MlflowSearchModelVersionsResponse": "modelVersions:[MlflowModelVersion] nextPageToken apiError:ApiError",
    "MlflowGetMetricHistoryBulkIntervalResponse": "metrics:[MlflowMetricWithRunId] apiError:ApiError",
    "MlflowSearchDatasetsResponse": "datasetSummaries:[MlflowDatasetSummary] apiError:ApiError",
    "MlflowExperiment": (
        "experimentId name artifactLocation lifecycleStage lastUpdateTime:Long creationTime:Long "
        "tags:[MlflowExperimentTag] effectiveTraceArchivalRetention workspace"
    ),
    "MlflowExperimentTag": _TAG,
    "MlflowRunExtension": (
        "info:MlflowRunInfo data:MlflowRunData inputs:MlflowRunInputs outputs:MlflowRunOutputs "
        "experiment:MlflowExperiment modelVersions:[MlflowModelVersion]"
    ),
    "MlflowRunInfo": (
        "runId runUuid runName experimentId userId status:Enum startTime:Long endTime:Long artifactUri lifecycleStage"
    ),
    "MlflowRunData": "metrics:[MlflowMetricExtension] params:[MlflowParam] tags:[MlflowRunTag]",
    "MlflowMetricExtension": "key value:Float timestamp:Long step:Long datasetName datasetDigest modelId runId",
    "MlflowParam": _TAG,
    "MlflowRunTag": _TAG,
    "MlflowRunInputs": "datasetInputs:[MlflowDatasetInput] modelInputs:[MlflowModelInput]",
    "MlflowRunOutputs": "modelOutputs:[MlflowModelOutput]",
    "MlflowDatasetInput": "tags:[MlflowInputTag] dataset:MlflowDataset",
    "MlflowDataset": "name digest sourceType source schema profile",
    "MlflowInputTag": _TAG,
    "MlflowModelInput": "modelId",
    "MlflowModelOutput": "modelId step:Long",
    "MlflowFileInfo": "path isDir:Boolean fileSize:Long",
    "MlflowMetricWithRunId": "key value:Float timestamp:Long step:Long runId",
    "MlflowDatasetSummary": "experimentId name digest context",
    "MlflowModelVersion": (
        "name version creationTimestamp:Long lastUpdatedTimestamp:Long userId currentStage description source runId "
        "status:Enum statusMessage tags:[MlflowModelVersionTag] runLink aliases:[String] modelId"
    ),
    "MlflowModelVersionTag": _TAG,
}
"""Every type's fields; what has no type is text."""


def _finite(value: object) -> float | None:
    """Return a number; GraphQL has none for NaN and the infinities."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return 0.0 if value is None else None


_SCALARS: Final[Mapping[str, Callable[[object], object]]] = {
    "String": lambda value: "" if value is None else str(value),
    "Long": lambda value: str(value or 0),
    "Float": _finite,
    "Boolean": bool,
    "Enum": lambda value: value,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is answered of an object: for each field the name in the answer, where it is found, and what becomes of it.

    The name of the type stands where `found` is None.
    """

    kind: str
    fields: Sequence[tuple[str, str | None, Callable[[object], object]]]

    def asks(self, name: str) -> bool:
        """Return whether the object's field is wanted, by its name in the JSON."""
        return any(found == name for _, found, _ in self.fields)

    def refused(self, code: str, message: str) -> Mapping[str, object] | None:
        """Return an answer that has nothing but what was wrong, or None if nobody asks for that."""
        if not self.asks(_ERROR):
            return None
        told = {_ERROR: {"code": code, "message": message}}
        return {
            answered: self.kind if found is None else (shape(told[found]) if found in told else None)
            for answered, found, shape in self.fields
        }

    def __call__(self, value: object) -> Mapping[str, object]:
        """Return what is wanted of an object's JSON."""
        known = value if isinstance(value, Mapping) else {}
        return {
            answered: self.kind if found is None else shape(known.get(found)) for answered, found, shape in self.fields
        }


def planned(kind: str, fields: Sequence[Selected | Spread], document: Document) -> Plan:
    """Return the plan for what is selected from a type.

    Raises:
        GraphqlError: the type has no such field, or it is none to select from, or one to select from.
    """
    declared = _fields(kind)
    found: list[tuple[str, str | None, Callable[[object], object]]] = []
    for answered, several in _merged(document.flat(fields)).items():
        name = several[0].name
        if name == _TYPENAME:
            found.append((answered, None, str))
        elif name not in declared:
            raise GraphqlError(f"Cannot query field '{name}' on type '{kind}'.")
        else:
            within = [one for field in several for one in field.fields]
            found.append((answered, snake(name), _shape(name, declared[name], within, document)))
    return Plan(kind, found)


def snake(name: str) -> str:
    """Return a field's name as the protocol's JSON has it: `runUuid` is `run_uuid` there."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def inner(plan: Plan, name: str) -> Plan | None:
    """Return the plan for what is selected from an object's field, or from each thing of its list; None: not asked."""
    for _, found, shape in plan.fields:
        if found == name:
            return shape if isinstance(shape, Plan) else getattr(shape, "each", None)
    return None


@dataclass(frozen=True, slots=True)
class _Each:
    each: Callable[[object], object]

    def __call__(self, value: object) -> object:
        return [self.each(one) for one in value] if isinstance(value, list) else []


def _shape(name: str, kind: str, within: Sequence[Selected | Spread], document: Document) -> Callable[[object], object]:
    single = kind.strip("[]")
    if single in _SCALARS:
        if within:
            raise GraphqlError(f"Field '{name}' must not have a selection since type '{single}' has no subfields.")
        shape = _SCALARS[single]
    elif not within:
        raise GraphqlError(f"Field '{name}' of type '{single}' must have a selection of subfields.")
    else:
        shape = planned(single, within, document)
    if single == "ApiError":
        return lambda value: None if value is None else shape(value)
    return _Each(shape) if kind.startswith("[") else shape


def _fields(kind: str) -> Mapping[str, str]:
    parted = (one.partition(":") for one in DECLARED[kind].split())
    return {name: type_name or "String" for name, _, type_name in parted}


def _merged(fields: Sequence[Selected]) -> Mapping[str, Sequence[Selected]]:
    """Return the fields by the names that they are answered under: one that is selected twice is one."""
    found: dict[str, list[Selected]] = {}
    for one in fields:
        others = found.setdefault(one.answered, [])
        if others and others[0].name != one.name:
            raise GraphqlError(f"Fields '{one.answered}' conflict because '{others[0].name}' and '{one.name}' differ.")
        others.append(one)
    return found

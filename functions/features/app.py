"""Features over HTTP: push new ones, read the newest of an entity."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np

from functions.application import Application, Function, compose
from functions.openapi import REJECTED, operation
from functions.problems import too_large
from functions.schemas import Schema, example_row, field_schema, row_schema
from functions.web import Answer, Call, Endpoint, json_answer, parsed
from loopwright.columns import Array, moments
from loopwright.definitions import FeatureView, Project
from loopwright.errors import InvalidInputError
from loopwright.features.ingest import push
from loopwright.features.online import OnlineStore
from loopwright.features.validation import parse_rows
from loopwright.ports import Platform

ROW_LIMIT: Final = 10_000
"""The most rows or keys that one request may have."""

PUSH_ROUTE: Final = "/features/{view}/push"
READ_ROUTE: Final = "/features/{view}/read"

_TIME: Final[Schema] = {"type": ["string", "number"], "format": "date-time", "examples": ["2013-03-01T12:00:00Z"]}


class _Rows(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[dict[str, object]]


class _Keys(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[dict[str, object]]


_ROWS: Final = msgspec.json.Decoder(_Rows)
_KEYS: Final = msgspec.json.Decoder(_Keys)


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""
    endpoints = [
        Endpoint(PUSH_ROUTE, _push(platform, project), platform.telemetry),
        Endpoint(READ_ROUTE, _read(platform, project), platform.telemetry),
    ]
    paths = {}
    for view in project.views:
        paths[f"/features/{view.name}/push"] = {"post": _describe_push(view)}
        paths[f"/features/{view.name}/read"] = {"post": _describe_read(view)}
    return Function(endpoints, paths)


def _push(platform: Platform, project: Project) -> Callable[[Call], Answer]:
    def act(call: Call) -> Answer:
        view = project.view(call.path["view"])
        rows = _within(parsed(_ROWS, call.body).rows, "rows")
        return json_answer({"accepted": push(platform, view, rows)})

    return act


def _read(platform: Platform, project: Project) -> Callable[[Call], Answer]:
    store = OnlineStore(platform.table)

    def act(call: Call) -> Answer:
        view = project.view(call.path["view"])
        keys = parse_rows(view.entity.keys, _within(parsed(_KEYS, call.body).keys, "keys"))
        found = store.read(view, keys)
        ages = platform.clock() - found.event_times
        stale = np.zeros(len(ages), np.bool_) if view.ttl is None else ages >= view.ttl.total_seconds()
        return json_answer(
            {
                "features": {name: _values(column) for name, column in found.columns.items()},
                "ages": np.round(ages, 3).tolist(),
                "statuses": np.where(stale, "OUTSIDE_MAX_AGE", found.statuses).tolist(),
            }
        )

    return act


def _within(rows: list[dict[str, object]], what: str) -> list[dict[str, object]]:
    if not rows:
        raise InvalidInputError(f"there are no {what}: send at least one")
    if len(rows) > ROW_LIMIT:
        raise too_large(f"{len(rows):,} {what} in one request; at most {ROW_LIMIT:,}: send them in parts")
    return rows


def _values(column: Array) -> list[object]:
    """Return a column as JSON values; moments as seconds since 1970, nulls as null."""
    values = moments(column) if column.dtype.kind == "M" else column
    return [None if value == "" else value for value in values.tolist()]


def _describe_push(view: FeatureView) -> Mapping[str, object]:
    fields = (*view.entity.keys, *view.features)
    times = [view.event_time] + ([view.known_time] if view.known_time else [])
    row = row_schema(fields, dict.fromkeys(times, _TIME))
    required = [*(field.name for field in fields), view.event_time]
    example = example_row(fields) | dict.fromkeys(times, "2013-03-01T12:00:00Z")
    return operation(
        f"push_{view.name}",
        f"Push features of {view.entity.name}; they are online and in the lake moments later.",
        body=_list_of("rows", {**row, "required": required}),
        example={"rows": [example]},
        answer={"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]},
        problems=REJECTED,
    )


def _describe_read(view: FeatureView) -> Mapping[str, object]:
    values = {one.name: {"type": "array", "items": field_schema(one)} for one in view.features}
    number = {"type": "array", "items": {"type": ["number", "null"]}}
    status = {"type": "array", "items": {"enum": ["PRESENT", "NOT_FOUND", "OUTSIDE_MAX_AGE"]}}
    return operation(
        f"read_{view.name}",
        f"Read the newest features of {view.entity.name}, with their ages in seconds.",
        body=_list_of("keys", row_schema(view.entity.keys)),
        example={"keys": [example_row(view.entity.keys)]},
        answer={
            "type": "object",
            "properties": {
                "features": {"type": "object", "properties": values},
                "ages": number,
                "statuses": status,
            },
            "required": ["features", "ages", "statuses"],
        },
        problems=REJECTED,
    )


def _list_of(name: str, row: Schema) -> Schema:
    items = {"type": "array", "items": row, "minItems": 1, "maxItems": ROW_LIMIT}
    return {"type": "object", "properties": {name: items}, "required": [name], "additionalProperties": False}

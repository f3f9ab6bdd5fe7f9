"""The OpenAPI 3.1 document, made from the project's definitions."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from functions.schemas import Schema
from loopwright.definitions import Project

Paths = Mapping[str, Mapping[str, object]]

_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do instead."},
        "problems": {"type": "array", "items": {"type": "string"}, "description": "Every single finding."},
    },
    "required": ["type", "title", "status", "detail"],
}

_ANSWERS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "The body is malformed, or its content does not fit the definitions.",
    HTTPStatus.NOT_FOUND: "The project has no such model or feature view.",
    HTTPStatus.CONFLICT: "Somebody else changed it first.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More bytes or rows than one request may have.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now: no champion yet, or storage does not answer.",
}

REJECTED: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""What can go wrong with a body full of rows."""


def operation(
    name: str,
    summary: str,
    *,
    answer: Schema,
    body: Schema | None = None,
    example: object = None,
    problems: Sequence[HTTPStatus] = (HTTPStatus.SERVICE_UNAVAILABLE,),
) -> Mapping[str, object]:
    """Return an operation that takes and gives JSON."""
    content: dict[str, object] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            **{str(int(status)): _problem(_ANSWERS[status]) for status in problems},
        },
    }
    if body is not None:
        media = {"schema": body} | ({"example": example} if example is not None else {})
        content["requestBody"] = {"required": True, "content": {"application/json": media}}
    return content


def document(project: Project, paths: Sequence[Paths]) -> Mapping[str, object]:
    """Return the whole document for what is deployed together."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project.name,
            "version": "1",
            "description": "Predictions, labels and features of one Loopwright project.",
        },
        "paths": {path: operations for part in paths for path, operations in part.items()},
        "components": {"schemas": {"Problem": _PROBLEM}},
    }


def _problem(description: str) -> Schema:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}

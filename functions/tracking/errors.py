"""MLflow's error shape: `{"error_code": …, "message": …}`, with the status that its clients expect for each code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final, Literal

import msgspec

from functions.problems import Problem, ProblemError, problem_of
from functions.web import BODY_LIMIT, Answer, Refusal, problem_answer, problem_refusal
from loopwright.errors import (
    AlreadyExistsError,
    CapabilityError,
    ConflictError,
    DeniedError,
    GateRefusedError,
    InUseError,
    InvalidInputError,
    LoopwrightError,
    NotFoundError,
    UnavailableError,
)

Code = Literal[
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "INTERNAL_ERROR",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "NOT_IMPLEMENTED",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_CONFLICT",
    "RESOURCE_DOES_NOT_EXIST",
    "TEMPORARILY_UNAVAILABLE",
    "UNAUTHENTICATED",
]

_STATUS: Final[Mapping[Code, int]] = {
    "BAD_REQUEST": HTTPStatus.BAD_REQUEST,
    "ENDPOINT_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "INTERNAL_ERROR": HTTPStatus.INTERNAL_SERVER_ERROR,
    "INVALID_PARAMETER_VALUE": HTTPStatus.BAD_REQUEST,
    "INVALID_STATE": HTTPStatus.INTERNAL_SERVER_ERROR,
    "NOT_IMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "RESOURCE_ALREADY_EXISTS": HTTPStatus.BAD_REQUEST,
    "RESOURCE_CONFLICT": HTTPStatus.CONFLICT,
    "RESOURCE_DOES_NOT_EXIST": HTTPStatus.NOT_FOUND,
    "TEMPORARILY_UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
}

_CODE_OF: Final[Mapping[type[LoopwrightError], Code]] = {
    InvalidInputError: "INVALID_PARAMETER_VALUE",
    NotFoundError: "RESOURCE_DOES_NOT_EXIST",
    AlreadyExistsError: "RESOURCE_ALREADY_EXISTS",
    InUseError: "PERMISSION_DENIED",
    ConflictError: "INVALID_PARAMETER_VALUE",
    GateRefusedError: "PERMISSION_DENIED",
    CapabilityError: "NOT_IMPLEMENTED",
    DeniedError: "PERMISSION_DENIED",
    UnavailableError: "TEMPORARILY_UNAVAILABLE",
}
"""What the domain's errors are for MLflow's clients. Codes of 5xx are tried again by them for minutes."""

_CODE_OF_STATUS: Final[Mapping[int, Code]] = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "ENDPOINT_NOT_FOUND",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "INVALID_PARAMETER_VALUE",
}

_TOO_LARGE: Final = (
    f"this call's body may have {BODY_LIMIT:,} bytes: log less at once. Files of any size are logged as artifacts "
    "(`log_artifact`), which have a call of their own"
)


class MlflowError(Exception):
    """An error that is told to MLflow's clients under exactly this code."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def refusal(error: Exception, where: str) -> Answer:
    """Return the error as MLflow's clients read it; one that nobody foresaw is logged whole and told without it."""
    match error:
        case MlflowError():
            return _answer(error.code, str(error))
        case DeniedError():
            # Nothing that is tried again helps, and clients would do that for minutes.
            told = f"the server itself may not do that where it keeps things, tell whoever deployed it: {error}"
            return _answer(_code_of(error), told)
        case LoopwrightError():
            return _answer(_code_of(error), str(error))
        case ProblemError():
            return _of_problem(error.problem)
        case _:
            return _of_problem(problem_of(error, where))


def _code_of(error: LoopwrightError) -> Code:
    for kind, code in _CODE_OF.items():
        if isinstance(error, kind):
            return code
    return "INTERNAL_ERROR"


def refusal_at(prefixes: Sequence[str]) -> Refusal:
    """Return what errors are where only paths with these beginnings are of MLflow's protocol."""

    def answer(error: Exception, where: str) -> Answer:
        path = where.partition(" ")[2]
        return refusal(error, where) if path.startswith(tuple(prefixes)) else problem_refusal(error, where)

    return answer


def _of_problem(problem: Problem) -> Answer:
    code = _CODE_OF_STATUS.get(problem.status, "INTERNAL_ERROR")
    detail = _TOO_LARGE if problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else problem.detail
    answer = _answer(code, detail, status=problem.status)
    return replace(answer, headers=problem_answer(problem).headers)


def _answer(code: Code, message: str, *, status: int | None = None) -> Answer:
    body = msgspec.json.encode({"error_code": code, "message": message})
    return Answer(body, int(status or _STATUS[code]))

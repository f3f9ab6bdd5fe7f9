"""Problem details for HTTP (RFC 9457): one place that says what each error of ours is over the web."""

import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from loopwright.errors import (
    CapabilityError,
    ConflictError,
    DefinitionError,
    DeniedError,
    GateRefusedError,
    IntegrityError,
    InvalidInputError,
    LoopwrightError,
    NotFoundError,
    UnavailableError,
)
from loopwright.logs import failure

_STATUS: Final[dict[type[LoopwrightError], tuple[HTTPStatus, str]]] = {
    InvalidInputError: (HTTPStatus.BAD_REQUEST, "invalid input"),
    NotFoundError: (HTTPStatus.NOT_FOUND, "not found"),
    ConflictError: (HTTPStatus.CONFLICT, "somebody else changed it first"),
    GateRefusedError: (HTTPStatus.CONFLICT, "refused by the gate"),
    IntegrityError: (HTTPStatus.SERVICE_UNAVAILABLE, "stored bytes are not what was written"),
    DefinitionError: (HTTPStatus.SERVICE_UNAVAILABLE, "definitions do not fit"),
    CapabilityError: (HTTPStatus.NOT_IMPLEMENTED, "not offered by this provider"),
    DeniedError: (HTTPStatus.SERVICE_UNAVAILABLE, "the provider does not let this function do that"),
    UnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "not available now"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong.

    Attributes:
        status: of HTTP.
        title: what kind of problem it is.
        detail: what, where, and what to do instead.
        problems: every finding.
        retry: the same request may work later.
        challenge: how to say who one is, where that was not said (`WWW-Authenticate`).
    """

    status: int
    title: str
    detail: str
    problems: tuple[str, ...] = ()
    retry: bool = False
    challenge: str = ""

    def encode(self) -> bytes:
        """Return the body: type, title, status, detail and, where there are findings, problems."""
        content: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return msgspec.json.encode(content | ({"problems": self.problems} if self.problems else {}))


class ProblemError(Exception):
    """A problem of the request itself, before any work was done for it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: Exception, where: str) -> Problem:
    """Return what the error is over the web; one that nobody foresaw is logged whole and told without its inside."""
    match error:
        case ProblemError():
            return error.problem
        case LoopwrightError():
            status, title = next(found for kind, found in _STATUS.items() if isinstance(error, kind))
            problems = error.problems if isinstance(error, InvalidInputError) else ()
            return Problem(status, title, str(error), problems, retry=isinstance(error, UnavailableError))
        case _:
            log_failure(where, error)
            return Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal error",
                f"{where} failed with {type(error).__name__}; the log has its details",
            )


def malformed(reason: str) -> ProblemError:
    """Return the error for a body that is not the JSON that was asked for."""
    return ProblemError(Problem(HTTPStatus.BAD_REQUEST, "malformed body", reason))


def too_large(reason: str) -> ProblemError:
    """Return the error for a request that asks for too much at once."""
    return ProblemError(Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large", reason))


def log_failure(where: str, error: BaseException) -> None:
    """Write a failure to standard error as one line of JSON (`loopwright.logs`)."""
    sys.stderr.write(failure(where, error))
    sys.stderr.flush()

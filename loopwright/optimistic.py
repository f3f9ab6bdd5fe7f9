"""Compare-and-set, tried again until nobody came in between."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from loopwright.errors import ConflictError, UnavailableError
from loopwright.ports.table import Table, Write

Result = TypeVar("Result")

ATTEMPTS: Final = 1_000
"""In every round at least one writer wins, so only a crowd of hundreds gets here."""


def commit(table: Table, prepare: Callable[[], tuple[Sequence[Write], Result]], *, what: str) -> Result:
    """Write what `prepare` plans, in one transaction, and return its result.

    `prepare` reads, decides and returns writes that expect what it read; when somebody wrote in between it is called
    again and decides anew. No writes: nothing is to be done. What `prepare` itself raises is passed on.

    Raises:
        UnavailableError: too many others write `what` at the same time.
    """
    for _ in range(ATTEMPTS):
        writes, result = prepare()
        if not writes:
            return result
        try:
            table.transact(writes)
        except ConflictError:
            continue
        return result
    raise UnavailableError(f"{what} is being written by too many at once: try again")

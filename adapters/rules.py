"""What every provider checks at its border, so that a name that works on one works on all of them."""

import re
from collections.abc import Sequence
from typing import Final, assert_never

from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports.blobs import KEY_LIMIT, SEGMENT_LIMIT, Absent, Match
from loopwright.ports.queues import MESSAGE_LIMIT

_SEGMENT: Final = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._=@+-]+"
_BLOB_KEY: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_LAKE_TABLE: Final = re.compile(r"[a-z0-9_]+(?:/[a-z0-9_]+)*")
_JOB_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_JOB: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

MAX_ATTEMPTS: Final = 5
"""How often a message is delivered before it is dead."""


def check_blob_key(key: str) -> None:
    """Raise InvalidInputError unless the key is one of `Blobs`."""
    if not _BLOB_KEY.fullmatch(key):
        raise InvalidInputError(
            f"blob key {key!r}: use segments of [A-Za-z0-9._=@+-] joined by /, none of them . or .."
        )
    if len(key) > KEY_LIMIT or max(map(len, key.split("/"))) > SEGMENT_LIMIT:
        raise InvalidInputError(f"blob key {key!r}: {KEY_LIMIT} characters are the most, {SEGMENT_LIMIT} in a segment")


def check_lake_table(table: str) -> None:
    """Raise InvalidInputError unless the name is one of a lake's table."""
    if not _LAKE_TABLE.fullmatch(table):
        raise InvalidInputError(f"lake table {table!r}: use segments of [a-z0-9_] joined by /")


def check_job(job: str, key: str) -> None:
    """Raise InvalidInputError unless the job's name is a module's and its key is one of `Jobs`."""
    if not _JOB.fullmatch(job):
        raise InvalidInputError(f"job {job!r}: use [a-z][a-z0-9_]*")
    if not _JOB_KEY.fullmatch(key):
        raise InvalidInputError(f"job key {key!r}: use 1 to 128 of [A-Za-z0-9._-]")


def check_bodies(queue: str, bodies: Sequence[bytes]) -> None:
    """Raise InvalidInputError when a message is too large for some provider."""
    for body in bodies:
        if len(body) > MESSAGE_LIMIT:
            raise InvalidInputError(
                f"queue {queue}: a message has {len(body):,} bytes; split it, {MESSAGE_LIMIT:,} is the most"
            )


def check_expected(key: str, expect: Absent | Match | None, etag: str | None) -> None:
    """Raise ConflictError unless a blob that has `etag` now (None: there is none) is what was expected."""
    found = "nothing" if etag is None else etag
    match expect:
        case None:
            return
        case Absent():
            if etag is not None:
                raise ConflictError(f"blob {key}: expected nothing there; found {found}")
        case Match(wanted):
            if etag != wanted:
                raise ConflictError(f"blob {key}: expected {wanted}; found {found}")
        case _:
            assert_never(expect)

"""Time and identity, which the domain takes as arguments and never reads by itself.

A moment is a float: seconds since 1970-01-01 UTC. A moment in a column of data is `datetime64[us]`, in UTC.
"""

import os
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from loopwright.errors import UnavailableError

Clock = Callable[[], float]
"""Returns this moment, in seconds since 1970-01-01 UTC."""

NewId = Callable[[], str]
"""Returns an identity that nobody has had before."""

system_clock: Final[Clock] = time.time

_WIDTH: Final = 32
"""Characters of a moment in a clock's file."""

_LOOKS: Final = 10_000
"""So often a clock's file is read before it counts as left half written: for a good part of a second."""


class ReplayClock:
    """A clock that a file tells, so that several processes can live through recorded time together.

    The file holds the moment as text, twice. Who drives the replay calls `set`; everyone else calls the clock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> float:
        """Return the moment in the file; while its halves differ it is just being written.

        Raises:
            UnavailableError: they go on differing.
        """
        for _ in range(_LOOKS):
            text = self._path.read_bytes()
            # Written by hand, once is enough.
            if len(text) != 2 * _WIDTH or text[:_WIDTH] == text[_WIDTH:]:
                return float(text[:_WIDTH])
        raise UnavailableError(
            f"clock file {self._path} is half written: write the moment into it, in seconds since 1970"
        )

    def set(self, moment: float) -> None:
        """Move the clock; readers see the old moment or the new one, never a part of either.

        It is written in place, for putting a new file there thousands of times would wait for the disk each time.
        """
        text = f"{moment!r:>{_WIDTH}}" * 2
        try:
            file = os.open(self._path, os.O_WRONLY)
        except FileNotFoundError:
            draft = self._path.with_suffix(".draft")
            draft.write_text(text, "ascii")
            draft.replace(self._path)
            return
        try:
            os.pwrite(file, text.encode("ascii"), 0)
        finally:
            os.close(file)


def new_id() -> str:
    """Return 32 hex digits that sort by the time they were made (the layout of a version 7 UUID, RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    version = (7 << 12) | (random >> 62)
    variant = (2 << 62) | (random & ((1 << 62) - 1))
    return f"{milliseconds:012x}{version:04x}{variant:016x}"


def isoformat(moment: float) -> str:
    """Return the moment as RFC 3339 text in UTC, to the microsecond: `2013-03-01T12:00:00Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """Return the moment that RFC 3339 text names; a text without an offset is read as UTC.

    Raises:
        ValueError: the text is not a date and time.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

"""What has been brought from a server already, so that an import that is run again goes on where it was.

Items of the table:

    partition              sort            what
    import/<server>        run/<run id>    the digest of what the server told of the run, and what is here of it
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from loopwright.hashing import digest
from loopwright.ports.table import Key, Table

_RUN: Final = "run/"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of what belongs to runs."""

    runs: int = 0
    points: int = 0
    params: int = 0
    tags: int = 0
    inputs: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(
            self.runs + other.runs,
            self.points + other.points,
            self.params + other.params,
            self.tags + other.tags,
            self.inputs + other.inputs,
            self.files + other.files,
            self.bytes + other.bytes,
        )


class Ledger:
    """Remembers runs that are here whole, by what the server told of them then."""

    def __init__(self, table: Table, server: str) -> None:
        """Read what is remembered of this server."""
        self._table = table
        self._partition = f"import/{digest(server.encode()).removeprefix('sha256:')[:32]}"
        self._known = {
            item.key.sort.removeprefix(_RUN): (str(item.value["told"]), msgspec.convert(item.value["counts"], Counts))
            for item in table.query(self._partition, prefix=_RUN)
        }

    def known(self, run_id: str, told: str) -> Counts | None:
        """Return the counts of a run that is here as it is told now; None: it is not, or it has changed since."""
        before = self._known.get(run_id)
        return before[1] if before is not None and before[0] == told else None

    def remember(self, run_id: str, told: str, counts: Counts) -> None:
        """Say that a run is here whole."""
        value = {"told": told, "counts": msgspec.to_builtins(counts)}
        self._table.put(Key(self._partition, f"{_RUN}{run_id}"), value)
        self._known[run_id] = told, counts

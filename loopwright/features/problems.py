"""All that is wrong with some input, gathered before anything is raised."""

from collections.abc import Iterable
from typing import Final

from loopwright.errors import InvalidInputError

SHOWN: Final = 20
"""How many problems are told in full; of more, only how many there are."""


class Problems:
    """Counts every problem, keeps the first `SHOWN` of them."""

    def __init__(self, headline: str) -> None:
        self._headline = headline
        self._kept: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, problem: str) -> None:
        """Count one problem."""
        self._count += 1
        if self._count <= SHOWN:
            self._kept.append(problem)

    def extend(self, problems: Iterable[str]) -> None:
        """Count some problems."""
        for problem in problems:
            self.add(problem)

    def raise_if_any(self) -> None:
        """Raise `InvalidInputError` with what was gathered, or return if there is nothing."""
        if not self._count:
            return
        more = self._count - len(self._kept)
        told = (*self._kept, f"and {more:,} more") if more else tuple(self._kept)
        raise InvalidInputError(f"{self._headline}: {told[0]}{self._others()}", told)

    def _others(self) -> str:
        return f" (and {self._count - 1:,} more)" if self._count > 1 else ""

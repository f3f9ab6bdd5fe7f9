"""Somewhere else, where people look at models and runs too, beside the registry and the tracking that decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

MirroredState = Literal["running", "finished", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class MirroredVersion:
    """A version of a model.

    Attributes:
        version: its number in the registry.
        run_id: the run that made it; empty: none.
        package: the prefix of its files in the blobs.
        aliases: that lead to it.
        lineage: where it comes from, by name.
        description: for people.
    """

    version: int
    run_id: str
    package: str
    aliases: tuple[str, ...]
    lineage: Mapping[str, str]
    description: str


@dataclass(frozen=True, slots=True)
class MirroredRun:
    """A run of a model's training, with the latest value of each metric; all of them are finite."""

    id: str
    model: str
    state: MirroredState
    params: Mapping[str, str]
    metrics: Mapping[str, float]


class Mirror(Protocol):
    """Shows what it is told. It may be told the same again, and shows it once."""

    def show_versions(self, model: str, versions: Sequence[MirroredVersion]) -> None:
        """Have these versions there, and all aliases of the model lead where they say and nowhere else.

        Other versions that are there stay, without an alias.

        Raises:
            CapabilityError: something is not configured or not installed.
            DeniedError, UnavailableError: not now; it may be told again.
        """
        ...

    def show_run(self, run: MirroredRun) -> None:
        """Have the run there as it is; errors are those of `show_versions`."""
        ...

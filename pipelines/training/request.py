"""What decides a training, and the identity that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loopwright.definitions.model import Model
from loopwright.hashing import digest_of

Parameters = Mapping[str, float | int | str | bool]


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Who wants which model trained, when and why. Equal requests are one run.

    Attributes:
        project: the project's name.
        model: the model's name.
        reason: why, in words.
        at: the moment of the request; nothing that became known later is learned.
        who: who asked.
        parameters: of the training function, complete.
    """

    project: str
    model: str
    reason: str
    at: float
    who: str
    parameters: Parameters = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's identity: 32 hex digits that follow from the request alone."""
        return digest_of(self).removeprefix("sha256:")[:32]


def merged_parameters(model: Model, changes: Parameters | None) -> Parameters:
    """Return the model's parameters with some of them changed for this run."""
    return {**model.parameters, **(changes or {})}


@dataclass(frozen=True, slots=True)
class Training:
    """A request and the definition of the model that it is about: all that decides a training but code and data."""

    model: Model
    request: TrainRequest

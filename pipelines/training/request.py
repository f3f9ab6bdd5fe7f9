"""What decides a training or an adoption, and the identity that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

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

    @property
    def kind(self) -> str:
        """What the run is, in a word that its events begin with."""
        return "training"

    @property
    def reads_for(self) -> str:
        """What the run reads its rows for, as the context of its inputs."""
        return "training"

    @property
    def tags(self) -> Mapping[str, str]:
        """What the run and the version that it registers say of why they are there."""
        return {"reason": self.reason, "who": self.who}


@dataclass(frozen=True, slots=True)
class Adopted:
    """A version that a notebook registered: the files of a model that was made elsewhere.

    Attributes:
        model: the name that it is registered under.
        version: its number.
        run_id: the run that logged it; empty: none is known.
        digest: of its files' names and bytes.
        made: the moment at which it was there, at the latest.
    """

    model: str
    version: int
    run_id: str
    digest: str
    made: float


_NOTHING = Adopted("", 0, "", "", 0.0)


@dataclass(frozen=True, slots=True)
class AdoptRequest(TrainRequest):
    """Who wants which notebook's model served as which model of the project.

    The same files for the same model are the same run, whoever asks and whenever.
    """

    adopted: Adopted = _NOTHING

    @property
    @override
    def run_id(self) -> str:
        one = self.adopted
        decides = ("adopt", self.project, self.model, one.model, str(one.version), one.digest)
        return digest_of(decides).removeprefix("sha256:")[:32]

    @property
    @override
    def kind(self) -> str:
        return "adoption"

    @property
    @override
    def reads_for(self) -> str:
        return "evaluation"

    @property
    @override
    def tags(self) -> Mapping[str, str]:
        from_run = {"adopted_run": self.adopted.run_id} if self.adopted.run_id else {}
        told = {"adopted_from": f"{self.adopted.model}/{self.adopted.version}", **from_run}
        return {"reason": self.reason, "who": self.who, **told}


def merged_parameters(model: Model, changes: Parameters | None) -> Parameters:
    """Return the model's parameters with some of them changed for this run."""
    return {**model.parameters, **(changes or {})}


@dataclass(frozen=True, slots=True)
class Training:
    """A request and the definition of the model that it is about: all that decides a training but code and data."""

    model: Model
    request: TrainRequest

"""What the registry keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from loopwright.verdict import Verdict

CHAMPION: Final = "champion"
"""The alias whose version answers callers."""

CHALLENGER: Final = "challenger"
"""The alias of the version that is being prepared for promotion."""

ARCHIVED: Final = "archived"
"""The tag of a version that is put away: it can be read, but no alias, canary or shadow may lead to it."""

Stage = Literal["Production", "Staging", "Archived", "None"]
"""MLflow's stages."""

ChangeKind = Literal["set", "promotion", "rollback"]


@dataclass(frozen=True, slots=True)
class DatasetPin:
    """Exactly these rows: a lake table at one of its versions, and the digest of what that version holds."""

    table: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a version comes from.

    Attributes:
        code_commit: the commit that was checked out; empty: no repository.
        code_dirty: whether files differed from that commit.
        code_digest: of the definitions and the training code as they ran.
        datasets: what was read.
        parameters: of the training function.
        environment_digest: of the locked environment.
    """

    code_commit: str
    code_dirty: bool
    code_digest: str
    datasets: tuple[DatasetPin, ...]
    parameters: Mapping[str, float | int | str | bool]
    environment_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What somebody wants to register.

    Attributes:
        model: its name.
        run_id: the run that made it. Empty: no run, then each call registers another version.
        source: the prefix of its package in the blobs.
        digest: of the package's manifest.
        features_digest: of all that decides what its features are.
        lineage: where it comes from.
        metrics: on the held-out rows; finite.
        tags: text for people and tools.
        verdict: what the gate said, when it is known already.
    """

    model: str
    run_id: str
    source: str
    digest: str
    features_digest: str
    lineage: Lineage
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version of a model: as `NewVersion`, with its number and the moment of its registration."""

    model: str
    version: int
    run_id: str
    source: str
    digest: str
    features_digest: str
    created: float
    lineage: Lineage
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    verdict: Verdict | None

    @property
    def archived(self) -> bool:
        """Whether it is put away."""
        return ARCHIVED in self.tags


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model that has had versions; `latest` is the highest number given so far, be it deleted since."""

    name: str
    created: float
    latest: int


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One move of an alias: when, by whom, why, from where to where (None: not set).

    `id` is this change's own: an event about it carries it, so that a repeated event is recognised.
    """

    at: float
    who: str
    why: str
    old: int | None
    new: int | None
    kind: ChangeKind = "set"
    id: str = ""


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that answers a share of the requests in the champion's place: 0 none, 1 all."""

    version: int
    weight: float


@dataclass(frozen=True, slots=True)
class Routing:
    """Who answers: the champion, a canary for a share of the requests, and shadows that score unseen by callers.

    `aliases` are all of the model's; `revision` counts the changes of any of these.
    """

    champion: int | None = None
    canary: Canary | None = None
    shadows: tuple[int, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class TrafficChange:
    """One change of canary or shadows: when, by whom, why, and what they were from then on."""

    at: float
    who: str
    why: str
    canary: Canary | None
    shadows: tuple[int, ...]

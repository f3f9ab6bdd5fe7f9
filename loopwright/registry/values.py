"""What the registry keeps. Structs, because each dataclass costs a cold start a millisecond."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from loopwright.verdict import Verdict

CHAMPION: Final = "champion"
"""The alias whose version answers callers."""

CHALLENGER: Final = "challenger"
"""The alias of the version that is being prepared for promotion."""

ARCHIVED: Final = "archived"
"""The tag of a version that is put away: it can be read, but no alias, canary or shadow may lead to its package."""

Stage = Literal["Production", "Staging", "Archived", "None"]
"""MLflow's stages."""

STAGES: Final[tuple[Stage, ...]] = ("None", "Staging", "Production", "Archived")

ChangeKind = Literal["set", "promotion", "rollback"]

ModelState = Literal["here", "leaving", "arriving", "deleting", "gone"]


class DatasetPin(msgspec.Struct, frozen=True):
    """Exactly these rows: a lake table at one of its versions, and the digest of what that version holds."""

    table: str
    version: int
    digest: str


class Lineage(msgspec.Struct, frozen=True):
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


UNTRACED: Final = Lineage("", code_dirty=False, code_digest="", datasets=(), parameters={}, environment_digest="")
"""Of a version that no pipeline made."""


class NewVersion(msgspec.Struct, frozen=True, kw_only=True):
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
    metrics: Mapping[str, float] = msgspec.field(default_factory=dict)
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    verdict: Verdict | None = None


class NewSource(msgspec.Struct, frozen=True, kw_only=True):
    """A model from a notebook that somebody wants to register: no package, but files that MLflow's client can load.

    Attributes:
        model: the registered model's name.
        source: the URI that the notebook names it by, such as `models:/m-…` or `runs:/…`.
        location: the URI of its files; empty: the source is that.
        run_id: the run that made it, or empty.
        run_link: the address of that run, for people.
        model_id: the logged model that it is, or empty.
        user: who registers it, or empty.
        description: for people; None: there is none.
        tags: text for people and tools.
    """

    model: str
    source: str
    location: str = ""
    run_id: str = ""
    run_link: str = ""
    model_id: str = ""
    user: str = ""
    description: str | None = None
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model: as `NewVersion` or `NewSource`, with its number and the moment of its registration.

    `updated` is the moment when its description or its stage last changed.
    """

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
    updated: float = 0.0
    description: str | None = None
    location: str = ""
    run_link: str = ""
    model_id: str = ""
    user: str = ""

    @property
    def archived(self) -> bool:
        """Whether it is put away."""
        return ARCHIVED in self.tags

    @property
    def packaged(self) -> bool:
        """Whether it has a package, without which nothing here can serve it."""
        return bool(self.digest)


class RegisteredModel(msgspec.Struct, frozen=True):
    """A model that has or may get versions.

    Attributes:
        name: its name.
        created: the moment of its creation.
        latest: the highest number given so far, be it deleted since.
        updated: the moment when its description, or a version's being there or its stage, last changed.
        description: for people; None: there is none.
        tags: text for people and tools.
        state: whether it is here; `leaving` for another name and `arriving` under it, until all of its items are there;
            `deleting` while its items are being removed; `gone`.
        other: the other name, while it is leaving or arriving.
    """

    name: str
    created: float
    latest: int
    updated: float = 0.0
    description: str | None = None
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    state: ModelState = "here"
    other: str = ""

    @property
    def present(self) -> bool:
        """Whether it is there for those who ask."""
        return self.state in {"here", "leaving"}


class AliasChange(msgspec.Struct, frozen=True):
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


class Canary(msgspec.Struct, frozen=True):
    """A version that answers a share of the requests in the champion's place: 0 none, 1 all."""

    version: int
    weight: float


class Routing(msgspec.Struct, frozen=True):
    """Who answers: the champion, a canary for a share of the requests, and shadows that score unseen by callers.

    `aliases` are all of the model's; `revision` counts the changes of any of these. Once `closed`, nothing changes any
    more: the model goes away or gets another name.
    """

    champion: int | None = None
    canary: Canary | None = None
    shadows: tuple[int, ...] = ()
    aliases: Mapping[str, int] = msgspec.field(default_factory=dict)
    revision: int = 0
    closed: bool = False


class TrafficChange(msgspec.Struct, frozen=True):
    """One change of canary or shadows: when, by whom, why, and what they were from then on."""

    at: float
    who: str
    why: str
    canary: Canary | None
    shadows: tuple[int, ...]

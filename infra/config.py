"""The stack's configuration, read once; Pulumi.yaml describes every key to people, with the same defaults."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar, get_args

from loopwright.errors import DefinitionError

Cloud = Literal["aws"]
Auth = Literal["iam", "apikey", "jwt", "public-without-any-check"]
Architecture = Literal["x86_64", "arm64"]
PythonVersion = Literal["3.12", "3.13"]

Choice = TypeVar("Choice", bound=str)

_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[^:@]+[:@].+")

_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653)
"""In days: the only ones that CloudWatch knows."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of each kind of function, in MB."""

    predict: int
    api: int
    collect: int
    monitor: int
    materialize: int


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What `pulumi config` says. Pulumi.yaml has the meaning of each."""

    stack: str
    root: Path
    provider: Cloud
    project: str
    auth: Auth
    jwt_issuer: str
    jwt_audience: str
    architecture: Architecture
    python_version: PythonVersion
    memory: Memory
    materialize_minutes: int
    provisioned_concurrency: int
    snap_start: bool
    training_image: str
    alarm_email: str
    p99_milliseconds: int
    retention_days: int
    protect: bool
    monthly_budget: int

    @property
    def folder(self) -> Path:
        """Where the project is on this machine."""
        return self.root / self.project

    def __post_init__(self) -> None:
        """Check what depends on more than one key."""
        if self.auth == "jwt" and not (self.jwt_issuer.startswith("https://") and self.jwt_audience):
            raise DefinitionError(
                f"jwtIssuer={self.jwt_issuer!r}, jwtAudience={self.jwt_audience!r}: auth=jwt wants an https:// address "
                "and a name"
            )
        if self.snap_start and self.provisioned_concurrency:
            raise DefinitionError(
                f"snapStart=true, provisionedConcurrency={self.provisioned_concurrency}: AWS takes only one of the two"
            )
        if self.training_image and not _ECR.fullmatch(self.training_image):
            raise DefinitionError(
                f"trainingImage={self.training_image}: a function takes only an image of ECR, as "
                "<account>.dkr.ecr.<region>.amazonaws.com/<name>:<tag>"
            )
        if self.monthly_budget and not self.alarm_email:
            raise DefinitionError(
                f"monthlyBudget={self.monthly_budget}: set alarmEmail too, or nobody would be told; 0 sets no budget"
            )


class Source(Protocol):
    """The part of `pulumi.Config` that is used."""

    def get(self, key: str) -> str | None:
        """Return the value as text, or None."""
        ...


def read_config(source: Source, *, stack: str, root: Path) -> StackConfig:
    """Read the configuration; `root` is the folder of Pulumi.yaml.

    Raises:
        DefinitionError: a value is none that its key allows; the message names key, value and what is allowed.
    """
    keys = _Keys(source)
    return StackConfig(
        stack=stack,
        root=root,
        provider=keys.choice("provider", "aws", get_args(Cloud)),
        project=keys.text("project", "examples/flights"),
        auth=keys.choice("auth", "iam", get_args(Auth)),
        jwt_issuer=keys.text("jwtIssuer", ""),
        jwt_audience=keys.text("jwtAudience", ""),
        architecture=keys.choice("architecture", "x86_64", get_args(Architecture)),
        python_version=keys.choice("pythonVersion", "3.13", get_args(PythonVersion)),
        memory=_memory(keys),
        materialize_minutes=keys.whole("materializeMinutes", 15, least=1, most=1440),
        provisioned_concurrency=keys.whole("provisionedConcurrency", 0, least=0, most=1000),
        snap_start=keys.flag("snapStart", default=False),
        training_image=keys.text("trainingImage", ""),
        alarm_email=keys.text("alarmEmail", ""),
        p99_milliseconds=keys.whole("p99Milliseconds", 1000, least=1, most=60_000),
        retention_days=_retention(keys),
        protect=keys.flag("protect", default=True),
        monthly_budget=keys.whole("monthlyBudget", 0, least=0, most=1_000_000),
    )


def _memory(keys: "_Keys") -> Memory:
    def megabytes(key: str, default: int) -> int:
        return keys.whole(key, default, least=256, most=10_240)

    return Memory(
        predict=megabytes("predictMemory", 1024),
        api=megabytes("apiMemory", 512),
        collect=megabytes("collectMemory", 1024),
        monitor=megabytes("monitorMemory", 2048),
        materialize=megabytes("materializeMemory", 1024),
    )


def _retention(keys: "_Keys") -> int:
    days = keys.whole("retentionDays", 90, least=1, most=3653)
    if days not in _RETENTIONS:
        raise DefinitionError(f"retentionDays={days}: use one of {', '.join(map(str, _RETENTIONS))}")
    return days


class _Keys:
    def __init__(self, source: Source) -> None:
        self._source = source

    def text(self, key: str, default: str) -> str:
        found = self._source.get(key)
        return default if found is None else found

    def choice(self, key: str, default: Choice, allowed: tuple[Choice, ...]) -> Choice:
        found = self.text(key, default)
        for one in allowed:
            if found == one:
                return one
        raise DefinitionError(f"{key}={found}: use one of {', '.join(allowed)}")

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        found = self.text(key, str(default))
        if found.isdecimal() and least <= int(found) <= most:
            return int(found)
        raise DefinitionError(f"{key}={found}: use a whole number from {least} to {most}")

    def flag(self, key: str, *, default: bool) -> bool:
        return self.choice(key, "true" if default else "false", ("true", "false")) == "true"

"""The stack's configuration, read once; Pulumi.yaml describes every key to people, with the same defaults."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar, get_args

from infra.limits import LIMITS, Cloud
from loopwright.errors import DefinitionError

Auth = Literal["iam", "apikey", "jwt", "public-without-any-check"]
Architecture = Literal["x86_64", "arm64"]
PythonVersion = Literal["3.12", "3.13"]

Choice = TypeVar("Choice", bound=str)

ONLY: Final[Mapping[str, Cloud]] = {
    "apiKey": "gcp",  # on AWS the API makes one
    "architecture": "aws",
    "billingAccount": "gcp",
    "maxInstances": "gcp",
    "snapStart": "aws",
    "vertex": "gcp",
}
"""Keys that one provider alone has a meaning for."""

APIKEY: Final = "apikey"
"""The name of whoever shows the key of all endpoints."""

_KEY_CHARACTERS: Final = 32
_PERSON: Final = re.compile(r"[A-Za-z0-9@._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Memory:
    """Of each kind of function, in MB."""

    predict: int
    api: int
    tracking: int
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
    tracking: bool
    materialize_minutes: int
    provisioned_concurrency: int
    snap_start: bool
    max_instances: int
    image: str
    alarm_email: str
    p99_milliseconds: int
    retention_days: int
    protect: bool
    monthly_budget: int
    billing_account: str
    vertex: bool
    api_key: str = field(repr=False)
    api_keys: Mapping[str, str] = field(repr=False)

    @property
    def folder(self) -> Path:
        """Where the project is on this machine."""
        return self.root / self.project

    def __post_init__(self) -> None:
        """Check what depends on more than one key."""
        self._check_access()
        self._check_budget()
        limits = LIMITS[self.provider]
        if self.snap_start and self.provisioned_concurrency:
            raise DefinitionError(
                f"snapStart=true, provisionedConcurrency={self.provisioned_concurrency}: AWS takes only one of the two"
            )
        if self.image and not limits.image.fullmatch(self.image):
            raise DefinitionError(f"image={self.image}: {self.provider} runs only {limits.image_form}")
        if self.provisioned_concurrency > self.max_instances and self.provider == "gcp":
            raise DefinitionError(
                f"provisionedConcurrency={self.provisioned_concurrency}, maxInstances={self.max_instances}: as many as "
                "are kept warm there must be"
            )

    def _check_access(self) -> None:
        if self.auth == "jwt" and not (self.jwt_issuer.startswith("https://") and self.jwt_audience):
            raise DefinitionError(
                f"jwtIssuer={self.jwt_issuer!r}, jwtAudience={self.jwt_audience!r}: auth=jwt wants an https:// address "
                "and a name"
            )
        if self.auth == "apikey" and self.provider == "gcp" and len(self.api_key) < _KEY_CHARACTERS:
            raise DefinitionError(
                f"auth=apikey wants a key of {_KEY_CHARACTERS} characters or more: "
                '`pulumi config set --secret apiKey "$(openssl rand -hex 32)"`'
            )
        if self.api_keys and self.auth != "apikey":
            raise DefinitionError(f"apiKeys is set, and auth={self.auth} asks for none: set auth=apikey, or remove it")

    def _check_budget(self) -> None:
        if self.monthly_budget and not self.alarm_email:
            raise DefinitionError(
                f"monthlyBudget={self.monthly_budget}: set alarmEmail too, or nobody would be told; 0 sets no budget"
            )
        if self.monthly_budget and self.provider == "gcp" and not self.billing_account:
            raise DefinitionError(
                f"monthlyBudget={self.monthly_budget}: set billingAccount too, to what `gcloud billing accounts list` "
                "calls ACCOUNT_ID; 0 sets no budget"
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
    provider: Cloud = _Keys(source).choice("provider", "aws", get_args(Cloud))
    keys = _Keys(source, provider)
    return StackConfig(
        stack=stack,
        root=root,
        provider=provider,
        project=keys.text("project", "examples/flights"),
        auth=keys.choice("auth", "iam", get_args(Auth)),
        jwt_issuer=keys.text("jwtIssuer", ""),
        jwt_audience=keys.text("jwtAudience", ""),
        architecture=keys.choice("architecture", "x86_64", get_args(Architecture)),
        python_version=keys.choice("pythonVersion", "3.13", get_args(PythonVersion)),
        memory=_memory(keys, LIMITS[provider].memory),
        tracking=keys.flag("tracking", default=True),
        materialize_minutes=keys.whole("materializeMinutes", 15, least=1, most=1440),
        provisioned_concurrency=keys.whole("provisionedConcurrency", 0, least=0, most=1000),
        snap_start=keys.flag("snapStart", default=False),
        max_instances=keys.whole("maxInstances", 20, least=1, most=1000),
        image=keys.text("image", ""),
        alarm_email=keys.text("alarmEmail", ""),
        p99_milliseconds=keys.whole("p99Milliseconds", 1000, least=1, most=60_000),
        retention_days=_retention(keys, LIMITS[provider].retention_days),
        protect=keys.flag("protect", default=True),
        monthly_budget=keys.whole("monthlyBudget", 0, least=0, most=1_000_000),
        billing_account=keys.text("billingAccount", ""),
        vertex=keys.flag("vertex", default=False),
        api_key=keys.text("apiKey", ""),
        api_keys=_people(keys.text("apiKeys", "")),
    )


def _memory(keys: "_Keys", allowed: range) -> Memory:
    def megabytes(key: str, default: int) -> int:
        return keys.whole(key, default, least=allowed[0], most=allowed[-1])

    return Memory(
        predict=megabytes("predictMemory", 1024),
        api=megabytes("apiMemory", 512),
        tracking=megabytes("trackingMemory", 1024),
        collect=megabytes("collectMemory", 1024),
        monitor=megabytes("monitorMemory", 2048),
        materialize=megabytes("materializeMemory", 1024),
    )


def _retention(keys: "_Keys", allowed: Sequence[int]) -> int:
    days = keys.whole("retentionDays", 90, least=allowed[0], most=allowed[-1])
    if days not in allowed:
        raise DefinitionError(f"retentionDays={days}: use one of {', '.join(map(str, allowed))}")
    return days


def _people(told: str) -> Mapping[str, str]:
    """Return people's keys by their names; a message tells no key."""
    found: dict[str, str] = {}
    for one in filter(None, (each.strip() for each in told.split(","))):
        name, _, key = one.partition(":")
        if not _PERSON.fullmatch(name) or len(key) < _KEY_CHARACTERS or name in found or name == APIKEY:
            raise DefinitionError(
                f"apiKeys: wanted <name>:<key of {_KEY_CHARACTERS} characters or more>,<name>:<key>, ... with names of "
                f"letters, digits and @._-, each once and none {APIKEY!r}; {len(found) + 1} is none"
            )
        found[name] = key
    return found


class _Keys:
    """Reads values; with a provider it refuses those that mean nothing there."""

    def __init__(self, source: Source, provider: Cloud | None = None) -> None:
        self._source = source
        self._provider = provider

    def text(self, key: str, default: str) -> str:
        found = self._source.get(key)
        if found is None or found == default:
            return default
        if self._provider and ONLY.get(key, self._provider) != self._provider:
            # Not the value: one of these keys is a secret.
            raise DefinitionError(
                f"{key} is set, and only {ONLY[key]} has it: `pulumi config rm {key}`, or another provider"
            )
        return found

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

"""What the stand-in must know of each type of resource."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.pulumi.provider.inputs import Inputs

Outputs = dict[str, Any]
Made = tuple[str, Outputs]

KINDS: Final[dict[str, type["Kind"]]] = {}
"""All types that the stand-in knows, by their token."""


class UnknownKindError(LookupError):
    """The program uses something of AWS that the stand-in does not know."""


@dataclass(slots=True)
class Aws:
    """An AWS on this machine, and nowhere else."""

    endpoint: str
    region: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _clients: dict[str, Any] = field(default_factory=dict)
    _account: str = ""

    def __post_init__(self) -> None:
        if urlsplit(self.endpoint).hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError(f"AWS_ENDPOINT_URL={self.endpoint}: the stand-in acts on this machine only")

    def api(self, service: str) -> Any:
        """Return the client of a service."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
                    aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
                    config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, read_timeout=900),
                )
            return self._clients[service]

    @property
    def account(self) -> str:
        """The account that the credentials are of."""
        if not self._account:
            self._account = self.api("sts").get_caller_identity()["Account"]
        return self._account

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a thing in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class Kind(ABC):
    """A type of resource. Subclasses register themselves under their token.

    Attributes:
        token: its type in Pulumi's words.
        replaces: the properties that AWS cannot change: another value is another resource.
        named: the property that gets a name of its own when the program gives none.
        tagged: whether it has tags; they come as `tagsAll`, the stack's own included.
        coexists: whether the one that replaces it is made before it is taken away, although neither has a name.
    """

    token: ClassVar[str]
    replaces: ClassVar[frozenset[str]] = frozenset()
    named: ClassVar[str] = ""
    tagged: ClassVar[bool] = False
    coexists: ClassVar[bool] = False

    def __init_subclass__(
        cls, *, token: str = "", replaces: Iterable[str] = (), named: str = "", tagged: bool = False
    ) -> None:
        """Register the type, unless it has no token: then others are made after it."""
        if token:
            cls.token, cls.replaces, cls.named, cls.tagged = token, frozenset({*replaces, named} - {""}), named, tagged
            KINDS[token] = cls

    @abstractmethod
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        """Make it, and return its id and what else there is to know of it."""

    @abstractmethod
    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        """Return those of its properties that can be asked as they are now, or None if it is gone.

        `known` is what they were.

        Raises:
            ClientError: AWS says that it is gone, or anything else.
        """

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        """Change it to what is asked for now, and return what else has changed with that.

        Raises:
            UnknownKindError: nobody has written how; see there.
        """
        raise UnknownKindError(
            f"{self.token} {id_}: the stand-in for AWS cannot change it in place; name the property in `replaces` if "
            "AWS makes another one, else write its `update` in tests/pulumi/provider"
        )

    @abstractmethod
    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        """Take it away."""


class Put(Kind):
    """A type of resource that AWS makes and changes by the same call."""

    @abstractmethod
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        """Make it, or make it what is asked for now."""

    def create(self, aws: Aws, inputs: Inputs) -> Made:
        return self.put(aws, inputs)

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        return self.put(aws, inputs)[1]


def kind(token: str) -> Kind:
    """Return a type.

    Raises:
        UnknownKindError: the stand-in does not know it.
    """
    if token not in KINDS:
        raise UnknownKindError(f"{token}: the stand-in for AWS does not know this type; see tests/pulumi/provider")
    return KINDS[token]()


def is_gone(error: ClientError) -> bool:
    """Return whether AWS says that there is no such thing."""
    code = error.response["Error"]["Code"]
    return code in {"404", "NoSuchEntity"} or any(
        part in code for part in ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")
    )


def changed(known: Mapping[str, Any], inputs: Inputs, *names: str) -> bool:
    """Return whether any of these properties is not what it was."""
    wanted = inputs.plain()
    return any(known.get(name) != wanted.get(name) for name in names)


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags in the form that most of AWS's APIs have them."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def retag(api: Any, id_key: str, arn: str, known: Mapping[str, Any], inputs: Inputs) -> None:
    """Change the tags of a thing, by the calls that most of AWS's newer APIs have."""
    before, now = known.get("tagsAll", {}), inputs.get("tagsAll", {})
    if gone := sorted(before.keys() - now.keys()):
        api.untag_resource(**{id_key: arn}, TagKeys=gone)
    if now != before:
        api.tag_resource(**{id_key: arn}, Tags=pairs(now))

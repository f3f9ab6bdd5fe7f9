"""What is the same for all types of AWS's."""

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from tests.pulumi.provider import kinds
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs, changed

__all__ = ["Aws", "Inputs", "Kind", "Made", "Outputs", "Put", "changed", "pairs", "retag"]


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


class Kind(kinds.Kind[Aws]):
    """A type of AWS's; `tagged`: it has tags, which come as `tagsAll`, the stack's own included."""

    def __init_subclass__(
        cls, *, token: str = "", replaces: Iterable[str] = (), named: str = "", tagged: bool = False
    ) -> None:
        """Register the type, unless it has no token."""
        super().__init_subclass__(
            token=token, replaces=replaces, named=named, completed={"tagsAll": "tags"} if tagged else {}
        )


class Put(kinds.Put[Aws], Kind):
    """A type of AWS's that is made and changed by the same call."""


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

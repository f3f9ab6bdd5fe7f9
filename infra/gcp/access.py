"""How functions that are open to the network know their callers: by a key, or by tokens of a configured issuer."""

from collections.abc import Mapping
from typing import assert_never

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.config import StackConfig
from infra.gcp.place import Place
from infra.keys import digests


def is_open(config: StackConfig) -> bool:
    """Return whether Cloud Run lets everybody through to an endpoint, and the function itself checks who it is.

    Nothing is open without any check unless the configuration says so in as many words.
    """
    match config.auth:
        case "iam":
            return False
        case "apikey" | "jwt" | "public-without-any-check":
            return True
        case _:
            assert_never(config.auth)


def access_variables(config: StackConfig, *, people: bool, named: bool = False) -> Mapping[str, str]:
    """Return the variables by which a function knows who may call it; a key is a secret's.

    `people`: it is not only schedules and messages that call it. `named`: it makes a difference which of them does.
    """
    told = {"LOOPWRIGHT_AUTH": config.auth if people else "iam"}
    if named and not is_open(config):
        told["LOOPWRIGHT_AUTH_FRONT"] = "cloud-run"
    if named and config.api_keys:
        told["LOOPWRIGHT_API_KEYS"] = digests(config.api_keys)
    if people and config.auth == "jwt":
        told |= {"LOOPWRIGHT_JWT_ISSUER": config.jwt_issuer, "LOOPWRIGHT_JWT_AUDIENCE": config.jwt_audience}
    return told


def api_key(place: Place, config: StackConfig) -> "ApiKey | None":
    """Make the key that callers show, if they do."""
    return ApiKey(place, config.api_key) if config.auth == "apikey" else None


class ApiKey(pulumi.ComponentResource):
    """The configured key in Secret Manager; functions get it from there and nobody else does.

    Attributes:
        secret: its name there.
        version: of it that functions are given: a new key makes new revisions of them.
        value: the key itself, a secret of the stack.
    """

    secret: Output[str]
    version: Output[str]
    value: Output[str]

    def __init__(self, place: Place, key: str) -> None:
        name = place.named("api-key")
        super().__init__("loopwright:gcp:ApiKey", name)
        self._place = place
        made = gcp.secretmanager.Secret(
            name,
            project=place.project,
            secret_id=name,
            replication=gcp.secretmanager.SecretReplicationArgs(
                user_managed=gcp.secretmanager.SecretReplicationUserManagedArgs(
                    replicas=[gcp.secretmanager.SecretReplicationUserManagedReplicaArgs(location=place.region)]
                )
            ),
            deletion_protection=False,  # the key is in the configuration
            opts=ResourceOptions(parent=self),
        )
        self.value = Output.secret(key)
        version = gcp.secretmanager.SecretVersion(
            name, secret=made.id, secret_data=self.value, opts=ResourceOptions(parent=made)
        )
        self.secret, self.version = made.secret_id, version.version
        self.register_outputs({})

    def readable_by(self, function: str, account: gcp.serviceaccount.Account) -> gcp.secretmanager.SecretIamMember:
        """Let a function have the key."""
        return gcp.secretmanager.SecretIamMember(
            self._place.named(f"{function}-key"),
            project=self._place.project,
            secret_id=self.secret,
            role="roles/secretmanager.secretAccessor",
            member=account.member,
            opts=ResourceOptions(parent=account),
        )

"""Who may call the functions over HTTP, and where."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.config import StackConfig
from infra.gcp.access import ApiKey
from infra.gcp.place import Place
from infra.gcp.services import Service


class Endpoints(pulumi.ComponentResource):
    """The addresses of the functions that people call, and who is let through to them.

    Cloud Run asks for a token of Google's for somebody with the role `run.invoker`, unless the configuration names
    another way. Then everybody is let through, and the function itself checks the key or the token; nothing is open
    without any check unless the configuration says so in as many words.

    Attributes:
        outputs: the URL of each function, as `<function>Url`, and where there is one the secret `apiKey`.
    """

    outputs: Mapping[str, Output[str]]

    def __init__(self, place: Place, config: StackConfig, services: Sequence[Service], key: ApiKey | None) -> None:
        super().__init__("loopwright:gcp:Endpoints", place.named("endpoints"))
        if _is_open(config):
            for one in services:
                gcp.cloudrunv2.ServiceIamMember(
                    place.named(f"{one.spec.name}-everybody"),
                    project=place.project,
                    location=place.region,
                    name=one.resource.name,
                    role="roles/run.invoker",
                    member="allUsers",
                    opts=ResourceOptions(parent=self),
                )
        urls = {f"{one.spec.name}Url": Output.concat(one.url, "/") for one in services}
        self.outputs = {**urls, "apiKey": key.value} if key else urls
        self.register_outputs(dict(self.outputs))


def _is_open(config: StackConfig) -> bool:
    match config.auth:
        case "iam":
            return False
        case "apikey" | "jwt" | "public-without-any-check":
            return True
        case _:
            assert_never(config.auth)

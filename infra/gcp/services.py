"""A function as a service of Cloud Run, with an account and an environment of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from infra.config import StackConfig
from infra.gcp.access import ApiKey, access_variables, is_open
from infra.gcp.callers import Callers, audience, checked_by
from infra.gcp.roles import Account, Ground
from infra.gcp.sizes import limits
from infra.spec import EVERYTHING, FunctionSpec

COMMAND: Final = ("python", "-m", "functions.container")
PORT: Final = 8080
HEALTH: Final = "/health"

_AT_ONCE: Final = 40
"""Requests that one instance answers; each keeps a processor busy for milliseconds, and waits for the rest."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all functions have in common.

    Attributes:
        ground: what permissions are about.
        config: the stack's.
        image: that all of them run.
        callers: schedules and messages.
        key: that people show, if they do.
    """

    ground: Ground
    config: StackConfig
    image: Input[str]
    callers: Callers
    key: ApiKey | None


class Service(pulumi.ComponentResource):
    """One function.

    Attributes:
        spec: what it is made after.
        account: what it runs as.
        resource: itself.
        url: where it answers, without a slash at the end.
    """

    spec: FunctionSpec
    account: Account
    resource: gcp.cloudrunv2.Service
    url: Output[str]

    def __init__(
        self, spec: FunctionSpec, around: Surroundings, environment: Mapping[str, Input[str]], *, called: bool
    ) -> None:
        place = around.ground.place
        self._name = place.named(spec.name)
        super().__init__("loopwright:gcp:Service", self._name)
        self.spec, self._around, self._environment, self._called = spec, around, environment, called
        self.account = around.ground.account(spec.name, spec.permissions, self)
        self._open = bool(spec.routes) and is_open(around.config)
        ready = [*self.account.grants]
        if around.key and spec.routes:
            ready.append(around.key.readable_by(spec.name, self.account.resource))
        self.resource = gcp.cloudrunv2.Service(
            self._name,
            project=place.project,
            location=place.region,
            name=self._name,
            # Cloud Scheduler and Pub/Sub come from inside.
            ingress="INGRESS_TRAFFIC_ALL" if spec.routes else "INGRESS_TRAFFIC_INTERNAL_ONLY",
            invoker_iam_disabled=self._open,
            custom_audiences=[audience(place, spec.name)],
            deletion_protection=False,  # it keeps nothing
            template=self._template(),
            opts=ResourceOptions(parent=self, depends_on=ready),
        )
        self.url = self.resource.uri
        if called:
            around.callers.may_call(spec.name, self.resource)
        self.register_outputs({"name": self.resource.name})

    def _template(self) -> gcp.cloudrunv2.ServiceTemplateArgs:
        spec, config = self.spec, self._around.config
        return gcp.cloudrunv2.ServiceTemplateArgs(
            service_account=self.account.resource.email,
            execution_environment="EXECUTION_ENVIRONMENT_GEN2",
            timeout=f"{spec.timeout.total_seconds():g}s",
            max_instance_request_concurrency=_AT_ONCE if spec.routes else 1,
            scaling=gcp.cloudrunv2.ServiceTemplateScalingArgs(
                min_instance_count=spec.warm,
                max_instance_count=config.max_instances if spec.routes else _calls(spec),
            ),
            containers=[self._container()],
        )

    def _container(self) -> gcp.cloudrunv2.ServiceTemplateContainerArgs:
        return gcp.cloudrunv2.ServiceTemplateContainerArgs(
            image=self._around.image,
            commands=list(COMMAND),
            args=[self.spec.name],
            ports=gcp.cloudrunv2.ServiceTemplateContainerPortsArgs(container_port=PORT),
            resources=gcp.cloudrunv2.ServiceTemplateContainerResourcesArgs(
                limits=limits(self.spec.memory, self.spec.cpu),
                cpu_idle=True,  # nothing is paid for between requests
                startup_cpu_boost=True,
            ),
            envs=list(self._variables()),
            startup_probe=gcp.cloudrunv2.ServiceTemplateContainerStartupProbeArgs(
                http_get=gcp.cloudrunv2.ServiceTemplateContainerStartupProbeHttpGetArgs(path=HEALTH, port=PORT),
                period_seconds=1,
                timeout_seconds=1,
                failure_threshold=60,
            ),
            liveness_probe=_alive() if self.spec.routes else None,
        )

    def _variables(self) -> Iterator[gcp.cloudrunv2.ServiceTemplateContainerEnvArgs]:
        around = self._around
        people = bool(self.spec.routes)
        access = access_variables(around.config, people=people, named=EVERYTHING in self.spec.routes)
        checked = checked_by(around.ground.place, self.spec.name, front=not self._open) if self._called else {}
        for name, value in {**self._environment, **checked, **access}.items():
            yield gcp.cloudrunv2.ServiceTemplateContainerEnvArgs(name=name, value=value)
        if around.key and people:
            reference = gcp.cloudrunv2.ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=around.key.secret, version=around.key.version
            )
            yield gcp.cloudrunv2.ServiceTemplateContainerEnvArgs(
                name="LOOPWRIGHT_API_KEY",
                value_source=gcp.cloudrunv2.ServiceTemplateContainerEnvValueSourceArgs(secret_key_ref=reference),
            )


def _calls(spec: FunctionSpec) -> int:
    """Return how many calls there are at once of a function that people do not call."""
    return max((feed.calls for feed in spec.feeds), default=1)


def _alive() -> gcp.cloudrunv2.ServiceTemplateContainerLivenessProbeArgs:
    """Return how an instance is known to be alive; one that computes for minutes has no time to say so."""
    return gcp.cloudrunv2.ServiceTemplateContainerLivenessProbeArgs(
        http_get=gcp.cloudrunv2.ServiceTemplateContainerLivenessProbeHttpGetArgs(path=HEALTH, port=PORT),
        period_seconds=30,
        timeout_seconds=10,
        failure_threshold=3,
    )

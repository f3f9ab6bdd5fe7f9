"""Google's services: each has to be switched on in a project before anything of it can be made there."""

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import ResourceOptions

from infra.gcp.place import Place
from infra.spec import Sign, StackSpec

_SERVICE: Final = "gcp:projects/service:Service"

_ALWAYS: Final = (
    "artifactregistry",
    "cloudscheduler",
    "firestore",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
)


class Apis(pulumi.ComponentResource):
    """The services that a stack uses; they stay on when it goes, for others may use them too."""

    def __init__(self, place: Place, spec: StackSpec) -> None:
        super().__init__("loopwright:gcp:Apis", place.named("apis"))
        wait_for([self._switched_on(place, name) for name in _used(spec)])
        self.register_outputs({})

    def _switched_on(self, place: Place, name: str) -> gcp.projects.Service:
        return gcp.projects.Service(
            place.named(name),
            project=place.project,
            service=f"{name}.googleapis.com",
            disable_on_destroy=False,
            opts=ResourceOptions(parent=self),
        )


def _used(spec: StackSpec) -> Sequence[str]:
    more = {
        "cloudbuild": not spec.config.image,
        "iamcredentials": any(Sign() in one.permissions for one in spec.functions),
        "aiplatform": spec.containers or spec.config.vertex,
        "billingbudgets": bool(spec.config.monthly_budget),
    }
    return (*_ALWAYS, *(name for name, used in more.items() if used))


def wait_for(services: Sequence[gcp.projects.Service]) -> None:
    """Make everything that comes from now on wait until these are on."""

    def waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("gcp:") or args.type_ == _SERVICE:
            return None
        opts = ResourceOptions.merge(args.opts, ResourceOptions(depends_on=list(services)))
        return pulumi.ResourceTransformationResult(props=args.props, opts=opts)

    pulumi.runtime.register_stack_transformation(waiting)

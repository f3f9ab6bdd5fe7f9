"""A stack on AWS: each part of the specification is made by the component that it names."""

from collections.abc import Mapping
from typing import Final, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from infra.artifacts import Artifacts
from infra.aws.endpoints import SignedUrls
from infra.aws.functions import Function, Image, Zip
from infra.aws.messaging import Messaging
from infra.aws.place import Place, this_place
from infra.aws.roles import Ground
from infra.aws.schedules import Schedules
from infra.aws.storage import Storage
from infra.spec import FunctionSpec, StackSpec

_PROJECT: Final = "/var/task/project"


def build(spec: StackSpec, artifacts: Artifacts) -> Mapping[str, object]:
    """Make everything, and return what people need to know of it."""
    config = spec.config
    place = this_place(spec.prefix)
    storage = Storage(place, protect=config.protect)
    messaging = Messaging(place, spec.queues, spec.rules)
    ground = Ground(place, storage, messaging)
    environment = _environment(place, storage, messaging)
    zips = {kind: _uploaded(place, storage, artifacts, kind) for kind in ("serve", "lake")}

    def function(one: FunctionSpec) -> Function:
        variables = {**environment, "LOOPWRIGHT_PROJECT": _PROJECT}
        return Function(one, zips[one.package], ground=ground, config=config, environment=variables)

    functions = {one.name: function(one) for one in spec.functions}
    if config.training_image:
        variables = {**environment, "LOOPWRIGHT_PROJECT": "/opt/loopwright/project"}
        Function(spec.jobs, Image(config.training_image), ground=ground, config=config, environment=variables)
    Schedules(place, spec.schedules, functions, messaging.failures)
    urls = SignedUrls(place, [one for one in functions.values() if one.spec.routes]).urls
    return {
        "urls": urls,
        "bucket": storage.bucket.bucket,
        "table": storage.table.name,
        "bus": messaging.bus.name,
        "queues": {name: pair.alive.url for name, pair in messaging.queues.items()},
        "functions": {name: one.resource.name for name, one in functions.items()},
        "environment": {
            **environment,
            "AWS_REGION": place.region,
            "LOOPWRIGHT_PROJECT": pulumi.Config().get("project"),
        },
    }


def _environment(place: Place, storage: Storage, messaging: Messaging) -> Mapping[str, Input[str]]:
    """Return the variables that `loopwright.settings.Settings.from_env` reads; Lambda sets the region itself."""
    return {
        "LOOPWRIGHT_PROVIDER": "aws",
        "LOOPWRIGHT_AWS_BUCKET": storage.bucket.bucket,
        "LOOPWRIGHT_AWS_TABLE": storage.table.name,
        "LOOPWRIGHT_AWS_QUEUES": place.prefix,
        "LOOPWRIGHT_AWS_BUS": messaging.bus.name,
        "LOOPWRIGHT_AWS_NAMESPACE": place.prefix,
        "LOOPWRIGHT_AWS_JOB_FUNCTION": place.named("jobs"),
    }


def _uploaded(place: Place, storage: Storage, artifacts: Artifacts, kind: Literal["serve", "lake"]) -> Zip:
    built = artifacts.package(kind)
    made = aws.s3.BucketObjectv2(
        place.named(f"package-{kind}"),
        bucket=storage.bucket.bucket,
        key=f"packages/{kind}-{built.digest}.zip",
        source=pulumi.FileAsset(str(built.path)),
        opts=ResourceOptions(parent=storage),
    )
    return Zip(storage.bucket.bucket, made.key)

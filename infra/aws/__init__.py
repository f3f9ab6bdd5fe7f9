"""A stack on AWS: each part of the specification is made by the component that it names."""

from collections.abc import Mapping
from typing import Final, assert_never, get_args

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from infra.artifacts import Artifacts, ZipKind
from infra.aws.alarms import Alarms
from infra.aws.budget import budget
from infra.aws.dashboard import dashboard
from infra.aws.endpoints import endpoints
from infra.aws.functions import Function, Zip
from infra.aws.jobs import Jobs
from infra.aws.key_api import ApiKey
from infra.aws.messaging import Messaging
from infra.aws.place import Place, this_place
from infra.aws.roles import Ground
from infra.aws.schedules import Schedules
from infra.aws.storage import Storage
from infra.aws.tags import tag_everything
from infra.config import APIKEY, StackConfig
from infra.keys import digests
from infra.spec import EVERYTHING, FunctionSpec, PackageKind, StackSpec, StartJobs

_PROJECT: Final = "/var/task/project"


def build(spec: StackSpec, artifacts: Artifacts) -> Mapping[str, object]:
    """Make everything, and return what people need to know of it."""
    config, place = spec.config, this_place(spec.prefix)
    tag_everything({"loopwright:stack": spec.prefix})
    storage = Storage(place, protect=config.protect)
    messaging = Messaging(place, spec.queues, spec.rules)
    ground = Ground(place, storage, messaging)
    environment = _environment(place, storage, messaging)
    jobs = Jobs(spec, artifacts, ground, environment)
    key = ApiKey(place) if config.auth == "apikey" else None
    functions = _functions(spec, artifacts, ground, {**environment, "LOOPWRIGHT_PROJECT": _PROJECT}, jobs, key)
    Schedules(place, spec.schedules, functions, messaging.failures)
    urls = endpoints(place, config, [one for one in functions.values() if one.spec.routes], key)
    Alarms(place, spec.alarms, email=config.alarm_email)
    page = dashboard(place, spec)
    if config.monthly_budget:
        budget(place, dollars=config.monthly_budget, email=config.alarm_email)
    region = {"LOOPWRIGHT_AWS_REGION": place.region, "AWS_REGION": place.region}  # AWS's own tools want it too
    laptop = {**environment, **jobs.environment, **region, "LOOPWRIGHT_PROJECT": config.project}
    return {
        **urls,
        "bucket": storage.bucket.bucket,
        "table": storage.table.name,
        "bus": messaging.bus.name,
        "queues": {name: pair.alive.name for name, pair in messaging.queues.items()},
        "functions": {name: one.resource.name for name, one in (*functions.items(), ("jobs", jobs.function))},
        "dashboard": page.dashboard_name,
        "environment": laptop,
    }


def _functions(
    spec: StackSpec,
    artifacts: Artifacts,
    ground: Ground,
    environment: Mapping[str, Input[str]],
    jobs: Jobs,
    key: ApiKey | None,
) -> Mapping[str, Function]:
    """Make every function that is a zip; only who starts jobs knows where these run, and who checks keys has one."""
    wanted = {one.package for one in spec.functions}
    zips: dict[PackageKind, Zip] = {
        kind: _uploaded(ground, artifacts, kind) for kind in get_args(ZipKind) if kind in wanted
    }

    def made(one: FunctionSpec) -> Function:
        starts = any(isinstance(permission, StartJobs) for permission in one.permissions)
        checks = _checks(spec.config, key) if EVERYTHING in one.routes else {}
        variables = {**environment, **(jobs.environment if starts else {}), **checks}
        return Function(one, zips[one.package], ground=ground, config=spec.config, environment=variables)

    return {one.name: made(one) for one in spec.functions}


def _checks(config: StackConfig, key: ApiKey | None) -> Mapping[str, Input[str]]:
    """Return the variables by which a function with an API of its own knows its callers (`functions.access`).

    An API that checks signatures or tokens lets nobody through whom it does not know. Keys are told by their digests:
    who reads a function's configuration learns none.
    """
    match config.auth:
        case "iam" | "jwt":
            return {"LOOPWRIGHT_AUTH": "iam"}
        case "public-without-any-check":
            return {"LOOPWRIGHT_AUTH": config.auth}
        case "apikey":
            assert key is not None  # noqa: S101 - it is made where it is configured
            told = key.value.apply(lambda value: digests({APIKEY: value, **config.api_keys}))
            return {"LOOPWRIGHT_AUTH": "apikey", "LOOPWRIGHT_API_KEYS": Output.unsecret(told)}
        case _:
            assert_never(config.auth)


def _environment(place: Place, storage: Storage, messaging: Messaging) -> Mapping[str, Input[str]]:
    """Return the variables that `loopwright.settings.Settings.from_env` reads; Lambda sets the region itself."""
    return {
        "LOOPWRIGHT_PROVIDER": "aws",
        "LOOPWRIGHT_AWS_BUCKET": storage.bucket.bucket,
        "LOOPWRIGHT_AWS_TABLE": storage.table.name,
        "LOOPWRIGHT_AWS_QUEUES": place.prefix,
        "LOOPWRIGHT_AWS_ACCOUNT": place.account,
        "LOOPWRIGHT_AWS_BUS": messaging.bus.name,
        "LOOPWRIGHT_AWS_NAMESPACE": place.prefix,
    }


def _uploaded(ground: Ground, artifacts: Artifacts, kind: ZipKind) -> Zip:
    built, place, storage = artifacts.package(kind), ground.place, ground.storage
    made = aws.s3.BucketObjectv2(
        place.named(f"package-{kind}"),
        bucket=storage.bucket.bucket,
        key=f"packages/{kind}-{built.digest}.zip",
        source=pulumi.FileAsset(str(built.path)),
        opts=ResourceOptions(parent=storage),
    )
    return Zip(storage.bucket.bucket, made.key)

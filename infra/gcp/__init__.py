"""A stack on Google Cloud: each part of the specification is made by the component that it names."""

from collections.abc import Mapping
from typing import Final

from pulumi import Input

from infra.artifacts import Artifacts
from infra.gcp.access import api_key
from infra.gcp.alarms import Alarms
from infra.gcp.apis import Apis
from infra.gcp.budget import budget
from infra.gcp.callers import Callers
from infra.gcp.dashboard import dashboard
from infra.gcp.endpoints import endpoints
from infra.gcp.feeds import Feeds, pushed
from infra.gcp.image import BuiltImage
from infra.gcp.jobs import Jobs
from infra.gcp.labels import label_everything
from infra.gcp.logs import Logs
from infra.gcp.measurements import Measurements
from infra.gcp.messaging import Messaging
from infra.gcp.place import Place, this_place
from infra.gcp.roles import Ground
from infra.gcp.schedules import Schedules
from infra.gcp.services import Service, Surroundings
from infra.gcp.storage import Storage
from infra.spec import FunctionSpec, Mirror, StackSpec, StartJobs

_PROJECT: Final = "/opt/loopwright/project"
LABEL: Final = "loopwright-stack"


def build(spec: StackSpec, artifacts: Artifacts) -> Mapping[str, object]:
    """Make everything, and return what people need to know of it."""
    config, place = spec.config, this_place(spec.prefix)
    label_everything({LABEL: spec.prefix})
    Apis(place, spec)
    storage = Storage(place, protect=config.protect)
    messaging = Messaging(place, spec.queues, spec.rules, pushed=pushed(spec.functions))
    Logs(place, spec, storage=storage, messaging=messaging)
    Measurements(place, spec)
    ground = Ground(place, storage, messaging)
    image = config.image or BuiltImage(ground, artifacts.image_context()).uri
    environment = _environment(place, storage)
    there = {**environment, "LOOPWRIGHT_PROJECT": _PROJECT, "LOOPWRIGHT_LOGS": "json"}
    jobs = Jobs(spec, image, ground, there)
    around = Surroundings(ground, config, image, Callers(place, messaging.agent), api_key(place, config))
    services = _services(spec, around, there, jobs)
    Feeds(place, spec.queues, services.values(), messaging=messaging, callers=around.callers)
    Schedules(place, spec.schedules, services, around.callers)
    urls = endpoints([one for one in services.values() if one.spec.routes], around.key)
    alarms = Alarms(place, spec)
    page = dashboard(place, spec)
    if config.monthly_budget:
        budget(place, config, alarms.channels)
    return {
        **urls,
        "bucket": storage.bucket.name,
        "database": storage.database.name,
        "events": messaging.events.name,
        "queues": {one.name: place.named(one.name) for one in spec.queues},
        "functions": {name: one.resource.name for name, one in services.items()} | {spec.jobs.name: jobs.job.name},
        "dashboard": page.id,
        "environment": {
            **environment,
            **jobs.environment,
            **(_shown(image) if config.vertex else {}),
            "LOOPWRIGHT_PROJECT": config.project,
        },
    }


def _services(
    spec: StackSpec, around: Surroundings, environment: Mapping[str, Input[str]], jobs: Jobs
) -> Mapping[str, Service]:
    """Make every function; only who starts jobs knows where these run, and may start them."""
    scheduled = {one.function for one in spec.schedules}

    def made(one: FunctionSpec) -> Service:
        starts = any(isinstance(permission, StartJobs) for permission in one.permissions)
        shown = _shown(around.image) if Mirror() in one.permissions else {}
        variables = {**environment, **(jobs.environment if starts else {}), **shown}
        service = Service(one, around, variables, called=one.name in scheduled or bool(one.feeds))
        if starts:
            jobs.let_start(one.name, service.account.resource)
        return service

    return {one.name: made(one) for one in spec.functions}


def _environment(place: Place, storage: Storage) -> Mapping[str, Input[str]]:
    """Return the variables from which the adapters read where everything is."""
    return {
        "LOOPWRIGHT_PROVIDER": "gcp",
        "LOOPWRIGHT_GCP_PROJECT": place.project,
        "LOOPWRIGHT_GCP_REGION": place.region,
        "LOOPWRIGHT_GCP_BUCKET": storage.bucket.name,
        "LOOPWRIGHT_GCP_DATABASE": storage.database.name,
        "LOOPWRIGHT_GCP_QUEUES": place.prefix,
    }


def _shown(image: Input[str]) -> Mapping[str, Input[str]]:
    """Return the variables of what shows versions and runs in Vertex AI; a model there names what would serve it."""
    return {"LOOPWRIGHT_GCP_VERTEX": "true", "LOOPWRIGHT_GCP_SERVING_IMAGE": image}

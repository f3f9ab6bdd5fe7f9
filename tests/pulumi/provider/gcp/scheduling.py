"""Schedules that call something."""

from tests.pulumi.provider.gcp.kinds import Google, Json, Resource, region
from tests.pulumi.provider.inputs import Inputs


class Schedule(Resource, token="gcp:cloudscheduler/job:Job", named="name", replaces=["region"]):
    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{region(google, inputs, 'region')}/jobs"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def asked(self, name: str, body: Json) -> Json:
        return {"name": name, **body}

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel("description", "schedule", "timeZone", "attemptDeadline", "retryConfig", "httpTarget")

"""Logs, alarms, dashboards, budgets."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from tests.pulumi.provider.gcp.kinds import Google, Json, Resource, given, project, region
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Outputs


class LogBucket(
    Resource, token="gcp:logging/projectBucketConfig:ProjectBucketConfig", replaces=["bucketId", "location"]
):
    version = "v2"
    query = "bucketId"

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{region(google, inputs)}/buckets"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["bucketId"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel("description", "retentionDays", "locked")

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        if google.call("GET", f"/v2/{id_}").get("lifecycleState") == "DELETE_REQUESTED":
            return None
        return super().read(google, id_, known)

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"]}


class _OfProject(Resource):
    """What a project has by a name that it is asked for with."""

    version = "v2"
    kinds: ClassVar[str]

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{project(google, inputs)}/{self.kinds}"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def asked(self, name: str, body: Json) -> Json:
        return {"name": name, **body}

    def identity(self, collection: str, name: str, made: Json) -> str:
        return f"{collection}/{quote(name, safe='')}"


class Sink(_OfProject, token="gcp:logging/projectSink:ProjectSink", named="name"):
    kinds = "sinks"

    def body(self, google: Google, inputs: Inputs) -> Json:
        inputs.get("uniqueWriterIdentity")  # every writer here is the project's own
        return inputs.camel("destination", "filter", "description", "disabled")

    def known(self, google: Google, found: Json) -> Outputs:
        return {"writerIdentity": found["writerIdentity"]}


class Exclusion(_OfProject, token="gcp:logging/projectExclusion:ProjectExclusion", named="name"):
    kinds = "exclusions"

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel("filter", "description", "disabled")


class LogMetric(_OfProject, token="gcp:logging/metric:Metric", named="name"):
    kinds = "metrics"
    method = "PUT"
    masked = False

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel(
            "filter", "description", "metricDescriptor", "valueExtractor", "labelExtractors", "bucketOptions"
        )


class _Numbered(Resource):
    """What Google names."""

    version = "v3"
    kinds: ClassVar[str]

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{project(google, inputs)}/{self.kinds}"

    def name(self, inputs: Inputs) -> str:
        return ""

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"]}


class AlertPolicy(_Numbered, token="gcp:monitoring/alertPolicy:AlertPolicy"):
    kinds = "alertPolicies"

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel(
            "displayName",
            "combiner",
            "conditions",
            "documentation",
            "alertStrategy",
            "notificationChannels",
            "userLabels",
            "severity",
        )


class Channel(_Numbered, token="gcp:monitoring/notificationChannel:NotificationChannel", replaces=["type"]):
    kinds = "notificationChannels"

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel("displayName", "type", "labels", "userLabels", "enabled")


class Dashboard(_Numbered, token="gcp:monitoring/dashboard:Dashboard"):
    version = "v1"
    kinds = "dashboards"

    def body(self, google: Google, inputs: Inputs) -> Json:
        page: Json = json.loads(inputs["dashboardJson"])
        return page

    def known(self, google: Google, found: Json) -> Outputs:
        return {}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        if not super().read(google, id_, known):
            return {}
        found = google.call("GET", f"/v1/{id_}")
        return {"dashboardJson": json.dumps({name: found[name] for name in sorted(found) if name != "name"})}


class Budget(Resource, token="gcp:billing/budget:Budget", replaces=["billingAccount"]):
    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"billingAccounts/{inputs['billingAccount']}/budgets"

    def name(self, inputs: Inputs) -> str:
        return ""

    def body(self, google: Google, inputs: Inputs) -> Json:
        rules = given(notificationsRule=inputs.part("allUpdatesRule").camel("monitoringNotificationChannels"))
        return {
            **inputs.camel("displayName", "budgetFilter", "amount", "thresholdRules"),
            **rules,
        }

    properties: ClassVar[Mapping[str, str]] = {"notificationsRule": "allUpdatesRule"}

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"].rpartition("/")[2]}

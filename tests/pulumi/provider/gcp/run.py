"""Cloud Run: services and jobs; and the repositories of their images."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.gcp.kinds import Google, Json, Resource, given, region, renamed
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Outputs


def _container(container: Inputs) -> Json:
    resources = container.part("resources")
    ports = container.part("ports")
    return {
        **renamed(container, image="image", commands="command", args="args", workingDir="workingDir"),
        **given(
            env=[_variable(one) for one in container.parts("envs")],
            resources=resources.camel("limits", "cpuIdle", "startupCpuBoost"),
            ports=[ports.camel("containerPort", "name")] if "ports" in container else None,
            startupProbe=_probe(container.part("startupProbe")),
            livenessProbe=_probe(container.part("livenessProbe")),
        ),
    }


def _variable(variable: Inputs) -> Json:
    source = variable.part("valueSource").part("secretKeyRef").camel("secret", "version")
    return {"name": variable["name"], **({"valueSource": {"secretKeyRef": source}} if source else _value(variable))}


def _value(variable: Inputs) -> Json:
    return {"value": variable.get("value", "")}


def _probe(probe: Inputs) -> Json:
    return probe.camel(
        "httpGet", "tcpSocket", "periodSeconds", "timeoutSeconds", "failureThreshold", "initialDelaySeconds"
    )


class Service(Resource, token="gcp:cloudrunv2/service:Service", named="name", replaces=["location"], labelled=True):
    version = "v2"
    query = "serviceId"
    masked = False

    def parent(self, google: Google, inputs: Inputs) -> str:
        inputs.get("deletionProtection")  # Pulumi's own: it is not told to Google
        return f"{region(google, inputs)}/services"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        template = inputs.part("template")
        made = {
            **template.camel(
                "serviceAccount", "executionEnvironment", "timeout", "maxInstanceRequestConcurrency", "scaling"
            ),
            "containers": [_container(one) for one in template.parts("containers")],
        }
        return {
            **given(labels=inputs.get("effectiveLabels")),
            **inputs.camel("ingress", "invokerIamDisabled", "customAudiences", "description"),
            "template": made,
        }

    def known(self, google: Google, found: Json) -> Outputs:
        return {"uri": found["uri"], "urls": found["urls"], "latestReadyRevision": found["latestReadyRevision"]}

    def update(self, google: Google, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        return super().update(google, id_, inputs, known)


class Job(Resource, token="gcp:cloudrunv2/job:Job", named="name", replaces=["location"], labelled=True):
    version = "v2"
    query = "jobId"
    masked = False

    def parent(self, google: Google, inputs: Inputs) -> str:
        inputs.get("deletionProtection")
        return f"{region(google, inputs)}/jobs"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        template = inputs.part("template")
        task = template.part("template")
        made = {
            **task.camel("serviceAccount", "executionEnvironment", "timeout", "maxRetries"),
            "containers": [_container(one) for one in task.parts("containers")],
        }
        return {
            **given(labels=inputs.get("effectiveLabels")),
            **inputs.camel("runExecutionToken", "startExecutionToken"),
            "template": {**template.camel("parallelism", "taskCount"), "template": made},
        }


class Repository(
    Resource,
    token="gcp:artifactregistry/repository:Repository",
    named="repositoryId",
    replaces=["location", "format"],
    labelled=True,
):
    query = "repositoryId"

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{region(google, inputs)}/repositories"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["repositoryId"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        policies = {
            one["id"]: given(
                id=one["id"],
                action=one["action"],
                condition=one.part("condition").camel("tagState", "olderThan", "tagPrefixes"),
                mostRecentVersions=one.part("mostRecentVersions").camel("keepCount"),
            )
            for one in inputs.parts("cleanupPolicies")
        }
        return {
            **given(labels=inputs.get("effectiveLabels"), cleanupPolicies=policies),
            **inputs.camel("format", "description", "mode"),
            **({"dockerConfig": inputs["dockerConfig"]} if "dockerConfig" in inputs else {}),
        }

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"].rpartition("/")[2]}

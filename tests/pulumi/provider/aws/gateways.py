"""REST APIs, and the keys of their callers.

An API comes as one OpenAPI document, as it does to AWS; ministack takes no documents for these, so it is told of each
path, method and integration in it by a call of its own.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, changed
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.wire import secret

_ROOT: Final = "/"


class RestApi(
    Kind, token="aws:apigateway/restApi:RestApi", named="name", replaces=["endpointConfiguration"], tagged=True
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        types = inputs.part("endpointConfiguration").get("types")
        made = aws.api("apigateway").create_rest_api(
            **inputs.camel("name", "description", "apiKeySource"),
            endpointConfiguration={"types": [types]},
            tags=inputs.get("tagsAll", {}),
        )
        id_ = made["id"]
        _describe(aws, id_, inputs["body"])
        arns = {"arn": _arn(aws, f"restapis/{id_}"), "executionArn": aws.arn("execute-api", id_)}
        return id_, {**arns, "rootResourceId": _resources(aws, id_)[_ROOT]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigateway").get_rest_api(restApiId=id_)
        return {"name": found["name"], "apiKeySource": found["apiKeySource"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("name", "endpointConfiguration")
        _patch(aws.api("apigateway").update_rest_api, inputs, "description", "apiKeySource", restApiId=id_)
        if changed(known, inputs, "body"):
            _forget(aws, id_)
            _describe(aws, id_, inputs["body"])
        _retag(aws, f"restapis/{id_}", inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigateway").delete_rest_api(restApiId=id_)


def _describe(aws: Aws, id_: str, body: str) -> None:
    """Make what an OpenAPI document describes.

    Raises:
        ValueError: there is something in it that nobody looks at here.
    """
    document = Inputs(json.loads(body))
    document.get("openapi")
    document.part("info").camel("title", "version")
    schemes = document.part("components").get("securitySchemes", {})
    paths = document.part("paths")
    made = _resources(aws, id_)
    for path in sorted(paths.plain()):
        resource = _resource(aws, id_, path, made)
        operations = paths.part(path)
        for method in operations.plain():
            _operation(aws, id_, resource, method.upper(), operations.part(method), schemes)
    if unheard := document.unseen():
        raise ValueError(f"the stand-in for AWS does not look at {', '.join(unheard)} of an API's description")


def _resource(aws: Aws, id_: str, path: str, made: dict[str, str]) -> str:
    """Return the resource of a path; it is made, and all above it, if it is not there yet."""
    if path not in made:
        above, _, part = path.rpartition("/")
        parent = _resource(aws, id_, above or _ROOT, made)
        made[path] = aws.api("apigateway").create_resource(restApiId=id_, parentId=parent, pathPart=part)["id"]
    return made[path]


def _operation(
    aws: Aws, id_: str, resource: str, method: str, asked: Inputs, schemes: Mapping[str, Mapping[str, str]]
) -> None:
    asked.get("responses")  # a proxy's answers are the function's
    names = [one["name"] for one in asked.get("parameters", []) if one["in"] == "path"]
    wanted = [schemes[name] for one in asked.get("security", []) for name in one]
    if any(one != {"type": "apiKey", "name": "x-api-key", "in": "header"} for one in wanted):
        raise ValueError(f"the stand-in for AWS knows no other callers of an API than those with a key: {wanted}")
    at = {"restApiId": id_, "resourceId": resource, "httpMethod": method}
    aws.api("apigateway").put_method(
        **at,
        authorizationType="NONE",
        apiKeyRequired=bool(wanted),
        requestParameters={f"method.request.path.{name}": True for name in names},
    )
    how = asked.part("x-amazon-apigateway-integration")
    aws.api("apigateway").put_integration(
        **at, type=how["type"].upper(), integrationHttpMethod=how["httpMethod"], uri=how["uri"]
    )


def _resources(aws: Aws, id_: str) -> dict[str, str]:
    found = aws.api("apigateway").get_resources(restApiId=id_, limit=500)["items"]
    return {one["path"]: one["id"] for one in found}


def _forget(aws: Aws, id_: str) -> None:
    """Take away all paths, those below others first; the root stays."""
    found = _resources(aws, id_)
    for path in sorted(found.keys() - {_ROOT}, reverse=True):
        aws.api("apigateway").delete_resource(restApiId=id_, resourceId=found[path])


class Deployment(Kind, token="aws:apigateway/deployment:Deployment", replaces=["restApi", "triggers"]):
    """What an API looked like at one moment; ministack shows the present one all the same."""

    coexists = True

    def create(self, aws: Aws, inputs: Inputs) -> Made:
        inputs.get("triggers")
        made = aws.api("apigateway").create_deployment(restApiId=inputs["restApi"], **inputs.camel("description"))
        return made["id"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("apigateway").get_deployment(restApiId=known["restApi"], deploymentId=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        stages = aws.api("apigateway").get_stages(restApiId=known["restApi"])["item"]
        if live := [one["stageName"] for one in stages if one["deploymentId"] == id_]:
            # AWS says so; ministack would take it away under a stage that shows it.
            raise ValueError(f"active stages point to deployment {id_}: {', '.join(live)}")
        aws.api("apigateway").delete_deployment(restApiId=known["restApi"], deploymentId=id_)


class Stage(Kind, token="aws:apigateway/stage:Stage", replaces=["restApi", "stageName"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        api, name = inputs["restApi"], inputs["stageName"]
        aws.api("apigateway").create_stage(
            restApiId=api, stageName=name, deploymentId=inputs["deployment"], tags=inputs.get("tagsAll", {})
        )
        arns = {"arn": _arn(aws, self._path(api, name)), "executionArn": aws.arn("execute-api", f"{api}/{name}")}
        port = urlsplit(aws.endpoint).port
        url = f"http://{api}.execute-api.localhost:{port}/{name}"
        return f"ags-{api}-{name}", {**arns, "invokeUrl": url}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigateway").get_stage(restApiId=known["restApi"], stageName=known["stageName"])
        return {"deployment": found["deploymentId"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        api, name = inputs["restApi"], inputs["stageName"]
        moved = [{"op": "replace", "path": "/deploymentId", "value": inputs["deployment"]}]
        aws.api("apigateway").update_stage(restApiId=api, stageName=name, patchOperations=moved)
        _retag(aws, self._path(api, name), inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigateway").delete_stage(restApiId=known["restApi"], stageName=known["stageName"])

    def _path(self, api: str, name: str) -> str:
        return f"restapis/{api}/stages/{name}"


class ApiKey(Kind, token="aws:apigateway/apiKey:ApiKey", named="name", replaces=["value"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.camel("name", "description", "value")
        made = aws.api("apigateway").create_api_key(
            **asked, enabled=inputs.get("enabled", True), tags=inputs.get("tagsAll", {})
        )
        return made["id"], {"arn": _arn(aws, f"apikeys/{made['id']}"), "value": secret(made["value"])}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"enabled": aws.api("apigateway").get_api_key(apiKey=id_)["enabled"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("name", "value")
        _patch(aws.api("apigateway").update_api_key, inputs, "description", "enabled", apiKey=id_)
        _retag(aws, f"apikeys/{id_}", inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigateway").delete_api_key(apiKey=id_)


class UsagePlan(Kind, token="aws:apigateway/usagePlan:UsagePlan", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("apigateway").create_usage_plan(
            **inputs.camel("name", "description"),
            apiStages=[one.camel("apiId", "stage") for one in inputs.parts("apiStages")],
            tags=inputs.get("tagsAll", {}),
        )
        return made["id"], {"arn": _arn(aws, f"usageplans/{made['id']}")}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigateway").get_usage_plan(usagePlanId=id_)
        return {"apiStages": [{"apiId": one["apiId"], "stage": one["stage"]} for one in found["apiStages"]]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        if changed(known, inputs, "apiStages"):
            super().update(aws, id_, inputs, known)
        inputs.camel("name", "apiStages")
        _patch(aws.api("apigateway").update_usage_plan, inputs, "description", usagePlanId=id_)
        _retag(aws, f"usageplans/{id_}", inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigateway").delete_usage_plan(usagePlanId=id_)


class UsagePlanKey(
    Kind, token="aws:apigateway/usagePlanKey:UsagePlanKey", replaces=["keyId", "keyType", "usagePlanId"]
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.camel("usagePlanId", "keyId", "keyType")
        made = aws.api("apigateway").create_usage_plan_key(**asked)
        return made["id"], {"name": made["name"], "value": secret(made["value"])}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("apigateway").get_usage_plan_key(usagePlanId=known["usagePlanId"], keyId=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigateway").delete_usage_plan_key(usagePlanId=known["usagePlanId"], keyId=id_)


def _arn(aws: Aws, path: str) -> str:
    """Return how API Gateway names its own things: of no account."""
    return f"arn:aws:apigateway:{aws.region}::/{path}"


def _patch(update: Any, inputs: Inputs, *names: str, **which: str) -> None:
    """Change properties by a list of operations, as this API wants it."""
    given = {name: inputs[name] for name in names if name in inputs}
    values = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    update(**which, patchOperations=[{"op": "replace", "path": f"/{key}", "value": one} for key, one in values.items()])


def _retag(aws: Aws, path: str, inputs: Inputs, known: Mapping[str, Any]) -> None:
    before, now = known.get("tagsAll", {}), inputs.get("tagsAll", {})
    if gone := sorted(before.keys() - now.keys()):
        aws.api("apigateway").untag_resource(resourceArn=_arn(aws, path), tagKeys=gone)
    if now != before:
        aws.api("apigateway").tag_resource(resourceArn=_arn(aws, path), tags=now)

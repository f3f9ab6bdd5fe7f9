"""HTTP APIs, whose callers show tokens."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs
from tests.pulumi.provider.inputs import Inputs


class HttpApi(Kind, token="aws:apigatewayv2/api:Api", named="name", replaces=["protocolType"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.pascal("name", "protocolType", "description")
        made = aws.api("apigatewayv2").create_api(**asked, Tags=inputs.get("tagsAll", {}))
        id_ = made["ApiId"]
        arns = {"arn": _arn(aws, f"apis/{id_}"), "executionArn": aws.arn("execute-api", id_)}
        return id_, {**arns, "apiEndpoint": made["ApiEndpoint"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"name": aws.api("apigatewayv2").get_api(ApiId=id_)["Name"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("name", "protocolType")
        aws.api("apigatewayv2").update_api(ApiId=id_, **inputs.pascal("description"))
        _retag(aws, f"apis/{id_}", inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigatewayv2").delete_api(ApiId=id_)


class Authorizer(Kind, token="aws:apigatewayv2/authorizer:Authorizer", named="name", replaces=["apiId"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("apigatewayv2").create_authorizer(ApiId=inputs["apiId"], **self._asked(inputs))
        return made["AuthorizerId"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigatewayv2").get_authorizer(ApiId=known["apiId"], AuthorizerId=id_)
        tokens = found["JwtConfiguration"]
        return {"jwtConfiguration": {"issuer": tokens["Issuer"], "audiences": tokens["Audience"]}}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("apigatewayv2").update_authorizer(ApiId=inputs["apiId"], AuthorizerId=id_, **self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigatewayv2").delete_authorizer(ApiId=known["apiId"], AuthorizerId=id_)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        tokens = inputs.part("jwtConfiguration")
        return {
            **inputs.pascal("name", "authorizerType"),
            "IdentitySource": inputs["identitySources"],
            "JwtConfiguration": {"Issuer": tokens["issuer"], "Audience": tokens["audiences"]},
        }


class Integration(Kind, token="aws:apigatewayv2/integration:Integration", replaces=["apiId", "integrationType"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("apigatewayv2").create_integration(ApiId=inputs["apiId"], **self._asked(inputs))
        return made["IntegrationId"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigatewayv2").get_integration(ApiId=known["apiId"], IntegrationId=id_)
        return {"integrationUri": found["IntegrationUri"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("apigatewayv2").update_integration(ApiId=inputs["apiId"], IntegrationId=id_, **self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigatewayv2").delete_integration(ApiId=known["apiId"], IntegrationId=id_)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        return inputs.pascal("integrationType", "integrationUri", "payloadFormatVersion")


class Route(Kind, token="aws:apigatewayv2/route:Route", replaces=["apiId"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("apigatewayv2").create_route(ApiId=inputs["apiId"], **self._asked(inputs))
        return made["RouteId"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigatewayv2").get_route(ApiId=known["apiId"], RouteId=id_)
        # Without an authorizer it has none to tell of.
        return {
            "authorizationType": found["AuthorizationType"],
            "authorizerId": found.get("AuthorizerId", ""),
            "target": found["Target"],
        }

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("apigatewayv2").update_route(ApiId=inputs["apiId"], RouteId=id_, **self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigatewayv2").delete_route(ApiId=known["apiId"], RouteId=id_)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        return inputs.pascal("routeKey", "target", "authorizationType", "authorizerId")


class HttpStage(Kind, token="aws:apigatewayv2/stage:Stage", named="name", replaces=["apiId"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        api, name = inputs["apiId"], inputs["name"]
        aws.api("apigatewayv2").create_stage(
            ApiId=api, StageName=name, Tags=inputs.get("tagsAll", {}), **inputs.pascal("autoDeploy")
        )
        return name, {"arn": _arn(aws, f"apis/{api}/stages/{name}")}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("apigatewayv2").get_stage(ApiId=known["apiId"], StageName=id_)
        return {"autoDeploy": found["AutoDeploy"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("name")
        aws.api("apigatewayv2").update_stage(ApiId=inputs["apiId"], StageName=id_, **inputs.pascal("autoDeploy"))
        _retag(aws, f"apis/{inputs['apiId']}/stages/{id_}", inputs, known)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("apigatewayv2").delete_stage(ApiId=known["apiId"], StageName=id_)


def _arn(aws: Aws, path: str) -> str:
    """Return how API Gateway names its own things: of no account."""
    return f"arn:aws:apigateway:{aws.region}::/{path}"


def _retag(aws: Aws, path: str, inputs: Inputs, known: Mapping[str, Any]) -> None:
    before, now = known.get("tagsAll", {}), inputs.get("tagsAll", {})
    if gone := sorted(before.keys() - now.keys()):
        aws.api("apigatewayv2").untag_resource(ResourceArn=_arn(aws, path), TagKeys=gone)
    if now != before:
        aws.api("apigatewayv2").tag_resource(ResourceArn=_arn(aws, path), Tags=now)

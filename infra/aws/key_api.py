"""One REST API for callers with a key in the header `x-api-key`: of AWS's APIs only this kind checks keys."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.place import Place

_STAGE: Final = "live"


class ApiKey(pulumi.ComponentResource):
    """The key that callers show; AWS makes it.

    Attributes:
        resource: itself.
        value: the key, a secret of the stack.
    """

    resource: aws.apigateway.ApiKey
    value: Output[str]

    def __init__(self, place: Place) -> None:
        name = place.named("api-key")
        super().__init__("loopwright:aws:ApiKey", name)
        self.resource = aws.apigateway.ApiKey(place.named("api"), name=place.named("api"), opts=ResourceOptions(self))
        self.value = Output.secret(self.resource.value)
        self.register_outputs({})


class KeyApi(pulumi.ComponentResource):
    """A REST API whose every route wants a key of its usage plan.

    Attributes:
        outputs: the address as `url`, and the key as the secret `apiKey`.
    """

    outputs: Mapping[str, Output[str]]

    def __init__(self, place: Place, functions: Sequence[Function], key: ApiKey) -> None:
        name = place.named("api")
        super().__init__("loopwright:aws:KeyApi", name)
        self._name, self._place, self._child = name, place, ResourceOptions(parent=self)
        self._api = aws.apigateway.RestApi(
            name,
            name=name,
            api_key_source="HEADER",
            body=_described(name, functions),
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            opts=self._child,
        )
        for function in functions:
            self._allow(function)
        stage = self._stage(functions)
        self._admit(key, stage)
        self.outputs = {"url": stage.invoke_url, "apiKey": key.value}
        self.register_outputs(dict(self.outputs))

    def _allow(self, function: Function) -> None:
        aws.lambda_.Permission(
            f"{self._place.named(function.spec.name)}-api",
            action="lambda:InvokeFunction",
            function=function.target.name,
            qualifier=function.target.qualifier,
            principal="apigateway.amazonaws.com",
            source_arn=Output.concat(self._api.execution_arn, "/*/*"),
            opts=self._child,
        )

    def _stage(self, functions: Sequence[Function]) -> aws.apigateway.Stage:
        """Publish the API; what it looks like now decides whether it has to be published again."""
        digest = _described(self._name, functions).apply(lambda text: hashlib.sha256(text.encode()).hexdigest())
        deployment = aws.apigateway.Deployment(
            self._name, rest_api=self._api.id, triggers={"content": digest}, opts=self._child
        )
        return aws.apigateway.Stage(
            self._name, rest_api=self._api.id, deployment=deployment.id, stage_name=_STAGE, opts=self._child
        )

    def _admit(self, key: ApiKey, stage: aws.apigateway.Stage) -> None:
        plan = aws.apigateway.UsagePlan(
            self._name,
            name=self._name,
            api_stages=[aws.apigateway.UsagePlanApiStageArgs(api_id=self._api.id, stage=stage.stage_name)],
            opts=self._child,
        )
        aws.apigateway.UsagePlanKey(
            self._name, key_id=key.resource.id, key_type="API_KEY", usage_plan_id=plan.id, opts=self._child
        )


def _described(name: str, functions: Sequence[Function]) -> Output[str]:
    """Return the API in OpenAPI's words, with AWS's own for who answers and who has to have a key."""
    invoked = Output.all(**{one.spec.name: one.target.invoke_arn for one in functions})

    def written(arns: Mapping[str, str]) -> str:
        paths: dict[str, dict[str, object]] = {}
        for function in functions:
            for route in function.spec.routes:
                method, path = route.split()
                paths.setdefault(path, {})[method.lower()] = _operation(path, arns[function.spec.name])
        schemes = {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
        about = {"title": name, "version": "1"}
        document = {"openapi": "3.0.1", "info": about, "paths": paths, "components": {"securitySchemes": schemes}}
        return json.dumps(document, sort_keys=True)

    return invoked.apply(written)


def _operation(path: str, arn: str) -> dict[str, object]:
    """Describe one route. Lambda is always called with POST, whatever the caller's method is."""
    named = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return {
        "parameters": [{"name": one, "in": "path", "required": True, "schema": {"type": "string"}} for one in named],
        "security": [{"key": []}],
        "responses": {"default": {"description": "what the function answers"}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": arn},
    }

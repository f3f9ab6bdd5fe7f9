"""One HTTP API for callers with a JSON Web Token of a configured issuer."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.place import Place


class TokenApi(pulumi.ComponentResource):
    """An HTTP API whose every route checks the token: its signature, issuer, audience and times.

    Attributes:
        outputs: the address, as `url`.
    """

    outputs: Mapping[str, Output[str]]

    def __init__(self, place: Place, functions: Sequence[Function], *, issuer: str, audience: str) -> None:
        name = place.named("api")
        super().__init__("loopwright:aws:TokenApi", name)
        self._place = place
        self._child = ResourceOptions(parent=self)
        self._api = aws.apigatewayv2.Api(name, name=name, protocol_type="HTTP", opts=self._child)
        self._authorizer = aws.apigatewayv2.Authorizer(
            name,
            name=name,
            api_id=self._api.id,
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration=aws.apigatewayv2.AuthorizerJwtConfigurationArgs(issuer=issuer, audiences=[audience]),
            opts=self._child,
        )
        for function in functions:
            self._connect(function)
        aws.apigatewayv2.Stage(name, name="$default", api_id=self._api.id, auto_deploy=True, opts=self._child)
        self.outputs = {"url": self._api.api_endpoint}
        self.register_outputs(dict(self.outputs))

    def _connect(self, function: Function) -> None:
        name = self._place.named(function.spec.name)
        integration = aws.apigatewayv2.Integration(
            name,
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.target.invoke_arn,
            payload_format_version="2.0",
            opts=self._child,
        )
        for route in function.spec.routes:
            aws.apigatewayv2.Route(
                f"{name} {route}",
                api_id=self._api.id,
                route_key=route,
                target=Output.concat("integrations/", integration.id),
                authorization_type="JWT",
                authorizer_id=self._authorizer.id,
                opts=self._child,
            )
        aws.lambda_.Permission(
            f"{name}-api",
            action="lambda:InvokeFunction",
            function=function.target.name,
            qualifier=function.target.qualifier,
            principal="apigateway.amazonaws.com",
            source_arn=Output.concat(self._api.execution_arn, "/*/*"),
            opts=self._child,
        )

"""HTTP APIs: one for callers with a JSON Web Token, and one of its own for a function that answers every path."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.place import Place
from infra.spec import EVERYTHING, FunctionSpec

_EVERYTHING: Final = ("ANY /", "ANY /{proxy+}")
"""All paths and methods in this API's words: the second does not take the root."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Callers show a JSON Web Token of an issuer, for an audience: its signature and times are checked too."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class Signed:
    """Callers sign their requests for `execute-api`, and IAM must allow them `execute-api:Invoke`."""


@dataclass(frozen=True, slots=True)
class ByFunction:
    """The function itself sees to who calls: a key may come as a password, which no API understands."""


Check = Tokens | Signed | ByFunction


class HttpApi(pulumi.ComponentResource):
    """An HTTP API whose every route checks who calls, or whose function does.

    Attributes:
        url: the address, without a slash at the end.
    """

    url: Output[str]

    def __init__(self, place: Place, short: str, functions: Sequence[Function], check: Check) -> None:
        name = place.named(short)
        super().__init__("loopwright:aws:HttpApi", name)
        self._place = place
        self._child = ResourceOptions(parent=self)
        self._api = aws.apigatewayv2.Api(name, name=name, protocol_type="HTTP", opts=self._child)
        self._kind, self._authorizer = self._checking(name, check)
        for function in functions:
            self._connect(function)
        aws.apigatewayv2.Stage(name, name="$default", api_id=self._api.id, auto_deploy=True, opts=self._child)
        self.url = self._api.api_endpoint
        self.register_outputs({"url": self.url})

    def _checking(self, name: str, check: Check) -> tuple[str, Output[str] | None]:
        """Return how routes check, and what does it for them."""
        match check:
            case Signed():
                return "AWS_IAM", None
            case ByFunction():
                return "NONE", None
            case Tokens(issuer, audience):
                authorizer = aws.apigatewayv2.Authorizer(
                    name,
                    name=name,
                    api_id=self._api.id,
                    authorizer_type="JWT",
                    identity_sources=["$request.header.Authorization"],
                    jwt_configuration=aws.apigatewayv2.AuthorizerJwtConfigurationArgs(
                        issuer=issuer, audiences=[audience]
                    ),
                    opts=self._child,
                )
                return "JWT", authorizer.id

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
        for route in _routes(function.spec):
            aws.apigatewayv2.Route(
                f"{name} {route}",
                api_id=self._api.id,
                route_key=route,
                target=Output.concat("integrations/", integration.id),
                authorization_type=self._kind,
                authorizer_id=self._authorizer,
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


def _routes(spec: FunctionSpec) -> Sequence[str]:
    return [one for route in spec.routes for one in (_EVERYTHING if route == EVERYTHING else (route,))]

"""Who may call the functions over HTTP, and where: one component a way to prove who one is."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.key_api import KeyApi
from infra.aws.place import Place
from infra.aws.token_api import TokenApi
from infra.config import StackConfig


def endpoints(place: Place, config: StackConfig, functions: Sequence[Function]) -> Mapping[str, Output[str]]:
    """Make the endpoints, and return the outputs of the stack that tell of them.

    Callers sign their requests unless another way is configured; nothing is open unless the configuration says so in
    as many words.
    """
    match config.auth:
        case "iam":
            return FunctionUrls(place, functions, public=False).outputs
        case "public-without-any-check":
            return FunctionUrls(place, functions, public=True).outputs
        case "apikey":
            return KeyApi(place, functions).outputs
        case "jwt":
            return TokenApi(place, functions, issuer=config.jwt_issuer, audience=config.jwt_audience).outputs
        case _:
            assert_never(config.auth)


class FunctionUrls(pulumi.ComponentResource):
    """A URL for each function, for callers who sign their requests and whom IAM allows it; or, public, for everybody.

    Attributes:
        outputs: the URL of each function, as `<function>Url`.
    """

    outputs: Mapping[str, Output[str]]

    def __init__(self, place: Place, functions: Sequence[Function], *, public: bool) -> None:
        super().__init__("loopwright:aws:FunctionUrls", place.named("urls"))
        self._place = place
        self.outputs = {f"{one.spec.name}Url": self._url(one, public=public) for one in functions}
        self.register_outputs(dict(self.outputs))

    def _url(self, function: Function, *, public: bool) -> Output[str]:
        name, child = self._place.named(function.spec.name), ResourceOptions(parent=self)
        url = aws.lambda_.FunctionUrl(
            name,
            function_name=function.target.name,
            qualifier=function.target.qualifier,
            authorization_type="NONE" if public else "AWS_IAM",
            opts=child,
        )
        if public:
            self._open(name, function)
        return url.function_url

    def _open(self, name: str, function: Function) -> None:
        """Let everybody call a URL, and only by it: AWS wants both permissions."""
        target, child = function.target, ResourceOptions(parent=self)
        aws.lambda_.Permission(
            f"{name}-url",
            action="lambda:InvokeFunctionUrl",
            function=target.name,
            qualifier=target.qualifier,
            principal="*",
            function_url_auth_type="NONE",
            opts=child,
        )
        aws.lambda_.Permission(
            f"{name}-by-url",
            action="lambda:InvokeFunction",
            function=target.name,
            qualifier=target.qualifier,
            principal="*",
            invoked_via_function_url=True,
            opts=child,
        )

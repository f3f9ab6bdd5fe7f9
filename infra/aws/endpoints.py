"""Who may call the functions over HTTP, and where: one component a way to prove who one is."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.http_api import ByFunction, Check, HttpApi, Signed, Tokens
from infra.aws.key_api import ApiKey, KeyApi
from infra.aws.place import Place
from infra.config import StackConfig
from infra.spec import EVERYTHING


def endpoints(
    place: Place, config: StackConfig, functions: Sequence[Function], key: ApiKey | None
) -> Mapping[str, Output[str]]:
    """Make the endpoints, and return the outputs of the stack that tell of them.

    Callers sign their requests unless another way is configured; nothing is open unless the configuration says so in
    as many words. A function that answers every path has an address of its own, as `<function>Url`. `key` is what
    callers show, if they do.
    """
    whole = [one for one in functions if EVERYTHING in one.spec.routes]
    others = [one for one in functions if one not in whole]
    match config.auth:
        case "iam":
            # Not a URL: MLflow's clients sign for an API only.
            return {**FunctionUrls(place, others, public=False).outputs, **_own(place, whole, Signed())}
        case "public-without-any-check":
            return {**FunctionUrls(place, others, public=True).outputs, **_own(place, whole, ByFunction())}
        case "apikey":
            assert key is not None  # noqa: S101 - it is made where it is configured
            return {**KeyApi(place, others, key).outputs, **_own(place, whole, ByFunction())}
        case "jwt":
            tokens = Tokens(config.jwt_issuer, config.jwt_audience)
            return {"url": HttpApi(place, "api", others, tokens).url, **_own(place, whole, tokens)}
        case _:
            assert_never(config.auth)


def _own(place: Place, functions: Sequence[Function], check: Check) -> Mapping[str, Output[str]]:
    """Make an API for each function."""
    apis = {one.spec.name: HttpApi(place, f"{one.spec.name}-api", [one], check) for one in functions}
    return {f"{name}Url": Output.concat(api.url, "/") for name, api in apis.items()}


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

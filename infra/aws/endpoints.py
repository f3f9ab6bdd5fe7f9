"""Who may call the functions over HTTP, and where."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.functions import Function
from infra.aws.place import Place


class SignedUrls(pulumi.ComponentResource):
    """A function URL each, for callers who sign their requests and whom IAM allows it.

    Attributes:
        urls: by the name of each function.
    """

    urls: Mapping[str, Output[str]]

    def __init__(self, place: Place, functions: Sequence[Function]) -> None:
        super().__init__("loopwright:aws:SignedUrls", place.named("urls"))
        self.urls = {one.spec.name: self._url(place, one) for one in functions}
        self.register_outputs({})

    def _url(self, place: Place, function: Function) -> Output[str]:
        url = aws.lambda_.FunctionUrl(
            place.named(function.spec.name),
            function_name=function.resource.name,
            qualifier=function.qualifier,
            authorization_type="AWS_IAM",
            opts=ResourceOptions(parent=self),
        )
        return url.function_url

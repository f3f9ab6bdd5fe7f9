"""The APIs in front of a stack's functions, and what is asked of them by people with keys and tokens."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tests.clouds.aws import client
from tests.clouds.issuer import Issuer
from tests.clouds.ministack import Ministack
from tests.pulumi.deployed import Answered
from tests.pulumi.stack import Stack

LABELS: Final = {"labels": [{"id": "one", "label": "yes"}]}


@dataclass(frozen=True, slots=True)
class Door:
    """The API of a stack: `url` is of a name that only this AWS can resolve."""

    aws: Ministack
    url: str
    key: str

    def asked(self, route: str, body: object = None, **headers: str) -> Answered:
        """Send a request in JSON, and return what was answered in it."""
        data = None if body is None else json.dumps(body).encode()
        status, answer = self.sent(route, data, **{"content_type": "application/json", **headers})
        return Answered(status, json.loads(answer))

    def sent(self, route: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Send a request of any bytes, and return the status and the bytes of its answer."""
        url = urlsplit(self.url)
        method, path = route.split()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(  # noqa: S310 - our own AWS
            f"{self.aws.endpoint}{url.path}{path}", data, {"host": url.netloc, **named}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def with_token(self, token: str) -> Answered:
        """Tell a label under a token."""
        return self.asked("POST /models/rain/labels", LABELS, authorization=f"Bearer {token}")


@dataclass(frozen=True, slots=True)
class World:
    """A stack, the AWS that it is in, and who issues tokens."""

    stack: Stack
    aws: Ministack
    issuer: Issuer

    def door(self, output: str = "url") -> Door:
        """Return where the stack answers now, by the output that tells it, and to whom."""
        outputs = self.stack.outputs()
        return Door(self.aws, outputs[output].rstrip("/"), outputs.get("apiKey", ""))

    def http_api(self, name: str = "api") -> str:
        """Return the id of one of the stack's HTTP APIs."""
        found = self.api("apigatewayv2").get_apis()["Items"]
        (id_,) = [one["ApiId"] for one in found if one["Name"].endswith(f"-doors-{name}")]
        return str(id_)

    def api(self, service: str) -> Any:
        """Return a client of the AWS that the stack is in."""
        return client(self.aws.endpoint, service)


def left(world: World) -> dict[str, list[Any]]:
    """Return all APIs, keys and plans that there are; kinds of which there is nothing are left out."""
    rest, http = world.api("apigateway"), world.api("apigatewayv2")
    found: dict[str, list[Any]] = {
        "REST APIs": rest.get_rest_apis()["items"],
        "keys": rest.get_api_keys()["items"],
        "plans": rest.get_usage_plans()["items"],
        "HTTP APIs": http.get_apis()["Items"],
    }
    return {kind: some for kind, some in found.items() if some}

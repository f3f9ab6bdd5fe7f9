"""The collect function as it is deployed: `handler` for AWS Lambda (SQS or HTTP), `app` for any ASGI server."""

import os
from typing import TYPE_CHECKING, cast

from mangum import Mangum

from adapters import open_platform
from functions.collect.app import create_app
from functions.collect.sqs import BatchResponse, SqsEvent, collect_records
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
app = create_app(_platform, _project)
_http = Mangum(app, lifespan="off")


def handler(event: "LambdaEvent", context: "LambdaContext") -> "BatchResponse | dict[str, object]":
    """Land a batch of SQS records and name those that failed, or answer an HTTP request."""
    if "Records" in event:
        return collect_records(_platform, _project, cast("SqsEvent", event))
    return _http(event, context)

"""The collect function as it is deployed: `handler` for AWS Lambda (SQS or HTTP), `app` for any ASGI server."""

import os
from functools import partial

from adapters import open_platform
from functions.collect.app import create_app
from functions.collect.sqs import collect_records
from functions.handlers import Handler
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
app = create_app(_platform, _project)
handler = Handler(app, _platform.telemetry, batches=partial(collect_records, _platform, _project))

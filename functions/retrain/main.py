"""The retrain function as it is deployed: `handler` for AWS Lambda (HTTP or SQS), `app` for any ASGI server."""

import os
from functools import partial

from adapters import open_platform
from functions.handlers import Handler
from functions.retrain.app import create_app
from functions.retrain.deciding import decide_records
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from loopwright.triggers.service import Triggers

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
app = create_app(_platform, _project)
handler = Handler(app, _platform.telemetry, batches=partial(decide_records, _platform, Triggers(_platform, _project)))

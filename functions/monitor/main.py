"""The monitor function as it is deployed: `handler` for AWS Lambda (HTTP or schedules), `app` for any ASGI server."""

import os

from adapters import open_platform
from functions.handlers import Handler
from functions.monitor.app import create_app
from functions.monitor.schedules import schedules
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
app = create_app(_platform, _project)
handler = Handler(app, _platform.telemetry, schedules=schedules(_platform, _project))

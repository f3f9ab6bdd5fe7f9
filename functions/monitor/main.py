"""The monitor function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os

from adapters import open_platform
from functions.entrance import entrance
from functions.handlers import Handler
from functions.monitor.app import create_app
from functions.monitor.schedules import schedules
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
_app = create_app(_platform, _project)
_schedules = schedules(_platform, _project)
app = entrance(_app, _platform, os.environ, schedules=_schedules)
handler = Handler(_app, _platform.telemetry, schedules=_schedules)

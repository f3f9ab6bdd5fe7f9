"""The materialize function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os
from functools import partial

from adapters import open_platform
from functions.entrance import entrance
from functions.handlers import Handler
from functions.materialize.app import create_app, materialize_views
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
_app = create_app(_platform, _project)
_schedules = {"materialize": partial(materialize_views, _platform, _project)}
app = entrance(_app, _platform, os.environ, schedules=_schedules)
handler = Handler(_app, _platform.telemetry, schedules=_schedules)

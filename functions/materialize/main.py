"""The materialize function as deployed: `handler` for AWS Lambda (HTTP or schedules), `app` for any ASGI server."""

import os
from functools import partial

from adapters import open_platform
from functions.handlers import Handler
from functions.materialize.app import create_app, materialize_views
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
app = create_app(_platform, _project)
handler = Handler(app, _platform.telemetry, schedules={"materialize": partial(materialize_views, _platform, _project)})

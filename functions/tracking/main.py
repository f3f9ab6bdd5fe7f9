"""The tracking function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os

from adapters import open_platform
from functions.handlers import Handler
from functions.tracking.app import create_app, fronted
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_app = create_app(_platform, load_project(_settings.project))
app = fronted(_app, _platform, os.environ)
handler = Handler(app, _platform.telemetry)

"""The tracking function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os

from adapters import open_platform
from functions.entrance import entrance
from functions.handlers import Handler
from functions.origins import OwnPages
from functions.tracking.app import create_app
from functions.tracking.errors import refusal
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_app = create_app(_platform, load_project(_settings.project))
app = entrance(OwnPages(_app, refusal=refusal), _platform, os.environ, personal=True, refusal=refusal)
handler = Handler(app, _platform.telemetry)

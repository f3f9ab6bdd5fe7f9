"""The mirror function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os

from adapters import open_platform
from functions.entrance import entrance
from functions.handlers import Handler
from functions.mirror.app import create_app
from functions.mirror.hearing import consumer
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_app = create_app(_platform, load_project(_settings.project))
_consumer = consumer(_platform)
app = entrance(_app, _platform, os.environ, consumer=_consumer)
handler = Handler(_app, _platform.telemetry, consumer=_consumer)

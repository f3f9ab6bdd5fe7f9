"""The collect function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os
from functools import partial

from adapters import open_platform
from functions.collect.app import create_app, drain_told
from functions.collect.landing import consumer
from functions.entrance import entrance
from functions.handlers import Handler
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
_app = create_app(_platform, _project)
_consumer = consumer(_platform, _project)
app = entrance(
    _app, _platform, os.environ, consumer=_consumer, schedules={"collect": partial(drain_told, _platform, _project)}
)
handler = Handler(_app, _platform.telemetry, consumer=_consumer)

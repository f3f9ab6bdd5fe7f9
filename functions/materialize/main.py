"""The materialize function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os

from mangum import Mangum

from adapters import open_platform
from functions.materialize.app import create_app
from loopwright.definitions.project import load_project
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
app = create_app(open_platform(_settings), load_project(_settings.project))
handler = Mangum(app, lifespan="off")

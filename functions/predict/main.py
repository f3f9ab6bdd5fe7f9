"""The predict function as it is deployed: `handler` for AWS Lambda, `app` for any ASGI server."""

import os
import threading

from adapters import open_platform
from loopwright.definitions.project import load_project
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings

_settings = Settings.from_env(os.environ)
_platform = open_platform(_settings)
_project = load_project(_settings.project)
_predictor = Predictor(_platform, _project)

# The champions come over the network; what else is imported is imported meanwhile.
_warming = threading.Thread(target=_predictor.warm, name="warming", daemon=True)
_warming.start()

from functions.entrance import entrance  # noqa: E402
from functions.handlers import Handler  # noqa: E402
from functions.predict.app import create_app  # noqa: E402

_app = create_app(_platform, _project, _predictor, together=True)
app = entrance(_app, _platform, os.environ)
handler = Handler(_app, _platform.telemetry)

if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") != "on-demand":
    # A process that is kept for later, or whose memory is kept, stops here: with the champions in it.
    _warming.join()

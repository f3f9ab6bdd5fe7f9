"""What a deployed function imports: the request path pays for nothing that it does not use."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright.settings import Settings
from tests.airport import world

LIBRARIES = {"arro3", "deltalake", "duckdb", "onnx", "pandas", "plotly", "scipy", "skl2onnx", "sklearn", "skops"}
FRAMEWORKS = {"anyio", "fastapi", "pydantic", "starlette"}
HEAVY = LIBRARIES | FRAMEWORKS
SDKS = {
    "aiplatform",
    "boto3",
    "botocore",
    "cryptography",
    "google",
    "grpc",
    "jwt",
    "mlflow",
    "proto",
    "requests",
    "vertexai",
}

EMPTY = {"google", "google.cloud"}
"""Namespaces that the installation of Google's library makes in every process; nothing is in them."""

SERVICE = """
import json, sys, threading, urllib.request
import functions.container
threads = []

def ask():
    request = urllib.request.Request(
        f"http://127.0.0.1:{sys.argv[2]}/models/delays/predict", json.dumps({"row": json.loads(sys.argv[1])}).encode()
    )
    for _ in range(1_000):
        try:
            with urllib.request.urlopen(request) as answer:
                told = {"status": answer.status, "body": answer.read().decode(), "modules": list(sys.modules)}
                print(json.dumps(told), flush=True)
                break
        except OSError:
            threading.Event().wait(0.02)
    signal.raise_signal(signal.SIGTERM)

import signal
threading.Thread(target=ask).start()
sys.exit(functions.container.main(["predict", "--host", "127.0.0.1", "--port", sys.argv[2]]))
"""

PREDICT = """
import json, sys
from functions.predict.main import handler
event = {
    "version": "2.0", "rawPath": "/models/delays/predict", "rawQueryString": "", "headers": {"host": "x"},
    "requestContext": {"http": {"method": "POST", "path": "/models/delays/predict", "sourceIp": "1.2.3.4"}},
    "body": json.dumps({"row": json.loads(sys.argv[1])}), "isBase64Encoded": False,
}
answer = handler(event, None)
print(json.dumps({"status": answer["statusCode"], "body": answer["body"], "modules": list(sys.modules)}))
"""


TRACKING = """
import json, sys
from functions.tracking.main import app, handler
event = {
    "version": "2.0", "rawPath": "/api/2.0/mlflow/experiments/create", "rawQueryString": "", "headers": {"host": "x"},
    "requestContext": {"http": {"method": "POST", "path": "/api/2.0/mlflow/experiments/create", "sourceIp": "1.2.3.4"}},
    "body": json.dumps({"name": "delays"}), "isBase64Encoded": False,
}
answer = handler(event, None)
print(json.dumps({"status": answer["statusCode"], "body": answer["body"], "modules": list(sys.modules)}))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings("local", tmp_path / "home", world.FOLDER)
    platform = open_platform(settings)
    world.crown(platform, world.register(platform))
    world.report_weather(platform)
    platform.close()
    return settings


def roots(done: dict) -> set[str]:
    """Return the packages that were imported."""
    return {name.partition(".")[0] for name in done["modules"] if name not in EMPTY}


def run(settings: Settings, code: str, *arguments: str) -> dict:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=os.environ | settings.to_env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_prediction_on_lambda_imports_nothing_heavy(settings: Settings) -> None:
    done = run(settings, PREDICT, json.dumps(world.ROW))
    assert done["status"] == 200, done["body"]
    assert json.loads(done["body"])["predictions"][0]["score"] == 0.5
    assert not HEAVY & roots(done)
    # Nobody comes in through a server's door there.
    assert not {"functions.access", "functions.door", "functions.guards", "uvicorn"} & set(done["modules"])
    # Nothing waits for anything else there, so there is no event loop.
    assert not {"asyncio", "concurrent.futures"} & set(done["modules"])


@pytest.mark.parametrize(
    "access",
    [{"LOOPWRIGHT_AUTH": "iam"}, {"LOOPWRIGHT_AUTH": "public-without-any-check"}],
    ids=lambda access: access["LOOPWRIGHT_AUTH"],
)
def test_a_prediction_in_a_container_imports_nothing_heavy_and_no_providers_library(
    settings: Settings, access: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in access.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = run(settings, SERVICE, json.dumps(world.ROW), str(port))
    assert json.loads(done["body"])["predictions"][0]["score"] == 0.5
    assert "uvicorn" in done["modules"]
    assert not (HEAVY | SDKS) & roots(done)


def test_what_speaks_mlflow_does_without_it_and_without_anything_heavy(settings: Settings) -> None:
    done = run(settings, TRACKING)
    assert done["status"] == 200, done["body"]
    assert json.loads(done["body"])["experiment_id"]
    assert not (HEAVY | SDKS | {"onnxruntime", "sqlparse", "yaml"}) & roots(done)
    assert "uvicorn" not in done["modules"]


def test_what_speaks_mlflow_does_without_numpy_where_the_project_does(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(
        "from loopwright.definitions import Project\n\nproject = Project('notebooks', ())\n"
    )
    done = run(replace(settings, project=tmp_path), TRACKING)
    assert done["status"] == 200, done["body"]
    assert "numpy" not in roots(done)


@pytest.mark.parametrize(
    "name", ["labels", "features", "collect", "materialize", "mirror", "monitor", "retrain", "metrics"]
)
def test_every_function_has_a_handler_and_an_app_and_imports_nothing_heavy(settings: Settings, name: str) -> None:
    code = f"""
import json, sys
from functions.{name}.main import app, handler
print(json.dumps({{"callable": callable(app) and callable(handler), "modules": list(sys.modules)}}))
"""
    done = run(settings, code)
    assert done["callable"]
    assert not HEAVY & roots(done)

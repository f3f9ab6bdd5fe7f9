"""What has the image built by Cloud Build, and waits for it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.gcp import image_builder
from infra.gcp.image_builder import PAUSE, image

TAG = "europe-west3-docker.pkg.dev/a-project/flights-dev/loopwright:d1d1"
ENVIRONMENT = {
    "PROJECT": "a-project",
    "REGION": "europe-west3",
    "BUCKET": "bucket",
    "OBJECT": "packages/image-d1d1.zip",
    "IMAGE": TAG,
    "ACCOUNT": "build@a-project.iam.gserviceaccount.com",
}
BUILDS = "https://cloudbuild.googleapis.com/v1/projects/a-project/locations/europe-west3/builds"
IMAGE = (
    "https://artifactregistry.googleapis.com/v1/projects/a-project/locations/europe-west3"
    "/repositories/flights-dev/packages/loopwright/tags/d1d1"
)


class Google:
    """A registry that has the image or has not, and a build that looks like each of the states, one a look."""

    def __init__(self, *states: str, has: bool = False) -> None:
        self.states, self.has = list(states), has
        self.started: list[dict[str, Any]] = []

    def __call__(self, method: str, address: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
        if address == IMAGE:
            return {"name": "the tag"} if self.has else None
        if method == "POST":
            assert address == BUILDS
            assert body is not None
            self.started.append(body)
            return {"name": "operations/1", "metadata": {"build": {"id": "1"}}}
        assert address == f"{BUILDS}/1"
        return {"status": self.states.pop(0), "logUrl": "https://log"}


def test_an_image_is_built_and_waited_for() -> None:
    google, slept = Google("QUEUED", "WORKING", "SUCCESS"), []
    assert image(ENVIRONMENT, google, slept.append) == TAG
    (build,) = google.started
    assert build["source"] == {"storageSource": {"bucket": "bucket", "object": "packages/image-d1d1.zip"}}
    assert build["images"] == [TAG]
    assert build["serviceAccount"] == "projects/a-project/serviceAccounts/build@a-project.iam.gserviceaccount.com"
    assert slept == [PAUSE, PAUSE]


def test_an_image_that_is_there_is_not_built_again() -> None:
    google = Google(has=True)
    assert image(ENVIRONMENT, google, pytest.fail) == TAG
    assert google.started == []


@pytest.mark.parametrize("state", ["FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"])
def test_a_build_that_failed_says_where_its_log_is(state: str) -> None:
    with pytest.raises(SystemExit, match=f"{state}: see https://log"):
        image(ENVIRONMENT, Google(state), pytest.fail)


class Handler(BaseHTTPRequestHandler):
    """Google on this machine: it has the image, gives tokens, and refuses whoever has none."""

    def do_GET(self) -> None:
        if self.path.startswith("/computeMetadata/"):
            status, told = 200, {"access_token": "a-token"}
        elif self.headers["authorization"] != "Bearer a-token" or "denied" in self.path:
            status, told = 403, {"error": "who are you"}
        else:
            status, told = 200, {"name": self.path}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def google_here() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_alone(tag: str, google: str) -> subprocess.CompletedProcess[str]:
    """Run it as the job does: as one file that knows nothing of the repository."""
    with open(image_builder.__file__, encoding="utf-8") as file:  # noqa: PTH123 - as the program reads it
        script = file.read()
    local = {"LOOPWRIGHT_GCP_ENDPOINT": f"http://{google}", "GCE_METADATA_HOST": google}
    return subprocess.run(
        [sys.executable, "-I", "-c", script],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, "IMAGE": tag, **local},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_runs_alone_and_shows_its_token() -> None:
    with google_here() as google:
        done = run_alone(TAG, google)
        assert (done.returncode, done.stdout) == (0, f"{TAG}\n"), done.stderr
        refused = run_alone(TAG.replace("d1d1", "denied"), google)
    assert refused.returncode == 1
    assert "403" in refused.stderr
    assert "who are you" in refused.stderr

"""Has the image built by Cloud Build, and waits for it; Pulumi runs this when the image's inputs change.

It runs as a job of Cloud Run, in an image that has Python and nothing else, as this one file. What it is about is in
the environment: `PROJECT`, `REGION`, `BUCKET`, `OBJECT` (the archive with the Dockerfile), `IMAGE`, and `ACCOUNT`, as
which the build runs.
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

PAUSE = 5.0
"""Seconds between two looks at the build."""

TIMEOUT = "3600s"
_MOMENT = 30.0
_METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
_NOT_FOUND = 404

Call = Callable[[str, str, "dict[str, Any] | None"], "dict[str, Any] | None"]
"""Asks Google by method, address and body; None: there is no such thing."""


def image(environment: Mapping[str, str], call: Call, sleep: Callable[[float], None]) -> str:
    """Return the image, built unless it is there already.

    Raises:
        SystemExit: the build failed; the message says where its log is.
    """
    wanted = environment["IMAGE"]
    if call("GET", _tag(wanted), None) is None:
        where = f"projects/{environment['PROJECT']}/locations/{environment['REGION']}"
        started = call("POST", f"https://cloudbuild.googleapis.com/v1/{where}/builds", _build(environment)) or {}
        _wait(f"https://cloudbuild.googleapis.com/v1/{where}/builds/{started['metadata']['build']['id']}", call, sleep)
    return wanted


def _tag(wanted: str) -> str:
    """Return the address of `<region>-docker.pkg.dev/<project>/<repository>/<name>:<tag>` in the registry's API."""
    path, _, tag = wanted.rpartition(":")
    host, project, repository, name = path.split("/")
    region = host.removesuffix("-docker.pkg.dev")
    parent = f"projects/{project}/locations/{region}/repositories/{repository}"
    return f"https://artifactregistry.googleapis.com/v1/{parent}/packages/{name}/tags/{tag}"


def _build(environment: Mapping[str, str]) -> "dict[str, Any]":
    wanted = environment["IMAGE"]
    return {
        "source": {"storageSource": {"bucket": environment["BUCKET"], "object": environment["OBJECT"]}},
        "steps": [{"name": "gcr.io/cloud-builders/docker", "args": ["build", "--tag", wanted, "."]}],
        "images": [wanted],
        "serviceAccount": f"projects/{environment['PROJECT']}/serviceAccounts/{environment['ACCOUNT']}",
        "options": {"logging": "CLOUD_LOGGING_ONLY"},
        "timeout": TIMEOUT,
    }


def _wait(address: str, call: Call, sleep: Callable[[float], None]) -> None:
    while True:
        build = call("GET", address, None) or {}
        if build["status"] == "SUCCESS":
            return
        if build["status"] not in {"PENDING", "QUEUED", "WORKING"}:
            log = build.get("logUrl", "Cloud Build's console")
            raise SystemExit(f"the image could not be built, {build['status']}: see {log}")
        sleep(PAUSE)


def ask(method: str, address: str, body: "dict[str, Any] | None") -> "dict[str, Any] | None":
    """Ask Google, as the account that this runs as."""
    request = urllib.request.Request(_here(address), method=method)  # noqa: S310 - an address of ours
    request.add_header("authorization", f"Bearer {_token()}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    try:
        return _answer(request)
    except urllib.error.HTTPError as error:
        if error.code == _NOT_FOUND:
            return None
        raise SystemExit(f"{method} {address}: {error.code} {error.read().decode()}") from error


def _here(address: str) -> str:
    """Return the address, or that of the Google on this machine that answers in its place."""
    local = os.environ.get("LOOPWRIGHT_GCP_ENDPOINT", "")
    return local.rstrip("/") + "/" + address.split("/", 3)[3] if local else address


def _token() -> str:
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    request = urllib.request.Request(f"http://{host}{_METADATA}", headers={"metadata-flavor": "Google"})
    return str(_answer(request)["access_token"])


def _answer(request: urllib.request.Request) -> "dict[str, Any]":
    with urllib.request.urlopen(request, timeout=_MOMENT) as reply:  # noqa: S310
        return dict(json.load(reply))


if __name__ == "__main__":
    print(image(os.environ, ask, time.sleep))  # noqa: T201 - the job's log

"""Cloud Run's services on this machine: whom they let in, what they are told, and how one revision follows another."""

import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from adapters.gcp.api import Api
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from tests.clouds.google.oidc import Signer
from tests.clouds.google.world import Google, running

PLACE = "projects/p/locations/r"
ACCOUNT = "runner@p.iam.gserviceaccount.com"
CALLER = "caller@p.iam.gserviceaccount.com"
IMAGE = "r-docker.pkg.dev/p/images/echo:1"
ECHO = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(self.path.partition("?")[2] or 0))
        told = json.dumps({"environment": dict(os.environ), "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Echo)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: __import__("threading").Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""

Json = dict[str, Any]


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    folder = tmp_path_factory.mktemp("image")
    (folder / "echo.py").write_text(ECHO)
    services = ("accounts", "oidc", "iam", "secret-versions", "run-jobs", "run-services", "resources")
    with running(services) as started:
        image = {"folder": str(folder), "python": sys.executable, "command": ["python", "echo.py"], "environment": {}}
        asked(started, "POST", f"/_local/images/{quote(IMAGE, safe='')}", image)
        for name in ("runner", "caller"):
            asked(started, "POST", "/v1/projects/p/serviceAccounts", {"accountId": name, "serviceAccount": {}})
        yield started


def asked(google: Google, method: str, path: str, body: object = None, **query: str) -> Json:
    with closing(Api("", endpoint=google.endpoint, tokens=Nobody())) as api:
        return api.call(method, path, body, query=query)


def described(name: str, *, env: list[Json] | None = None, image: str = IMAGE, **more: object) -> Json:
    container = {"image": image, "env": env or [], "startupProbe": {"httpGet": {"path": "/"}, "periodSeconds": 1}}
    return {"template": {"serviceAccount": ACCOUNT, "containers": [container]}, "customAudiences": [name], **more}


def made(google: Google, name: str, service: Json) -> Json:
    done = asked(google, "POST", f"/v2/{PLACE}/services", service, serviceId=name)
    assert "response" in done, done
    found: Json = done["response"]
    return found


def get(url: str, token: str = "") -> tuple[int, Json]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}


def token_of(google: Google, email: str, audience: str) -> str:
    return Signer(google.folder).token(audience=audience, email=email)


def test_only_an_invoker_is_let_in_and_its_token_is_handed_on_without_the_signature(google: Google) -> None:
    service = made(google, "closed", described("closed"))
    assert get(service["uri"])[0] == 403
    token = token_of(google, CALLER, "closed")
    assert get(service["uri"], token)[0] == 403
    bindings = [{"role": "roles/run.invoker", "members": [f"serviceAccount:{CALLER}"]}]
    asked(google, "POST", f"/v2/{PLACE}/services/closed:setIamPolicy", {"policy": {"bindings": bindings}})
    status, told = get(service["uri"], token)
    assert status == 200
    assert told["headers"]["Authorization"] == f"Bearer {token.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"
    assert get(service["uri"], token_of(google, CALLER, service["uri"]))[0] == 200
    assert get(service["uri"], token_of(google, CALLER, "another"))[0] == 401
    assert get(service["uri"], f"{token[:-6]}AAAAAA")[0] == 401
    assert get(service["uri"], token_of(google, ACCOUNT, "closed"))[0] == 403


def test_a_container_has_the_variables_that_it_is_given_and_cloud_runs_own(google: Google) -> None:
    env = [{"name": "GIVEN", "value": "yes"}]
    service = made(google, "told", described("told", env=env, invokerIamDisabled=True))
    variables = get(service["uri"])[1]["environment"]
    own = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "GCE_METADATA_HOST", "LOOPWRIGHT_GCP_ENDPOINT"}
    assert variables.keys() - {"LC_CTYPE"} == {"GIVEN", "PATH"} | own
    assert (variables["GIVEN"], variables["K_SERVICE"]) == ("yes", "told")
    host = variables["GCE_METADATA_HOST"]
    email = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/email"
    request = urllib.request.Request(email, headers={"Metadata-Flavor": "Google"})
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own
        assert answer.read().decode() == ACCOUNT


def test_a_secret_is_for_who_may_read_it(google: Google) -> None:
    asked(google, "POST", "/v1/projects/p/secrets", {"replication": {"automatic": {}}}, secretId="key")
    asked(google, "POST", "/v1/projects/p/secrets/key:addVersion", {"payload": {"data": "aHVzaA=="}})
    env = [{"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "1"}}}]
    service = described("keyed", env=env, invokerIamDisabled=True)
    refused = asked(google, "POST", f"/v2/{PLACE}/services", service, serviceId="keyed")
    assert "may not read" in refused["error"]["message"]
    bindings = [{"role": "roles/secretmanager.secretAccessor", "members": [f"serviceAccount:{ACCOUNT}"]}]
    asked(google, "POST", "/v1/projects/p/secrets/key:setIamPolicy", {"policy": {"bindings": bindings}})
    assert get(made(google, "keyed", service)["uri"])[1]["environment"]["KEY"] == "hush"


def test_another_revision_takes_over_when_it_is_ready_and_no_request_is_lost(google: Google) -> None:
    service = made(google, "changed", described("changed", invokerIamDisabled=True))
    answers: list[tuple[int, Json]] = []
    slow = threading.Thread(target=lambda: answers.append(get(f"{service['uri']}/?2")))
    slow.start()
    time.sleep(0.3)
    changed = described("changed", env=[{"name": "NEW", "value": "yes"}], invokerIamDisabled=True)
    done = asked(google, "PATCH", f"/v2/{PLACE}/services/changed", changed)
    assert done["response"]["uri"] == service["uri"]
    assert get(service["uri"])[1]["environment"]["NEW"] == "yes"
    slow.join()
    ((status, told),) = answers
    assert status == 200
    assert "NEW" not in told["environment"]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (described("kept", image="r-docker.pkg.dev/p/images/none:1"), "Image .* not found"),
        (
            {
                "template": {
                    "serviceAccount": ACCOUNT,
                    "containers": [{"image": IMAGE, "command": ["python", "-c", "1/0"]}],
                }
            },
            "ZeroDivisionError",
        ),
    ],
)
def test_a_revision_that_does_not_come_up_leaves_the_one_before_it(google: Google, broken: Json, why: str) -> None:
    name = f"kept-{len(why)}"
    service = made(google, name, described(name, invokerIamDisabled=True))
    failed = asked(google, "PATCH", f"/v2/{PLACE}/services/{name}", broken)
    assert re.search(why, failed["error"]["message"]), failed
    assert get(service["uri"])[0] == 200


def test_a_service_that_is_deleted_answers_no_more(google: Google) -> None:
    service = made(google, "gone", described("gone", invokerIamDisabled=True))
    asked(google, "DELETE", f"/v2/{PLACE}/services/gone")
    with pytest.raises(urllib.error.URLError):
        get(service["uri"])
    with pytest.raises(ServiceError, match="does not exist"):
        asked(google, "GET", f"/v2/{PLACE}/services/gone")


def test_its_processes_end_with_the_front(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    with running(("accounts", "oidc", "iam", "secret-versions", "run-jobs", "run-services", "resources")) as google:
        image = {"folder": str(tmp_path), "python": sys.executable, "command": ["python", "echo.py"], "environment": {}}
        asked(google, "POST", f"/_local/images/{quote(IMAGE, safe='')}", image)
        asked(google, "POST", "/v1/projects/p/serviceAccounts", {"accountId": "runner", "serviceAccount": {}})
        service = made(google, "ending", described("ending", invokerIamDisabled=True))
        port = get(service["uri"])[1]["environment"]["PORT"]
    for url in (service["uri"], f"http://127.0.0.1:{port}"):
        with pytest.raises(urllib.error.URLError):
            get(url)

"""The Cloud Run jobs of this machine: what a job's containers see, and how its executions end."""

import json
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.gcp.api import Api
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from tests.clouds.google.throwaway import PROJECT, REGION, image_made
from tests.clouds.google.world import Google, start

JOBS = f"/v2/projects/{PROJECT}/locations/{REGION}/jobs"
SAY = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    started = start(["run-jobs"])
    yield started
    started.stop()


@pytest.fixture
def api(google: Google) -> Iterator[Api]:
    api = Api("", endpoint=google.endpoint, tokens=Nobody())
    yield api
    api.close()


def make(api: Api, code: str, *, retries: int = 0, timeout: str = "60s", **others: object) -> str:
    name = f"j{secrets.token_hex(4)}"
    image = image_made(api, f"images/{name}", ["python", "-c", code])
    container = {"image": image, "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]}
    task = {"containers": [container], "maxRetries": retries, "timeout": timeout}
    operation = api.call("POST", JOBS, {"template": {"template": task}, **others}, query={"jobId": name})
    return str(operation["metadata"]["name"])


def ended(api: Api, operation: dict[str, Any]) -> dict[str, Any]:
    limit = time.monotonic() + 60
    while not operation["done"]:
        assert time.monotonic() < limit
        time.sleep(0.05)
        operation = api.call("GET", f"/v2/{operation['name']}")
    return operation


def run(api: Api, job: str, **overrides: object) -> dict[str, Any]:
    return ended(api, api.call("POST", f"/v2/{job}:run", {"overrides": overrides}))["response"]


def said(google: Google, execution: dict[str, Any]) -> str:
    return (google.folder / "run" / f"{execution['name'].rpartition('/')[2]}.log").read_text()


def test_a_container_sees_its_own_variables_and_what_overrides_them_and_nothing_else(google: Google, api: Api) -> None:
    job = make(api, SAY)
    container = {"args": ["x", "y"], "env": [{"name": "B", "value": "other"}]}
    execution = run(api, job, containerOverrides=[container])
    assert execution["succeededCount"] == 1
    arguments, seen = json.loads(said(google, execution))
    assert arguments == ["x", "y"]
    short = execution["name"].rpartition("/")[2]
    seen.pop("PATH")
    seen.pop("LC_CTYPE", None)
    assert seen == {
        "A": "a",
        "B": "other",
        "CLOUD_RUN_JOB": job.rpartition("/")[2],
        "CLOUD_RUN_EXECUTION": short,
        "CLOUD_RUN_TASK_INDEX": "0",
        "CLOUD_RUN_TASK_ATTEMPT": "0",
        "CLOUD_RUN_TASK_COUNT": "1",
    }


def test_a_task_is_tried_again_as_often_as_its_job_says(google: Google, api: Api) -> None:
    execution = run(api, make(api, "print('tried', flush=True); raise SystemExit(3)", retries=2))
    assert execution["failedCount"] == 1
    assert "exit(3)" in execution["conditions"][0]["message"]
    assert said(google, execution).count("tried") == 3


def test_what_takes_too_long_hears_of_it_and_ends(google: Google, api: Api) -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('heard', flush=True), sys.exit(0)));"
    )
    execution = run(api, make(api, f"{code} time.sleep(60)"), timeout="1s")
    assert execution["failedCount"] == 1
    assert "timeout was reached" in execution["conditions"][0]["message"]
    assert "heard" in said(google, execution)


def test_a_cancelled_execution_says_so(api: Api) -> None:
    job = make(api, "import time; time.sleep(60)")
    operation = api.call("POST", f"/v2/{job}:run")
    name = operation["metadata"]["name"]
    api.call("POST", f"/v2/{name}:cancel")
    assert ended(api, operation)["response"]["cancelledCount"] == 1
    assert [one["name"] for one in api.call("GET", f"/v2/{job}/executions")["executions"]] == [name]


def test_an_image_that_is_not_known_fails_by_its_name(api: Api) -> None:
    name = f"j{secrets.token_hex(4)}"
    task = {"containers": [{"image": "no/such:1"}], "maxRetries": 0}
    job = api.call("POST", JOBS, {"template": {"template": task}}, query={"jobId": name})["metadata"]["name"]
    assert "no/such:1" in run(api, job)["conditions"][0]["message"]


def test_a_job_is_made_once_changed_and_deleted(api: Api) -> None:
    job = make(api, "pass")
    with pytest.raises(ServiceError) as made_again:
        api.call("POST", JOBS, {"template": {}}, query={"jobId": job.rpartition("/")[2]})
    assert made_again.value.status == 409
    kept = api.call("GET", f"/v2/{job}")
    api.call("PATCH", f"/v2/{job}", {**kept, "labels": {"a": "b"}})
    changed = api.call("GET", f"/v2/{job}")
    assert (changed["uid"], changed["labels"], changed["generation"]) == (kept["uid"], {"a": "b"}, "2")
    assert api.call("DELETE", f"/v2/{job}")["done"]
    with pytest.raises(ServiceError) as gone:
        api.call("GET", f"/v2/{job}")
    assert gone.value.status == 404


@pytest.mark.parametrize(("code", "outcome"), [("pass", "response"), ("raise SystemExit(1)", "error")])
def test_a_job_with_a_token_to_run_it_is_ready_when_its_execution_has_ended(api: Api, code: str, outcome: str) -> None:
    name = f"j{secrets.token_hex(4)}"
    image = image_made(api, f"images/{name}", [sys.executable, "-c", f"import time; time.sleep(0.5); {code}"])
    body = {"template": {"template": {"containers": [{"image": image}], "maxRetries": 0}}, "runExecutionToken": "t1"}
    operation = api.call("POST", JOBS, body, query={"jobId": name})
    assert not operation["done"]
    assert outcome in ended(api, operation)
    job = api.call("GET", f"{JOBS}/{name}")
    assert job["latestCreatedExecution"]["name"] == f"{name}-t1"
    assert api.call("PATCH", f"{JOBS}/{name}", body)["done"]

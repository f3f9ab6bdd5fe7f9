"""One stack on Google Cloud, taken by the real `pulumi` through what stacks go through, as on AWS (test_stack.py).

Each step goes on where the last one ended.
"""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody
from tests.clouds.google.ledger import OWNER
from tests.clouds.google.throwaway import PROJECT, REGION
from tests.clouds.google.world import SERVICES, Google, running
from tests.clouds.tools import ROOT, MissingToolError
from tests.pulumi.command_line import command_line
from tests.pulumi.on_google import CONFIG
from tests.pulumi.stack import PulumiError, Stack, changes, google_at

PROGRAM = Path(__file__).parent / "program"
SECRET = "nobody-may-read-this"  # noqa: S105 - not anybody's
KEY = "0123456789abcdef" * 2
ANOTHER_KEY = "fedcba9876543210" * 2
PREFIX = "airport-dev"
IN_PROJECT = f"/v1/projects/{PROJECT}"
IN_REGION = f"projects/{PROJECT}/locations/{REGION}"

Json = dict[str, Any]
Step = Callable[[Stack, Google], None]


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    try:
        command_line()
        with running(SERVICES) as started:
            yield started
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def stack(google: Google, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder = tmp_path_factory.mktemp("stack")
    made = Stack("dev", google_at(google.endpoint), folder, PROGRAM, extra={"LOOPWRIGHT_PLACEHOLDERS": str(folder)})
    budget = {"alarmEmail": "one@example.org", "monthlyBudget": "50", "billingAccount": "012345-6789AB-CDEF01"}
    made.create(**CONFIG, **budget, project="tests/airport", auth="apikey", vertex="true")
    for name, value in {"note": SECRET, "apiKey": KEY}.items():
        made.run("config", "set", "--secret", name, "--", value, stack=True)
    return made


def asked(google: Google, method: str, path: str, body: object = None, **query: str) -> Json:
    with closing(Api("", endpoint=google.endpoint, tokens=Nobody())) as api:
        return api.call(method, path, body, query=query)


def told(google: Google, function: str) -> dict[str, str]:
    """Return the environment of a function, by its own account."""
    url = asked(google, "GET", f"/v2/{IN_REGION}/services/{PREFIX}-{function}")["uri"]
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - ours
        found: dict[str, str] = json.loads(answer.read())
        return found


def a_preview_makes_nothing(stack: Stack, google: Google) -> None:
    assert set(changes(stack.preview())) == {"create"}
    assert left(google) == {}


def a_failed_up_is_run_again_and_goes_on(stack: Stack, google: Google) -> None:
    name = f"{PREFIX}-collect"
    asked(google, "POST", f"{IN_PROJECT}/serviceAccounts", {"accountId": name, "serviceAccount": {}})
    with pytest.raises(PulumiError, match=f"{name}@.* is there already"):
        stack.up()
    assert left(google)["topics"]
    asked(google, "DELETE", f"{IN_PROJECT}/serviceAccounts/{name}@{PROJECT}.iam.gserviceaccount.com")
    assert set(changes(stack.up())) == {"created"}


def after_up_there_is_nothing_to_do_and_no_policy_is_broken(stack: Stack, google: Google) -> None:
    assert "unchanged" in stack.preview("--policy-pack", str(ROOT / "infra" / "policy"), "--expect-no-changes")


def the_functions_have_what_the_settings_read(stack: Stack, google: Google) -> None:
    outputs, variables = stack.outputs(), told(google, "retrain")
    assert outputs["predictUrl"] == asked(google, "GET", f"/v2/{IN_REGION}/services/{PREFIX}-predict")["uri"] + "/"
    assert variables["LOOPWRIGHT_GCP_BUCKET"] == outputs["bucket"]
    assert variables["LOOPWRIGHT_GCP_DATABASE"] == outputs["database"]
    assert variables["LOOPWRIGHT_GCP_JOB"] == f"{PREFIX}-jobs"
    assert variables["K_SERVICE"] == f"{PREFIX}-retrain"
    assert variables["LOOPWRIGHT_API_KEY"] == KEY
    assert "LOOPWRIGHT_GCP_JOB" not in told(google, "predict")


def the_image_was_built_once(stack: Stack, google: Google) -> None:
    assert len(_builds(google)) == 1


def _builds(google: Google) -> list[Json]:
    found: list[Json] = asked(google, "GET", f"/v2/{IN_REGION}/jobs/{PREFIX}-image-builder/executions")["executions"]
    return found


def a_secret_reaches_google_and_is_nowhere_else_to_be_read(stack: Stack, google: Google) -> None:
    version = f"{IN_PROJECT}/secrets/note/versions/latest"
    assert asked(google, "GET", f"{version}:access")["payload"]["data"] == "bm9ib2R5LW1heS1yZWFkLXRoaXM="
    assert stack.outputs()["note"] == SECRET
    assert SECRET not in stack.run("stack", "output", stack=True)
    files = [path for path in stack.folder.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes() or KEY.encode() in path.read_bytes()] == []


def more_memory_is_an_update_in_place(stack: Stack, google: Google) -> None:
    before = told(google, "predict")["K_REVISION"]
    stack.configure(predictMemory="1536", retentionDays="30")
    assert set(changes(stack.up())) == {"updated"}
    found = asked(google, "GET", f"/v2/{IN_REGION}/services/{PREFIX}-predict")
    assert found["template"]["containers"][0]["resources"]["limits"]["memory"] == "1536Mi"
    assert told(google, "predict")["K_REVISION"] == found["latestReadyRevision"].rpartition("/")[2] != before


def refresh_finds_what_was_changed_behind_its_back(stack: Stack, google: Google) -> None:
    labels = f"{IN_PROJECT}/subscriptions/{PREFIX}-labels"
    wanted = asked(google, "GET", labels)["ackDeadlineSeconds"]
    asked(google, "PATCH", labels, {"subscription": {"ackDeadlineSeconds": 11}, "updateMask": "ackDeadlineSeconds"})
    topic = f"{IN_PROJECT}/topics/{PREFIX}-predictions"
    policy = asked(google, "GET", f"{topic}:getIamPolicy")
    asked(google, "POST", f"{topic}:setIamPolicy", {"policy": {**policy, "bindings": []}})
    channel = asked(google, "GET", f"/v3/projects/{PROJECT}/notificationChannels")["notificationChannels"][0]["name"]
    asked(google, "DELETE", f"/v3/{channel}")
    said = stack.refresh()
    assert "ackDeadlineSeconds" in said
    assert "deleted" in said
    assert {"created", "updated"} <= set(changes(stack.up()))
    assert asked(google, "GET", labels)["ackDeadlineSeconds"] == wanted
    now = asked(google, "GET", f"{topic}:getIamPolicy")["bindings"]
    assert _members(now) == _members(policy["bindings"])


def _members(bindings: list[Json]) -> set[tuple[str, str]]:
    return {(one["role"], member) for one in bindings for member in one["members"]}


def the_policy_pack_stops_a_bad_stack(stack: Stack, google: Google) -> None:
    before = left(google)
    stack.configure(bad="true")
    with pytest.raises(PulumiError, match="loses-what-it-has has no dead letters"):
        stack.run("up", "--yes", "--policy-pack", str(ROOT / "infra" / "policy"), stack=True)
    stack.configure(bad="false")
    assert left(google) == before


def another_key_is_another_version_of_the_secret(stack: Stack, google: Google) -> None:
    """What a version has cannot be changed: a new one replaces it, and the functions that have the key are updated."""
    stack.run("config", "set", "--secret", "apiKey", "--", ANOTHER_KEY, stack=True)
    stack.configure(monthlyBudget="0")
    account = changes(stack.up())
    assert account["replaced"] == 1
    assert told(google, "predict")["LOOPWRIGHT_API_KEY"] == ANOTHER_KEY


def an_image_that_does_not_start_leaves_the_one_before_it_serving(stack: Stack, google: Google) -> None:
    before = told(google, "predict")
    stack.configure(broken="true")
    with pytest.raises(PulumiError, match="failed to start"):
        stack.up()
    assert len(_builds(google)) == 2
    assert told(google, "predict") == before
    stack.configure(broken="false")
    stack.up()
    # An execution's name is taken for ever: who goes back has another one.
    assert len(_builds(google)) == 3
    assert told(google, "predict")["K_SERVICE"] == f"{PREFIX}-predict"


def destroy_leaves_nothing(stack: Stack, google: Google) -> None:
    bucket = stack.outputs()["bucket"]
    asked(google, "POST", f"/upload/storage/v1/b/{bucket}/o", {}, uploadType="media", name="blobs/model")
    stack.destroy()
    assert left(google) == {}
    assert stack.resources() == []


def left(google: Google) -> dict[str, list[str]]:
    """Return everything that there is, by kind; kinds of which there is nothing are left out."""

    def names(path: str, key: str, **query: str) -> list[str]:
        return sorted(one["name"] for one in asked(google, "GET", path, **query).get(key, []))

    found = {
        "alarms": names(f"/v3/projects/{PROJECT}/alertPolicies", "alertPolicies"),
        "accounts": names(f"{IN_PROJECT}/serviceAccounts", "serviceAccounts"),
        "buckets": names("/storage/v1/b", "items", project=PROJECT),
        "budgets": names("/v1/billingAccounts/012345-6789AB-CDEF01/budgets", "budgets"),
        "channels": names(f"/v3/projects/{PROJECT}/notificationChannels", "notificationChannels"),
        "dashboards": names(f"{IN_PROJECT}/dashboards", "dashboards"),
        "databases": names(f"{IN_PROJECT}/databases", "databases"),
        "exclusions": names(f"/v2/projects/{PROJECT}/exclusions", "exclusions"),
        "jobs": names(f"/v2/{IN_REGION}/jobs", "jobs"),
        "logs": names(f"/v2/{IN_REGION}/buckets", "buckets"),
        "repositories": names(f"/v1/{IN_REGION}/repositories", "repositories"),
        "roles": names(f"{IN_PROJECT}/roles", "roles"),
        "schedules": names(f"/v1/{IN_REGION}/jobs", "jobs"),
        "secrets": names(f"{IN_PROJECT}/secrets", "secrets"),
        "services": names(f"/v2/{IN_REGION}/services", "services"),
        "sinks": names(f"/v2/projects/{PROJECT}/sinks", "sinks"),
        "subscriptions": names(f"{IN_PROJECT}/subscriptions", "subscriptions"),
        "topics": names(f"{IN_PROJECT}/topics", "topics"),
    }
    bindings = asked(google, "POST", f"{IN_PROJECT}:getIamPolicy", {})["bindings"]
    members = sorted(f"{role} {member}" for role, member in _members(bindings) if member != f"user:{OWNER}")
    return {kind: some for kind, some in {**found, "members": members}.items() if some}


STEPS: tuple[Step, ...] = (
    a_preview_makes_nothing,
    a_failed_up_is_run_again_and_goes_on,
    after_up_there_is_nothing_to_do_and_no_policy_is_broken,
    the_functions_have_what_the_settings_read,
    the_image_was_built_once,
    a_secret_reaches_google_and_is_nowhere_else_to_be_read,
    more_memory_is_an_update_in_place,
    refresh_finds_what_was_changed_behind_its_back,
    the_policy_pack_stops_a_bad_stack,
    another_key_is_another_version_of_the_secret,
    an_image_that_does_not_start_leaves_the_one_before_it_serving,
    destroy_leaves_nothing,
)


@pytest.mark.timeout(600)
def test_a_stack_on_google_cloud_lives_its_life(stack: Stack, google: Google, subtests: pytest.Subtests) -> None:
    for step in STEPS:
        with subtests.test(step.__name__):
            step(stack, google)

"""What Google allows the functions' accounts to do, and nothing else, in a stack that has been once around the loop."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.clouds.google.throwaway import PROJECT, REGION
from tests.pulumi.attempts import (
    asks_for_a_prediction,
    asks_for_a_training,
    begins_a_run,
    begins_an_upload,
    keeps_house,
    materializes,
    monitors,
    pushes_a_feature,
    reads_a_feature,
    tells_a_label,
    tells_who_is_champion,
    trains,
)
from tests.pulumi.deployed import awaited
from tests.pulumi.on_google import OnGoogle

Step = Callable[[OnGoogle, ModuleType], None]

IN_PROJECT = f"/v1/projects/{PROJECT}"


class Grant(NamedTuple):
    """A role of a function's account on something, by the path of its policy with `{prefix}` and `{bucket}` in it.

    `under`: only the one whose condition is titled so.
    """

    function: str
    role: str
    thing: str = f"{IN_PROJECT}"
    under: str = ""


BUCKET = "/storage/v1/b/{bucket}/iam"
TRACKING = f"{{prefix}}-tracking@{PROJECT}.iam.gserviceaccount.com"


def only_the_account_of_schedules_calls_what_has_one(deployed: OnGoogle, umbrella: ModuleType) -> None:
    callers = f"{deployed.prefix}-callers@{PROJECT}.iam.gserviceaccount.com"
    stranger = f"{deployed.prefix}-predict@{PROJECT}.iam.gserviceaccount.com"
    assert deployed.called("monitor", "/due/housekeeping", by=callers).status == 200
    assert deployed.called("monitor", "/due/housekeeping", by=stranger).status == 403
    assert deployed.called("monitor", "/due/housekeeping", by=callers, audience="another").status == 401
    assert deployed.called("predict", "/models/rain/predict", by=callers).status == 403


def a_call_of_a_schedule_that_came_to_nothing_is_kept(deployed: OnGoogle, umbrella: ModuleType) -> None:
    job = f"{IN_PROJECT}/locations/{REGION}/jobs/{deployed.prefix}-collect"
    with without(
        deployed, Grant("collect", "roles/pubsub.subscriber", f"{IN_PROJECT}/subscriptions/{{prefix}}-labels")
    ):
        deployed.asked("POST", f"{job}:run")
        letter = awaited(lambda: _letter(deployed))
    assert letter["resource"]["labels"]["job_id"] == f"{deployed.prefix}-collect"
    assert letter["severity"] == "ERROR"


def _letter(deployed: OnGoogle) -> dict[str, Any]:
    """Take one of the calls that came to nothing; empty: there is none."""
    failures = f"{IN_PROJECT}/subscriptions/{deployed.prefix}-failures-dead"
    for one in deployed.asked("POST", f"{failures}:pull", {"maxMessages": 1}).get("receivedMessages", ()):
        deployed.asked("POST", f"{failures}:acknowledge", {"ackIds": [one["ackId"]]})
        found: dict[str, Any] = json.loads(b64decode(one["message"]["data"]))
        return found
    return {}


@contextmanager
def without(deployed: OnGoogle, grant: Grant) -> Iterator[None]:
    """Take a role from a function's account, and give it back."""
    thing = grant.thing.format(prefix=deployed.prefix, bucket=deployed.outputs["bucket"])
    member = f"serviceAccount:{deployed.prefix}-{grant.function}@{PROJECT}.iam.gserviceaccount.com"
    before = deployed.policy(thing)["bindings"]
    unwanted = [one for one in before if _is(one, grant) and member in one["members"]]
    assert unwanted, f"{member} never had {grant.role} on {thing}: {before}"
    rest = [{**one, "members": [each for each in one["members"] if each != member]} for one in unwanted]
    deployed.let(thing, [one for one in before if one not in unwanted] + [one for one in rest if one["members"]])
    try:
        yield
    finally:
        deployed.let(thing, before)


def _is(binding: dict[str, Any], grant: Grant) -> bool:
    title = binding.get("condition", {}).get("title", "")
    return binding["role"] == grant.role and title == (grant.under or title)


def collects(deployed: OnGoogle) -> str:
    tells_a_label(deployed)
    with pytest.raises(RuntimeError) as caught:
        deployed.due("collect")
    return str(caught.value)


def refused(said: str) -> bool:
    """Return whether Google has refused something; Delta's own client does not tell what."""
    return "does not have roles/" in said or "lacked the necessary privileges" in said


STEPS: tuple[Step, ...] = (
    only_the_account_of_schedules_calls_what_has_one,
    a_call_of_a_schedule_that_came_to_nothing_is_kept,
)
DENIALS: tuple[tuple[Grant, Callable[[OnGoogle], str]], ...] = (
    (Grant("jobs", "roles/storage.objectUser", BUCKET, "under blobs/"), trains),
    (Grant("predict", "roles/pubsub.publisher", f"{IN_PROJECT}/topics/{{prefix}}-predictions"), asks_for_a_prediction),
    (Grant("labels", "roles/pubsub.publisher", f"{IN_PROJECT}/topics/{{prefix}}-labels"), tells_a_label),
    (Grant("features", "roles/pubsub.publisher", f"{IN_PROJECT}/topics/{{prefix}}-features"), pushes_a_feature),
    (
        Grant(
            "retrain",
            "roles/run.jobsExecutorWithOverrides",
            f"/v2/projects/{PROJECT}/locations/{REGION}/jobs/{{prefix}}-jobs",
        ),
        asks_for_a_training,
    ),
    (Grant("retrain", "roles/datastore.user"), asks_for_a_training),
    (Grant("monitor", "roles/datastore.user"), monitors),
    (Grant("monitor", "roles/storage.objectUser", BUCKET, "under lake/"), keeps_house),
    (Grant("materialize", "roles/storage.objectViewer", BUCKET, "under lake/"), materializes),
    (Grant("materialize", "roles/datastore.user"), materializes),
    (Grant("features", "roles/datastore.user"), reads_a_feature),
    (Grant("collect", "roles/pubsub.subscriber", f"{IN_PROJECT}/subscriptions/{{prefix}}-labels"), collects),
    (Grant("collect", "roles/storage.objectUser", BUCKET, "under lake/"), collects),
    (Grant("tracking", "roles/datastore.user"), begins_a_run),
    (Grant("tracking", "roles/storage.objectUser", BUCKET, "under blobs/"), begins_an_upload),
    (Grant("tracking", "roles/pubsub.publisher", f"{IN_PROJECT}/topics/{{prefix}}-events"), tells_who_is_champion),
    (
        Grant("tracking", "roles/iam.serviceAccountTokenCreator", f"{IN_PROJECT}/serviceAccounts/{TRACKING}"),
        begins_an_upload,
    ),
)

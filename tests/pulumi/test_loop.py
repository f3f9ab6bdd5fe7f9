"""Once around the loop on what `pulumi up` has deployed, with IAM enforced; then with one permission less each time.

Each step goes on where the last one ended.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loopwright.clock import ReplayClock
from loopwright.definitions.project import load_project
from tests.clouds.aws import REGION, client
from tests.clouds.ministack import running
from tests.clouds.tools import ROOT, MissingToolError
from tests.pulumi.command_line import command_line
from tests.pulumi.deployed import Answered, Deployed, awaited, deployed_in
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import Stack, aws_at

FOLDER = Path(__file__).parent / "umbrella"
DAY = 86_400.0
WINDY: list[dict[str, Any]] = [
    {"station": "north", "humidity": 20.0 + number % 80, "wind": 60.0 + number % 7} for number in range(120)
]

Step = Callable[[Deployed, ModuleType], None]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("loop")
    ReplayClock(folder / "clock").set(time.time())
    try:
        command_line()
        python = newest_python()
        with running(auth=True, variables={"LOOPWRIGHT_CLOCK_FILE": str(folder / "clock")}) as aws:
            stack = Stack("loop", aws_at(aws.endpoint), folder)
            project = str(FOLDER.relative_to(ROOT))
            stack.create(aws__region=REGION, protect="false", project=project, pythonVersion=python)
            stack.up()
            with deployed_in(aws, stack.outputs(), project=FOLDER, clock=folder / "clock") as made:
                yield made
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def umbrella() -> ModuleType:
    load_project(FOLDER)
    return sys.modules[f"loopwright_project_{FOLDER.name}"]


def predicted(deployed: Deployed, rows: list[dict[str, object]]) -> Answered:
    return deployed.post("predict", "/models/rain/predict", {"rows": rows})


def retrained(deployed: Deployed, why: str) -> Any:
    """Ask for a retraining and wait for the end of its job."""
    answer = deployed.post("retrain", "/models/rain/retrain", {"why": why})
    assert answer.body["started"], answer
    jobs = deployed.platform.jobs
    return awaited(lambda: (one := jobs.status(answer.body["job"])) and one.state != "running" and one)


def a_person_starts_the_first_training_and_its_version_answers(deployed: Deployed, umbrella: ModuleType) -> None:
    until = deployed.now - 3_600
    deployed.platform.lake.append("observations", umbrella.cases(600, until=until, wind=10.0))
    assert retrained(deployed, "the first").state == "succeeded"
    assert deployed.champion() == 1


def nobody_is_answered_who_does_not_sign(deployed: Deployed, umbrella: ModuleType) -> None:
    url = f"{deployed.aws.endpoint}{deployed.path_of('predict')}/models/rain/predict"
    request = urllib.request.Request(url, data=json.dumps({"rows": WINDY[:1]}).encode(), method="POST")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=60)  # noqa: S310 - our own AWS


def predictions_and_their_labels_reach_the_lake(deployed: Deployed, umbrella: ModuleType) -> None:
    answer = predicted(deployed, WINDY)
    assert (answer.status, answer.body["version"]) == (200, 1)
    ids = [one["id"] for one in answer.body["predictions"]]
    labels = [{"id": one, "label": row["humidity"] > 60} for one, row in zip(ids, WINDY, strict=True)]
    assert deployed.post("labels", "/models/rain/labels", {"labels": labels}).body == {"accepted": 120}
    tables = awaited(lambda: (found := set(deployed.platform.lake.tables())) >= {"predictions/rain"} and found)
    assert awaited(lambda: "labels/rain" in deployed.platform.lake.tables()), tables


def the_monitor_finds_drift_and_the_rule_has_a_better_version_trained(deployed: Deployed, umbrella: ModuleType) -> None:
    lake = deployed.platform.lake
    lake.append("observations", umbrella.cases(300, until=deployed.now + DAY, wind=60.0, seed=1))
    ReplayClock(deployed.clock).set(deployed.now + 2 * DAY)
    report = deployed.fire("monitor")["rain"]
    assert (report["champion"], report["predictions"], report["labels"]) == (1, 120, 120)
    assert "wind" in report["alerts"][0]["detail"]
    assert awaited(lambda: deployed.champion() == 2)


def the_next_request_is_served_by_the_new_version(deployed: Deployed, umbrella: ModuleType) -> None:
    assert awaited(lambda: predicted(deployed, WINDY[:1]).body["version"] == 2)


def _asks_for_a_prediction(deployed: Deployed) -> str:
    return str(predicted(deployed, WINDY[:1]).body)


def _tells_a_label(deployed: Deployed) -> str:
    return str(deployed.post("labels", "/models/rain/labels", {"labels": [{"id": "one", "label": "yes"}]}).body)


def _asks_for_a_training(deployed: Deployed) -> str:
    return str(deployed.post("retrain", "/models/rain/retrain", {"why": "again"}).body)


def _monitors(deployed: Deployed) -> str:
    with pytest.raises(RuntimeError) as caught:
        deployed.fire("monitor")
    return str(caught.value)


def _keeps_house(deployed: Deployed) -> str:
    with pytest.raises(RuntimeError) as caught:
        deployed.fire("housekeeping")
    return str(caught.value)


def _trains(deployed: Deployed) -> str:
    status = retrained(deployed, f"once more {time.time()}")
    assert status.state == "failed"
    return str(status.detail)


@contextmanager
def without(deployed: Deployed, function: str, action: str) -> Iterator[None]:
    """Take an action from a function's role, and give it back."""
    iam, role = client(deployed.aws.endpoint, "iam"), f"{deployed.prefix}-{function}"
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    kept = [
        {**one, "Action": [each for each in one["Action"] if each not in {action, f"{action}Batch"}]}
        for one in before["Statement"]
    ]
    assert kept != before["Statement"], f"{role} never had {action}"
    document = {**before, "Statement": [one for one in kept if one["Action"]]}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before))


STEPS: tuple[Step, ...] = (
    a_person_starts_the_first_training_and_its_version_answers,
    nobody_is_answered_who_does_not_sign,
    predictions_and_their_labels_reach_the_lake,
    the_monitor_finds_drift_and_the_rule_has_a_better_version_trained,
    the_next_request_is_served_by_the_new_version,
)
DENIALS: tuple[tuple[str, str, Callable[[Deployed], str]], ...] = (
    ("jobs", "s3:PutObject", _trains),
    ("predict", "sqs:SendMessage", _asks_for_a_prediction),
    ("labels", "sqs:SendMessage", _tells_a_label),
    ("retrain", "lambda:InvokeFunction", _asks_for_a_training),
    ("retrain", "dynamodb:GetItem", _asks_for_a_training),
    ("monitor", "dynamodb:Query", _monitors),
    ("monitor", "s3:GetObject", _keeps_house),
)


@pytest.mark.timeout(900)
def test_the_loop_is_closed_on_aws_and_each_part_of_it_needs_its_permissions(
    deployed: Deployed, umbrella: ModuleType, subtests: pytest.Subtests
) -> None:
    for step in STEPS:
        with subtests.test(step.__name__):
            step(deployed, umbrella)
    for function, action, attempt in DENIALS:
        with subtests.test(f"{function} without {action}"), without(deployed, function, action):
            said = attempt(deployed)
            # Delta's own client of S3 tells the status, and not what for.
            assert f"not authorized to perform: {action}" in said or "403 Forbidden" in said, said

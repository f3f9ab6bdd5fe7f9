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
from botocore.exceptions import ClientError

from loopwright.clock import ReplayClock
from loopwright.columns import length
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
FAILURES = "umbrella-loop-failures-dead"
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
    deployed.platform.lake.append("terrain", umbrella.heights(11.0, since=until - 10 * DAY))
    assert deployed.fire("materialize")["terrain"]["rows_written"] == 1
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


def features_come_online_by_the_schedule_and_by_being_pushed(deployed: Deployed, umbrella: ModuleType) -> None:
    deployed.platform.lake.append("terrain", umbrella.heights(12.0, since=deployed.now - 60))
    assert deployed.fire("materialize") == {"terrain": {"rows_read": 1, "rows_written": 1}}
    assert _height(deployed) == 12.0
    assert _pushed(deployed, 13.0).body == {"accepted": 1}
    assert _height(deployed) == 13.0
    assert awaited(lambda: length(deployed.platform.lake.read_columns("terrain")) == 3)


def _pushed(deployed: Deployed, altitude: float) -> Answered:
    row = {"station": "north", "altitude": altitude, "event_time": deployed.now}
    return deployed.post("features", "/features/terrain/push", {"rows": [row]})


def _height(deployed: Deployed) -> float:
    answer = deployed.post("features", "/features/terrain/read", {"keys": [{"station": "north"}]})
    (found,) = answer.body["features"]["altitude"]
    return float(found)


def the_schedules_role_calls_what_has_a_schedule_and_nothing_else(deployed: Deployed, umbrella: ModuleType) -> None:
    """This AWS calls what is due under no role and keeps no dead letters of schedules, so the test does as AWS does."""
    schedules = {"monitor": "monitor", "housekeeping": "monitor", "materialize": "materialize"}
    targets = {name: deployed.target_of(name) for name in schedules}
    (role,) = {one["RoleArn"] for one in targets.values()}
    (letters,) = {one["DeadLetterConfig"]["Arn"] for one in targets.values()}
    assert {name: one["Arn"].rpartition(":")[2] for name, one in targets.items()} == {
        name: f"{deployed.prefix}-{function}" for name, function in schedules.items()
    }
    assert letters.endswith(f":{FAILURES}")
    with pytest.raises(ClientError, match="AccessDenied"):
        client(deployed.aws.endpoint, "sts").assume_role(RoleArn=role, RoleSessionName="anybody")
    with deployed.acting_as(role) as session:
        queues, functions = (session.client(one, endpoint_url=deployed.aws.endpoint) for one in ("sqs", "lambda"))
        queues.send_message(QueueUrl=_url(deployed, FAILURES), MessageBody="came to nothing")
        with pytest.raises(ClientError, match="not authorized to perform: sqs:SendMessage"):
            queues.send_message(QueueUrl=_url(deployed, f"{deployed.prefix}-labels"), MessageBody="no")
        with pytest.raises(ClientError, match="not authorized to perform: lambda:InvokeFunction"):
            functions.invoke(FunctionName=f"{deployed.prefix}-retrain")
    assert _letter(deployed)["Body"] == "came to nothing"


def a_call_that_nobody_waits_for_is_kept_when_it_failed_for_good(deployed: Deployed, umbrella: ModuleType) -> None:
    """This AWS leaves it in the queue by itself, after three attempts; what its role may do is tried apart."""
    target = deployed.target_of("monitor")
    with without(deployed, "monitor", "dynamodb:Query"):
        client(deployed.aws.endpoint, "lambda").invoke(
            FunctionName=target["Arn"], InvocationType="Event", Payload=target["Input"].encode()
        )
        letter = json.loads(awaited(lambda: _letter(deployed))["Body"])
    assert letter["requestPayload"] == {"loopwright": "monitor"}
    assert letter["requestContext"]["functionArn"].startswith(target["Arn"])
    assert "not authorized to perform: dynamodb:Query" in json.dumps(letter["responsePayload"])
    for function in ("monitor", "materialize", "jobs"):
        role = client(deployed.aws.endpoint, "iam").get_role(RoleName=f"{deployed.prefix}-{function}")["Role"]["Arn"]
        with deployed.acting_as(role) as session:
            queues = session.client("sqs", endpoint_url=deployed.aws.endpoint)
            queues.send_message(QueueUrl=_url(deployed, FAILURES), MessageBody=function)
        assert _letter(deployed)["Body"] == function


def _url(deployed: Deployed, queue: str) -> str:
    return str(client(deployed.aws.endpoint, "sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def _letter(deployed: Deployed) -> dict[str, Any]:
    """Take one dead letter of schedules and calls out of its queue; empty: there is none."""
    queues, url = client(deployed.aws.endpoint, "sqs"), _url(deployed, FAILURES)
    for message in queues.receive_message(QueueUrl=url).get("Messages", ()):
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = message
        return found
    return {}


def what_may_not_be_collected_comes_back_and_lands(deployed: Deployed, umbrella: ModuleType) -> None:
    url = _url(deployed, f"{deployed.prefix}-labels")
    client(deployed.aws.endpoint, "sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    before = _labels(deployed)
    with without(deployed, "collect", "s3:PutObject"):
        deployed.post("labels", "/models/rain/labels", {"labels": [{"id": "late", "label": "yes"}]})
        assert awaited(lambda: _refused(deployed.log_of("collect")))
        assert _labels(deployed) == before
    assert awaited(lambda: _labels(deployed) == before + 1)


def _labels(deployed: Deployed) -> int:
    return length(deployed.platform.lake.read_columns("labels/rain"))


def _refused(said: str) -> bool:
    """Return whether Delta's own client of S3 was refused: it does not tell what."""
    return "403 Forbidden" in said or "lacked the necessary privileges" in said


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


def _materializes(deployed: Deployed) -> str:
    heights = sys.modules[f"loopwright_project_{FOLDER.name}"].heights
    deployed.platform.lake.append("terrain", heights(15.0, since=deployed.now))
    with pytest.raises(RuntimeError) as caught:
        deployed.fire("materialize")
    return str(caught.value)


def _pushes_a_feature(deployed: Deployed) -> str:
    return str(_pushed(deployed, 14.0).body)


def _reads_a_feature(deployed: Deployed) -> str:
    keys = {"keys": [{"station": "north"}]}
    return str(deployed.post("features", "/features/terrain/read", keys).body)


def _collects(deployed: Deployed) -> str:
    """Tell a label, and return what the log of its collecting says from now on."""
    before = len(deployed.log_of("collect"))
    _tells_a_label(deployed)
    return awaited(lambda: (said := deployed.log_of("collect")[before:]) and _refused(said) and said)


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
    features_come_online_by_the_schedule_and_by_being_pushed,
    the_schedules_role_calls_what_has_a_schedule_and_nothing_else,
    a_call_that_nobody_waits_for_is_kept_when_it_failed_for_good,
    what_may_not_be_collected_comes_back_and_lands,
)
DENIALS: tuple[tuple[str, str, Callable[[Deployed], str]], ...] = (
    ("jobs", "s3:PutObject", _trains),
    ("predict", "sqs:SendMessage", _asks_for_a_prediction),
    ("labels", "sqs:SendMessage", _tells_a_label),
    ("retrain", "lambda:InvokeFunction", _asks_for_a_training),
    ("retrain", "dynamodb:GetItem", _asks_for_a_training),
    ("monitor", "dynamodb:Query", _monitors),
    ("monitor", "s3:GetObject", _keeps_house),
    ("materialize", "s3:GetObject", _materializes),
    ("materialize", "dynamodb:GetItem", _materializes),
    ("features", "sqs:SendMessage", _pushes_a_feature),
    ("features", "dynamodb:GetItem", _reads_a_feature),
    ("collect", "s3:GetObject", _collects),
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
            assert f"not authorized to perform: {action}" in said or _refused(said), said

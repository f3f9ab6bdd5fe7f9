"""What AWS alone enforces here: who may call, read and write what in a stack that has been once around the loop."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from loopwright.columns import length
from tests.clouds.aws import client
from tests.pulumi.attempts import (
    asks_for_a_prediction,
    asks_for_a_training,
    begins_a_run,
    begins_an_upload,
    keeps_house,
    looks_for_experiments,
    materializes,
    monitors,
    pushes_a_feature,
    reads_a_feature,
    tells_a_label,
    tells_who_is_champion,
    trains,
)
from tests.pulumi.deployed import awaited
from tests.pulumi.on_aws import OnAws

FAILURES = "umbrella-loop-failures-dead"

Step = Callable[[OnAws, ModuleType], None]


def the_schedules_role_calls_what_has_a_schedule_and_nothing_else(deployed: OnAws, umbrella: ModuleType) -> None:
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


def a_call_that_nobody_waits_for_is_kept_when_it_failed_for_good(deployed: OnAws, umbrella: ModuleType) -> None:
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


def _url(deployed: OnAws, queue: str) -> str:
    return str(client(deployed.aws.endpoint, "sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def _letter(deployed: OnAws) -> dict[str, Any]:
    """Take one dead letter of schedules and calls out of its queue; empty: there is none."""
    queues, url = client(deployed.aws.endpoint, "sqs"), _url(deployed, FAILURES)
    for message in queues.receive_message(QueueUrl=url).get("Messages", ()):
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = message
        return found
    return {}


def what_may_not_be_collected_comes_back_and_lands(deployed: OnAws, umbrella: ModuleType) -> None:
    url = _url(deployed, f"{deployed.prefix}-labels")
    client(deployed.aws.endpoint, "sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    before = _labels(deployed)
    with without(deployed, "collect", "s3:PutObject"):
        deployed.post("labels", "/models/rain/labels", {"labels": [{"id": "late", "label": "yes"}]})
        assert awaited(lambda: refused(deployed.log_of("collect")))
        assert _labels(deployed) == before
    assert awaited(lambda: _labels(deployed) == before + 1)


def _labels(deployed: OnAws) -> int:
    return length(deployed.platform.lake.read_columns("labels/rain"))


def refused(said: str) -> bool:
    """Return whether Delta's own client of S3 was refused: it does not tell what."""
    return "403 Forbidden" in said or "lacked the necessary privileges" in said


def _collects(deployed: OnAws) -> str:
    """Tell a label, and return what the log of its collecting says from now on."""
    before = len(deployed.log_of("collect"))
    tells_a_label(deployed)
    return awaited(lambda: (said := deployed.log_of("collect")[before:]) and refused(said) and said)


@contextmanager
def without(deployed: OnAws, function: str, action: str) -> Iterator[None]:
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
    the_schedules_role_calls_what_has_a_schedule_and_nothing_else,
    a_call_that_nobody_waits_for_is_kept_when_it_failed_for_good,
    what_may_not_be_collected_comes_back_and_lands,
)
DENIALS: tuple[tuple[str, str, Callable[[OnAws], str]], ...] = (
    ("jobs", "s3:PutObject", trains),
    ("predict", "sqs:SendMessage", asks_for_a_prediction),
    ("labels", "sqs:SendMessage", tells_a_label),
    ("retrain", "lambda:InvokeFunction", asks_for_a_training),
    ("retrain", "dynamodb:GetItem", asks_for_a_training),
    ("monitor", "dynamodb:Query", monitors),
    ("monitor", "s3:GetObject", keeps_house),
    ("materialize", "s3:GetObject", materializes),
    ("materialize", "dynamodb:GetItem", materializes),
    ("features", "sqs:SendMessage", pushes_a_feature),
    ("features", "dynamodb:GetItem", reads_a_feature),
    ("collect", "s3:GetObject", _collects),
    ("tracking", "dynamodb:GetItem", begins_a_run),
    ("tracking", "dynamodb:PutItem", begins_a_run),
    ("tracking", "dynamodb:Query", looks_for_experiments),
    ("tracking", "s3:PutObject", begins_an_upload),
    ("tracking", "events:PutEvents", tells_who_is_champion),
)

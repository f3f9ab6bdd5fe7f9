"""A throwaway place on an AWS that runs on this machine: a bucket, a table, a bus with rules, queues as they come."""

import atexit
import io
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3

from adapters.aws.place import AwsPlace
from loopwright.ports.events import Subscription

LIVE: Final = os.environ.get("LOOPWRIGHT_LIVE_AWS", "")
"""A region: the contracts run over a real account too, the one whose credentials are in the environment."""

REGION: Final = LIVE or "eu-central-1"
ACCOUNT: Final = "123456789012"

_MOTO: Final = Path(__file__).with_name("moto_server.py")

_STARTING: Final = 60.0
"""Seconds for which moto may import itself."""

_ROLES: Final = 10.0
"""Seconds until a new role is known everywhere in AWS."""


@cache
def moto() -> str:
    """Return where moto answers; it is started once a process, and ends with it.

    It is a process of its own: whoever reads a stream of Rust's holds the interpreter, and would wait for himself.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(_MOTO), "127.0.0.1", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(server.kill)
    deadline = time.monotonic() + _STARTING
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return f"http://127.0.0.1:{port}"
    raise RuntimeError(f"moto's server did not start: python {_MOTO} 127.0.0.1 5000 tells why")


@cache
def client(endpoint: str, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    """Return a boto3 client, for what a test sets up or looks at from outside; no endpoint is AWS itself."""
    if not endpoint:
        return boto3.client(service, region_name=REGION)
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - an AWS of our own
    )


@contextmanager
def throwaway(endpoint: str, subscriptions: Sequence[Subscription]) -> Iterator[AwsPlace]:
    """Make what a stack makes, under names of its own; in an account it is taken away again, an emulator ends."""
    name = f"t{secrets.token_hex(6)}"
    try:
        yield made(endpoint, name, subscriptions)
    finally:
        if endpoint:
            client(endpoint, "dynamodb").delete_table(TableName=name)
        else:
            take_away(endpoint, name)


def made(endpoint: str, name: str, subscriptions: Sequence[Subscription]) -> AwsPlace:
    """Make bucket, table, bus, subscribed queues and a function for jobs, all under one name."""
    if endpoint:
        os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
    client(endpoint, "s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    dynamo = client(endpoint, "dynamodb")
    dynamo.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    if not endpoint:
        dynamo.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 2})
    client(endpoint, "events").create_event_bus(Name=name)
    for queue in sorted({each.queue for each in subscriptions}):
        # One rule a queue: an event that matches it twice still arrives once.
        _subscribe(endpoint, name, queue, [each.prefix for each in subscriptions if each.queue == queue])
    account, job_function = _account(endpoint), _job_function(endpoint, name)
    return AwsPlace(REGION, name, name, name, name, account, job_function=job_function, endpoint=endpoint)


def take_away(endpoint: str, name: str) -> None:
    """Delete everything that a throwaway place has made, and that tests have made in it."""
    bucket = client(endpoint, "s3")
    for page in bucket.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", ()):
            bucket.delete_object(Bucket=name, Key=found["Key"])
    bucket.delete_bucket(Bucket=name)
    client(endpoint, "dynamodb").delete_table(TableName=name)
    events = client(endpoint, "events")
    for rule in events.list_rules(EventBusName=name)["Rules"]:
        events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=["queue"])
        events.delete_rule(Name=rule["Name"], EventBusName=name)
    events.delete_event_bus(Name=name)
    for url in client(endpoint, "sqs").list_queues(QueueNamePrefix=f"{name}-").get("QueueUrls", ()):
        client(endpoint, "sqs").delete_queue(QueueUrl=url)
    client(endpoint, "lambda").delete_function(FunctionName=f"{name}-jobs")
    client(endpoint, "iam").delete_role(RoleName=f"{name}-jobs")


def _job_function(endpoint: str, place: str) -> str:
    """Make a function that can be called, and does nothing."""
    name = f"{place}-jobs"
    allowed = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    role = client(endpoint, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    if not endpoint:
        time.sleep(_ROLES)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("nothing.py", "def handler(event, context):\n    return None\n")
    client(endpoint, "lambda").create_function(
        FunctionName=name,
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="nothing.handler",
        Code={"ZipFile": content.getvalue()},
    )
    return name


@cache
def _account(endpoint: str) -> str:
    return ACCOUNT if endpoint else str(client(endpoint, "sts").get_caller_identity()["Account"])


def _subscribe(endpoint: str, name: str, subscriber: str, prefixes: Sequence[str]) -> None:
    queue, account = f"{name}-{subscriber}", _account(endpoint)
    dead = client(endpoint, "sqs").create_queue(QueueName=f"{queue}-dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{account}:{dead.rpartition('/')[2]}", "maxReceiveCount": 5}
    arn, rule = f"arn:aws:sqs:{REGION}:{account}:{queue}", f"{name}-{subscriber}"
    bus = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**bus, "Resource": arn}]}
    attributes = {"RedrivePolicy": json.dumps(redrive), "Policy": json.dumps(policy)}
    client(endpoint, "sqs").create_queue(QueueName=queue, Attributes=attributes)
    events = client(endpoint, "events")
    pattern = {"detail-type": [{"prefix": prefix} for prefix in prefixes]}
    events.put_rule(Name=rule, EventBusName=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn, "InputPath": "$.detail"}
    events.put_targets(Rule=rule, EventBusName=name, Targets=[target])

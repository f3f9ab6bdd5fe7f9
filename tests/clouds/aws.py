"""A throwaway place on an AWS that runs on this machine: a bucket, a table, a bus with rules, queues as they come."""

import atexit
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3

from loopwright.ports.events import Subscription
from loopwright.settings import AwsPlace

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"

_MOTO: Final = Path(__file__).with_name("moto_server.py")

_STARTING: Final = 60.0
"""Seconds for which moto may import itself."""


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
    """Return a boto3 client, for what a test sets up or looks at from outside."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - an AWS of our own
    )


@contextmanager
def throwaway(endpoint: str, subscriptions: Sequence[Subscription]) -> Iterator[AwsPlace]:
    """Make what a stack makes, under names of its own, and take it away again."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
    name = f"t{secrets.token_hex(6)}"
    client(endpoint, "s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client(endpoint, "dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    client(endpoint, "events").create_event_bus(Name=name)
    for queue in sorted({each.queue for each in subscriptions}):
        # One rule a queue: an event that matches it twice still arrives once.
        _subscribe(endpoint, name, queue, [each.prefix for each in subscriptions if each.queue == queue])
    function = _job_function(endpoint, f"{name}-jobs")
    yield AwsPlace(REGION, name, name, name, name, job_function=function, endpoint=endpoint)
    client(endpoint, "dynamodb").delete_table(TableName=name)


def _job_function(endpoint: str, name: str) -> str:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = client(endpoint, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/jobs:1"
    client(endpoint, "lambda").create_function(
        FunctionName=name, Role=role["Arn"], PackageType="Image", Code={"ImageUri": image}
    )
    return name


def _subscribe(endpoint: str, name: str, subscriber: str, prefixes: Sequence[str]) -> None:
    queue = f"{name}-{subscriber}"
    dead = client(endpoint, "sqs").create_queue(QueueName=f"{queue}-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{dead.rpartition('/')[2]}", "maxReceiveCount": 5}
    client(endpoint, "sqs").create_queue(QueueName=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    events, rule = client(endpoint, "events"), f"{name}-{subscriber}"
    pattern = {"detail-type": [{"prefix": prefix} for prefix in prefixes]}
    events.put_rule(Name=rule, EventBusName=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}", "InputPath": "$.detail"}
    events.put_targets(Rule=rule, EventBusName=name, Targets=[target])

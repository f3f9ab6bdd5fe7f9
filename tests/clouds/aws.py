"""A throwaway place on an AWS that runs on this machine: a bucket, a table, a bus with rules, queues as they come."""

import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import boto3
import httpx
from moto.server import ThreadedMotoServer

from loopwright.ports.events import Subscription
from loopwright.settings import AwsPlace

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"


@cache
def moto() -> str:
    """Return where moto answers; it is started once a process, and ends with it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # Functions are called and answer, but run nothing: there is no Docker.
    httpx.post(f"{endpoint}/moto-api/config", json={"lambda": {"use_docker": False}}).raise_for_status()
    return endpoint


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
    for number, subscription in enumerate(subscriptions):
        _subscribe(endpoint, name, number, subscription)
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


def _subscribe(endpoint: str, name: str, number: int, subscription: Subscription) -> None:
    queue = f"{name}-{subscription.queue}"
    dead = client(endpoint, "sqs").create_queue(QueueName=f"{queue}-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{dead.rpartition('/')[2]}", "maxReceiveCount": 5}
    client(endpoint, "sqs").create_queue(QueueName=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    events, rule = client(endpoint, "events"), f"{name}-{number}"
    pattern = {"detail-type": [{"prefix": subscription.prefix}]}
    events.put_rule(Name=rule, EventBusName=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}", "InputPath": "$.detail"}
    events.put_targets(Rule=rule, EventBusName=name, Targets=[target])

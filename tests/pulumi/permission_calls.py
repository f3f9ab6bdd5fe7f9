"""For every action that a role of the stack may do, one call that takes this permission and little else.

Whoever gives a role another action has to say here how it is asked for. What the calls leave behind is in a stack of
the test's own.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import boto3

from tests.clouds.aws import REGION

NOBODY: Final = "of-the-test"
_ITEM: Final = {"pk": {"S": NOBODY}, "sk": {"S": NOBODY}}


@dataclass(frozen=True, slots=True)
class Permission:
    """An action that a role may do on one resource; `prefixes`: where a condition says so, only on what begins so."""

    role: str
    action: str
    resource: str
    prefixes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the resource is called: behind the last colon, or slash."""
        return self.resource.rpartition(":")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with the credentials of a role, at an AWS on this machine."""

    session: boto3.Session
    endpoint: str

    def api(self, service: str) -> Any:
        """Return a client of a service."""
        return self.session.client(service, endpoint_url=self.endpoint, region_name=REGION)

    def queue(self, one: Permission) -> str:
        """Return where a queue is, by its ARN: the permission to ask for that is another one."""
        account = one.resource.split(":")[4]
        return f"{self.endpoint}/{account}/{one.name}"


Call = Callable[[Caller, Permission], object]


def _item(method: str) -> Call:
    def call(who: Caller, one: Permission) -> object:
        items = {"Item": _ITEM} if method == "put_item" else {"Key": _ITEM}
        return getattr(who.api("dynamodb"), method)(TableName=one.name, **items)

    return call


def _batch(who: Caller, one: Permission) -> object:
    return who.api("dynamodb").batch_get_item(RequestItems={one.name: {"Keys": [_ITEM]}})


def _query(who: Caller, one: Permission) -> object:
    return who.api("dynamodb").query(
        TableName=one.name, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": NOBODY}}
    )


def _check(who: Caller, one: Permission) -> object:
    check = {"TableName": one.name, "Key": _ITEM, "ConditionExpression": "attribute_not_exists(another)"}
    return who.api("dynamodb").transact_write_items(TransactItems=[{"ConditionCheck": check}])


def _object(method: str, **more: object) -> Call:
    def call(who: Caller, one: Permission) -> object:
        bucket, _, prefix = one.resource.rpartition(":")[2].partition("/")
        key = f"{prefix.removesuffix('*')}{NOBODY}"
        return getattr(who.api("s3"), method)(Bucket=bucket, Key=key, **more)

    return call


def _put_object(who: Caller, one: Permission) -> object:
    return _object("put_object", Body=io.BytesIO(b"of the test"))(who, one)


def _list(who: Caller, one: Permission) -> object:
    prefix = one.prefixes[0].removesuffix("*") if one.prefixes else ""
    return who.api("s3").list_objects_v2(Bucket=one.name, Prefix=prefix)


def _messages(method: str, **more: object) -> Call:
    return lambda who, one: getattr(who.api("sqs"), method)(QueueUrl=who.queue(one), **more)


def _events(who: Caller, one: Permission) -> object:
    entry = {"Source": "test", "DetailType": NOBODY, "Detail": "{}", "EventBusName": one.name}
    return who.api("events").put_events(Entries=[entry])


def _invoke(who: Caller, one: Permission) -> object:
    return who.api("lambda").invoke(FunctionName=one.resource, InvocationType="DryRun")


def _stream(who: Caller, one: Permission) -> object:
    return who.api("logs").create_log_stream(logGroupName=_group(one), logStreamName=NOBODY)


def _log(who: Caller, one: Permission) -> object:
    said = [{"timestamp": 1_795_000_000_000, "message": "of the test"}]
    return who.api("logs").put_log_events(logGroupName=_group(one), logStreamName=NOBODY, logEvents=said)


def _group(one: Permission) -> str:
    return one.resource.removesuffix("*").partition(":log-group:")[2]


def _builds(who: Caller, one: Permission) -> object:
    return who.api("codebuild").batch_get_builds(ids=[f"{one.name}:0"])


def _build(who: Caller, one: Permission) -> object:
    return who.api("codebuild").start_build(projectName=one.name)


def _images(method: str, **more: object) -> Call:
    return lambda who, one: getattr(who.api("ecr"), method)(repositoryName=one.name, **more)


def _log_in(who: Caller, one: Permission) -> object:
    return who.api("ecr").get_authorization_token()


_DIGEST: Final = f"sha256:{'0' * 64}"
_UPLOAD: Final[Mapping[str, Any]] = {"uploadId": NOBODY}

CALLS: Final[Mapping[str, Call]] = {
    "codebuild:BatchGetBuilds": _builds,
    "codebuild:StartBuild": _build,
    "dynamodb:BatchGetItem": _batch,
    "dynamodb:ConditionCheckItem": _check,
    "dynamodb:DeleteItem": _item("delete_item"),
    "dynamodb:GetItem": _item("get_item"),
    "dynamodb:PutItem": _item("put_item"),
    "dynamodb:Query": _query,
    "dynamodb:UpdateItem": _item("update_item"),
    "ecr:BatchCheckLayerAvailability": _images("batch_check_layer_availability", layerDigests=[_DIGEST]),
    "ecr:BatchGetImage": _images("batch_get_image", imageIds=[{"imageTag": NOBODY}]),
    "ecr:CompleteLayerUpload": _images("complete_layer_upload", layerDigests=[_DIGEST], **_UPLOAD),
    "ecr:GetAuthorizationToken": _log_in,
    "ecr:GetDownloadUrlForLayer": _images("get_download_url_for_layer", layerDigest=_DIGEST),
    "ecr:InitiateLayerUpload": _images("initiate_layer_upload"),
    "ecr:PutImage": _images("put_image", imageManifest="{}", imageTag=NOBODY),
    "ecr:UploadLayerPart": _images("upload_layer_part", partFirstByte=0, partLastByte=0, layerPartBlob=b"x", **_UPLOAD),
    "events:PutEvents": _events,
    "lambda:InvokeFunction": _invoke,
    "logs:CreateLogStream": _stream,
    "logs:PutLogEvents": _log,
    "s3:AbortMultipartUpload": _object("abort_multipart_upload", UploadId=NOBODY),
    "s3:DeleteObject": _object("delete_object"),
    "s3:GetObject": _object("get_object"),
    "s3:GetObjectVersion": _object("get_object", VersionId=NOBODY),
    "s3:ListBucket": _list,
    "s3:PutObject": _put_object,
    "sqs:DeleteMessage": _messages("delete_message", ReceiptHandle=NOBODY),
    "sqs:DeleteMessageBatch": _messages("delete_message_batch", Entries=[{"Id": "1", "ReceiptHandle": NOBODY}]),
    "sqs:GetQueueAttributes": _messages("get_queue_attributes", AttributeNames=["QueueArn"]),
    "sqs:GetQueueUrl": lambda who, one: who.api("sqs").get_queue_url(QueueName=one.name),
    "sqs:ReceiveMessage": _messages("receive_message"),
    "sqs:SendMessage": _messages("send_message", MessageBody=NOBODY),
    "sqs:SendMessageBatch": _messages("send_message_batch", Entries=[{"Id": "1", "MessageBody": NOBODY}]),
}


def permissions(role: str, statements: Sequence[Mapping[str, Any]]) -> list[Permission]:
    """Return one by one what the statements of a role's policy permit; of what is permitted everywhere, only that."""
    found = [
        Permission(role, action, resource, _prefixes(one))
        for one in statements
        for action in _listed(one["Action"])
        for resource in _listed(one["Resource"])
    ]
    everywhere = {one.action for one in found if one.resource == "*"}
    return [one for one in found if one.resource == "*" or one.action not in everywhere]


def without(statements: Sequence[Mapping[str, Any]], taken: Permission) -> list[dict[str, Any]]:
    """Return statements that permit the same but for one action on one resource."""
    kept: list[dict[str, Any]] = []
    for one in statements:
        actions, resources = _listed(one["Action"]), _listed(one["Resource"])
        if taken.action in actions and taken.resource in resources and _prefixes(one) == taken.prefixes:
            others = [each for each in resources if each != taken.resource]
            rest = [each for each in actions if each != taken.action]
            kept += [{**one, "Action": [taken.action], "Resource": others}] if others else []
            kept += [{**one, "Action": rest}] if rest else []
        else:
            kept.append(dict(one))
    return kept


def _prefixes(statement: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_listed(statement.get("Condition", {}).get("StringLikeIfExists", {}).get("s3:prefix", ())))


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)

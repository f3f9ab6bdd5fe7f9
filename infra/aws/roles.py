"""One role a function: what the specification permits, as statements on the stack's own things, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import pulumi_aws as aws
from pulumi import Output, Resource, ResourceOptions

from infra.aws.messaging import Messaging
from infra.aws.place import Place
from infra.aws.policies import Statement, assumed_by, document
from infra.aws.storage import Storage
from infra.spec import Consume, FunctionSpec, Mirror, Permission, Publish, Read, Send, Sign, StartJobs, Store, Write

_TABLE_READS: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
_TABLE_WRITES: Final = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
)
_OBJECT_WRITES: Final = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
_PREFIXES: Final[Mapping[Store, str]] = {"blobs": "blobs/", "lake": "lake/", "table": "overflow/"}
"""Where a store has its objects; what is too large for an item of the table is an object too."""

_CONSUMES: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda does for a function that a queue calls."""

TRAINING_ROLE: Final = "training"
_TRAINING_NAME: Final = 20


@dataclass(frozen=True, slots=True)
class Ground:
    """What permissions are about."""

    place: Place
    storage: Storage
    messaging: Messaging

    def statements(self, permission: Permission) -> Iterator[Statement]:
        """Yield what a permission means on AWS."""
        match permission:
            case Read(store):
                yield from self._read(store)
            case Write(store):
                yield from self._write(store)
            case Send(queue):
                arn = self.messaging.queues[queue].alive.arn
                yield Statement(["sqs:SendMessage", "sqs:GetQueueUrl"], [arn])
            case Consume(queue):
                yield Statement(_CONSUMES, [self.messaging.queues[queue].alive.arn])
            case Publish():
                yield Statement(["events:PutEvents"], [self.messaging.bus.arn])
            case StartJobs(containers):
                yield from self._start_jobs(containers=containers)
            case Mirror():
                return  # the configuration has refused it: there is no such place
            case Sign():
                return  # a role's own credentials sign
            case _:
                assert_never(permission)

    def _read(self, store: Store) -> Iterator[Statement]:
        prefix = _PREFIXES[store]
        if store == "table":
            yield Statement(_TABLE_READS, [self.storage.table.arn])
        yield Statement(["s3:GetObject"], [self.storage.objects(prefix)])
        # Who may not list is told 403 instead of 404 of an object that is not there. Such a request names no prefix.
        under = {"StringLikeIfExists": {"s3:prefix": [f"{prefix}*"]}}
        yield Statement(["s3:ListBucket"], [self.storage.bucket.arn], conditions=under)

    def _write(self, store: Store) -> Iterator[Statement]:
        if store == "table":
            yield Statement(_TABLE_WRITES, [self.storage.table.arn])
        yield Statement(_OBJECT_WRITES, [self.storage.objects(_PREFIXES[store])])

    def _start_jobs(self, *, containers: bool) -> Iterator[Statement]:
        place = self.place
        yield Statement(["lambda:InvokeFunction"], [place.arn("lambda", f"function:{place.named('jobs')}")])
        if not containers:
            return
        jobs = place.arn("sagemaker", f"training-job/{training_prefix(place.prefix)}-*")
        yield Statement(["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:AddTags"], [jobs])
        role = Output.concat("arn:", place.partition, ":iam::", place.account, ":role/", place.named(TRAINING_ROLE))
        only = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        yield Statement(["iam:PassRole"], [role], conditions=only)


def training_prefix(prefix: str) -> str:
    """Return how the names of a stack's training jobs begin: SageMaker's names are short."""
    return prefix[:_TRAINING_NAME].strip("-")


def function_role(
    ground: Ground, spec: FunctionSpec, log: aws.cloudwatch.LogGroup, parent: Resource
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Make a function's role; wait for the policy too before the function is called."""
    statements = [one for permission in spec.permissions for one in ground.statements(permission)]
    statements.append(Statement(["logs:CreateLogStream", "logs:PutLogEvents"], [Output.concat(log.arn, ":*")]))
    if spec.is_asynchronous:
        statements.append(Statement(["sqs:SendMessage"], [ground.messaging.failures.arn]))
    return service_role(ground.place, spec.name, "lambda.amazonaws.com", statements, parent)


def service_role(
    place: Place, name: str, service: str, statements: Sequence[Statement], parent: Resource
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Make a role that a service takes on for this account's own things."""
    full = place.named(name)
    trust = assumed_by(service, {"StringEquals": {"aws:SourceAccount": place.account}} if _tells(service) else None)
    role = aws.iam.Role(full, name=full, assume_role_policy=trust, opts=ResourceOptions(parent=parent))
    policy = aws.iam.RolePolicy(full, role=role.name, policy=document(statements), opts=ResourceOptions(parent=role))
    return role, policy


def _tells(service: str) -> bool:
    """Return whether the service says for which account it takes the role on; Lambda does not."""
    return service != "lambda.amazonaws.com"

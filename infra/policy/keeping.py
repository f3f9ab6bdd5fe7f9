"""How things are kept: encrypted, tagged, with an end to every log and a place for what failed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs

from infra.policy.reading import UNKNOWN, Finding, Properties, listed, named_by, of_type, read

TAG: Final = "loopwright:stack"

TAGGED: Final = frozenset(
    {
        "apigateway/apiKey:ApiKey",
        "apigateway/restApi:RestApi",
        "apigateway/stage:Stage",
        "apigateway/usagePlan:UsagePlan",
        "apigatewayv2/api:Api",
        "apigatewayv2/stage:Stage",
        "budgets/budget:Budget",
        "cloudwatch/eventBus:EventBus",
        "cloudwatch/eventRule:EventRule",
        "cloudwatch/logGroup:LogGroup",
        "cloudwatch/metricAlarm:MetricAlarm",
        "codebuild/project:Project",
        "dynamodb/table:Table",
        "ecr/repository:Repository",
        "iam/role:Role",
        "kms/key:Key",
        "lambda/eventSourceMapping:EventSourceMapping",
        "lambda/function:Function",
        "s3/bucket:Bucket",
        "s3/bucketObjectv2:BucketObjectv2",
        "sns/topic:Topic",
        "sqs/queue:Queue",
    }
)
"""What can have tags, of all that a stack is made of."""

_ENCRYPTED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "sqs/queue:Queue": (("sqsManagedSseEnabled",), ("kmsMasterKeyId",)),
    "dynamodb/table:Table": (("serverSideEncryption", "enabled"),),
    "sns/topic:Topic": (("kmsMasterKeyId",),),
    "ecr/repository:Repository": (("encryptionConfigurations",),),
}
"""By type, properties of which one must be set."""

_BUCKET_ENCRYPTION: Final = "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def encrypted(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse what would be stored as it is."""
    kind = args.resource_type.removeprefix("aws:")
    if kind in _ENCRYPTED and not any(read(args.props, *path) for path in _ENCRYPTED[kind]):
        yield f"it is not encrypted: set {' or '.join('.'.join(path) for path in _ENCRYPTED[kind])}"
    if kind == _BUCKET_ENCRYPTION:
        for rule in listed(read(args.props, "rules")):
            if not read(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm"):
                yield "it names no algorithm"


def log_retention(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse a log that is kept for ever."""
    if args.resource_type == "aws:cloudwatch/logGroup:LogGroup" and not read(args.props, "retentionInDays"):
        yield "it is kept for ever: set retentionInDays"


def tagged(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse what does not say to which stack it belongs."""
    if args.resource_type.removeprefix("aws:") in TAGGED and not read(args.props, "tags", TAG):
        yield f"it has no tag {TAG}"


def own_log(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a function whose log Lambda would make by itself, and never delete from."""
    for function in of_type(args.resources, "lambda/function:Function"):
        named = function.property_dependencies.get("loggingConfig", [])
        if not of_type(named, "cloudwatch/logGroup:LogGroup"):
            yield Finding(f"{function.name} writes into no log of the stack: set loggingConfig.logGroup", function.urn)


def dead_letters(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a queue, a rule, a schedule or an asynchronous function that would lose what it cannot deliver."""
    queues = of_type(args.resources, "sqs/queue:Queue")
    kept_in = named_by(queues, "redrivePolicy")
    for queue in queues:
        is_dead = queue.urn in kept_in or str(read(queue.props, "name") or queue.name).endswith("-dead")
        if not is_dead and not read(queue.props, "redrivePolicy"):
            yield Finding(f"{queue.name} has no dead letters: set redrivePolicy", queue.urn)
    for target in of_type(args.resources, "cloudwatch/eventTarget:EventTarget"):
        if not _is_set(target.props, "deadLetterConfig"):
            yield Finding(f"{target.name}: set deadLetterConfig", target.urn)
    for schedule in of_type(args.resources, "scheduler/schedule:Schedule"):
        if not _is_set(schedule.props, "target", "deadLetterConfig"):
            yield Finding(f"{schedule.name}: set target.deadLetterConfig", schedule.urn)
    for function in _asynchronous(args):
        yield Finding(f"{function.name}: calls that fail are lost: say where they go on failure", function.urn)


def _asynchronous(args: StackValidationArgs) -> list[PolicyResource]:
    """Return the functions that nobody waits for, and that do not say where calls go that fail."""
    waited_for = named_by(of_type(args.resources, "lambda/functionUrl:FunctionUrl"), "functionName")
    waited_for |= named_by(of_type(args.resources, "lambda/invocation:Invocation"), "functionName")
    waited_for |= named_by(of_type(args.resources, "lambda/eventSourceMapping:EventSourceMapping"), "functionName")
    waited_for |= named_by(of_type(args.resources, "lambda/permission:Permission"), "function")
    told = [one for one in of_type(args.resources, _INVOKE) if _is_set(one.props, "destinationConfig", "onFailure")]
    told_of = named_by(told, "functionName")
    functions = of_type(args.resources, "lambda/function:Function")
    scheduled = named_by(of_type(args.resources, "scheduler/schedule:Schedule"), "target")
    return [one for one in functions if (one.urn in scheduled or one.urn not in waited_for) and one.urn not in told_of]


_INVOKE: Final = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"


def _is_set(properties: Properties, *path: str) -> bool:
    found: Any = read(properties, *path)
    return found is UNKNOWN or bool(found)

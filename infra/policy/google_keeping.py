"""How things are kept on Google Cloud: the rules of keeping.py in its words. It encrypts all that it stores."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs

from infra.policy.google_access import RUNS
from infra.policy.reading import UNKNOWN, Finding, named_by, of_type, read

LABEL: Final = "loopwright-stack"

LABELLED: Final = frozenset(
    {
        "gcp:artifactregistry/repository:Repository",
        "gcp:cloudrunv2/job:Job",
        "gcp:cloudrunv2/service:Service",
        "gcp:pubsub/subscription:Subscription",
        "gcp:pubsub/topic:Topic",
        "gcp:secretmanager/secret:Secret",
        "gcp:storage/bucket:Bucket",
    }
)
USER_LABELLED: Final = frozenset(
    {"gcp:monitoring/alertPolicy:AlertPolicy", "gcp:monitoring/notificationChannel:NotificationChannel"}
)
"""What can have labels, of all that a stack is made of, and what calls them otherwise."""

_SUBSCRIPTION: Final = "gcp:pubsub/subscription:Subscription"
_TOPIC: Final = "gcp:pubsub/topic:Topic"
_SINK: Final = "gcp:logging/projectSink:ProjectSink"
_LOG_BUCKET: Final = "gcp:logging/projectBucketConfig:ProjectBucketConfig"


def labelled(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse what does not say to which stack it belongs."""
    key = {**dict.fromkeys(LABELLED, "labels"), **dict.fromkeys(USER_LABELLED, "userLabels")}.get(args.resource_type)
    if key and not read(args.props, key, LABEL):
        yield f"it has no label {LABEL}"


def log_retention(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse a log bucket that does not say for how long it keeps."""
    if args.resource_type == _LOG_BUCKET and not read(args.props, "retentionDays"):
        yield "nobody has said for how long it keeps: set retentionDays"


def own_log(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a function or a job whose log no log bucket of the stack keeps."""
    kept = [
        read(sink.props, "filter")
        for sink in of_type(args.resources, _SINK)
        if of_type(sink.property_dependencies.get("destination", []), _LOG_BUCKET)
    ]
    for one in of_type(args.resources, *RUNS):
        name = read(one.props, "name")
        if not any(found is UNKNOWN or name is UNKNOWN or f'"{name}"' in str(found) for found in kept):
            yield Finding(f"{one.name} writes into no log of the stack", one.urn)


def dead_letters(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse what would lose messages: no dead letters, dead letters that nobody keeps, subscriptions that go away."""
    subscriptions = of_type(args.resources, _SUBSCRIPTION)
    dead = named_by(subscriptions, "deadLetterPolicy")
    for one in subscriptions:
        topics = {topic.urn for topic in one.property_dependencies.get("topic", [])}
        is_dead = bool(topics & dead) or str(read(one.props, "name") or one.name).endswith("-dead")
        if not is_dead and not read(one.props, "deadLetterPolicy"):
            yield Finding(f"{one.name} has no dead letters: set deadLetterPolicy", one.urn)
        if read(one.props, "expirationPolicy", "ttl") not in ("", UNKNOWN):
            yield Finding(f"{one.name} goes away when nobody reads it: set expirationPolicy.ttl to ''", one.urn)
    read_from = named_by(subscriptions, "topic")
    for topic in of_type(args.resources, _TOPIC):
        if topic.urn in dead and topic.urn not in read_from:
            yield Finding(f"{topic.name} keeps no dead letters: it has no subscription", topic.urn)
    for schedule in of_type(args.resources, "gcp:cloudscheduler/job:Job"):
        if not _is_caught(schedule, of_type(args.resources, _SINK)):
            yield Finding(f"{schedule.name}: calls that fail are lost: no sink brings them to a topic", schedule.urn)


def _is_caught(schedule: PolicyResource, sinks: list[PolicyResource]) -> bool:
    """Return whether what the schedule's log says of failures goes to a topic: it has no dead letters of its own."""
    name = read(schedule.props, "name")
    for sink in sinks:
        found = read(sink.props, "filter")
        to_topic = of_type(sink.property_dependencies.get("destination", []), _TOPIC)
        if to_topic and (found is UNKNOWN or name is UNKNOWN or f'"{name}"' in str(found)):
            return True
    return False

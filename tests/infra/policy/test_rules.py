"""Each rule of the pack holds for our stacks, and is broken by a stack that does what it forbids."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from infra.policy.policies import POLICIES
from tests.infra.conftest import CLOSED, GOOGLE_CLOSED
from tests.infra.policy.checking import broken_by, resources_of
from tests.infra.stacks import Made

Resources = list[PolicyResource]
Break = Callable[[Resources], None]


def first(resources: Resources, kind: str, name: str = "") -> PolicyResource:
    full = kind if kind.startswith("gcp:") else f"aws:{kind}"
    return next(one for one in resources if one.resource_type == full and one.name.endswith(name))


def remove(kind: str, name: str = "") -> Break:
    return lambda resources: resources.remove(first(resources, kind, name))


def put(kind: str, value: object, *path: str, name: str = "") -> Break:
    """Set a property of the first resource of a type; None takes it away."""

    def act(resources: Resources) -> None:
        one = first(resources, kind, name)
        if path[0] in one.property_dependencies and value is None:
            del one.property_dependencies[path[0]]
        inner: Any = one.props
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return act


def allow(kind: str = "iam/rolePolicy:RolePolicy", **statement: object) -> Break:
    """Add a statement to the first policy of a type."""

    def act(resources: Resources) -> None:
        one = first(resources, kind)
        document = json.loads(one.props["policy"])
        document["Statement"].append({"Effect": "Allow", **statement})
        one.props["policy"] = json.dumps(document)

    return act


def only_allowed(kind: str) -> Break:
    """Take the denials out of a policy."""

    def act(resources: Resources) -> None:
        one = first(resources, kind)
        document = json.loads(one.props["policy"])
        document["Statement"] = [
            {**statement, "Effect": "Deny", "Condition": {}} for statement in document["Statement"]
        ]
        one.props["policy"] = json.dumps(document)

    return act


def add(kind: str, **inputs: object) -> Break:
    def act(resources: Resources) -> None:
        resources.append(
            PolicyResource(
                kind if kind.startswith("gcp:") else f"aws:{kind}",
                inputs,
                "urn:added",
                "added",
                resources[0].opts,
                None,
                None,
                [],
                {},
            )
        )

    return act


def share_role(resources: Resources) -> None:
    functions = [one for one in resources if one.resource_type == "aws:lambda/function:Function"]
    functions[1].property_dependencies["role"] = functions[0].property_dependencies["role"]


def set_variable(name: str, value: str | None) -> Break:
    """Change a variable of predict; None takes it away."""

    def act(resources: Resources) -> None:
        (container,) = first(resources, SERVICE, "predict").props["template"]["containers"]
        container["envs"] = [one for one in container["envs"] if one["name"] != name]
        if value is not None:
            container["envs"].append({"name": name, "value": value})

    return act


def share_account(resources: Resources) -> None:
    services = [one for one in resources if one.resource_type == SERVICE]
    services[1].property_dependencies["template"] = services[0].property_dependencies["template"]


BUCKET = "s3/bucket:Bucket"
SERVICE = "gcp:cloudrunv2/service:Service"
GOOGLE_BUCKET = "gcp:storage/bucket:Bucket"
DATABASE = "gcp:firestore/database:Database"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
PROJECT_GRANT = "gcp:projects/iAMMember:IAMMember"
SINK = "gcp:logging/projectSink:ProjectSink"
ENCRYPTION = "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BLOCK = "s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
QUEUE = "sqs/queue:Queue"
KEY = ("environment", "variables", "LOOPWRIGHT_API_KEYS")
AUTH = ("environment", "variables", "LOOPWRIGHT_AUTH")
FUNCTION = "lambda/function:Function"
INVOKE = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"

BREAKS: list[tuple[str, str, str, Break]] = [
    ("encrypted", "plain", "a queue in the clear", put(QUEUE, None, "sqsManagedSseEnabled")),
    (
        "encrypted",
        "plain",
        "a table in the clear",
        put("dynamodb/table:Table", False, "serverSideEncryption", "enabled"),
    ),
    ("encrypted", "image", "a topic in the clear", put("sns/topic:Topic", None, "kmsMasterKeyId")),
    ("encrypted", "plain", "images in the clear", put("ecr/repository:Repository", None, "encryptionConfigurations")),
    ("encrypted", "plain", "a bucket without an algorithm", put(ENCRYPTION, [{}], "rules")),
    ("guarded", "plain", "a bucket without encryption", remove(ENCRYPTION)),
    ("guarded", "plain", "a bucket without a block", remove(BLOCK)),
    ("not-public", "plain", "a block with a hole", put(BLOCK, False, "blockPublicPolicy")),
    ("not-public", "plain", "a bucket for everybody", put(BUCKET, "public-read", "acl")),
    (
        "not-public",
        "plain",
        "a URL that checks nobody",
        put("lambda/functionUrl:FunctionUrl", "NONE", "authorizationType"),
    ),
    ("not-public", "tokens", "a permission for everybody", put("lambda/permission:Permission", "*", "principal")),
    ("checked", "tokens", "a route that checks nobody", put("apigatewayv2/route:Route", "NONE", "authorizationType")),
    (
        "checked",
        "plain",
        "a request that nobody has signed",
        put("apigatewayv2/route:Route", None, "authorizationType"),
    ),
    ("checked", "image", "a function without its key", put(FUNCTION, None, *KEY, name="tracking")),
    ("checked", "image", "a function that asks for none", put(FUNCTION, "iam", *AUTH, name="tracking")),
    (
        "not-public",
        "image",
        "an API without keys",
        put("apigateway/restApi:RestApi", json.dumps({"paths": {"/x": {"get": {}}}}), "body"),
    ),
    (
        "not-public",
        "plain",
        "a queue that everybody may send to",
        allow("sqs/queuePolicy:QueuePolicy", Principal="*", Action="sqs:SendMessage", Resource="arn:aws:sqs:::q"),
    ),
    (
        "not-public",
        "plain",
        "a bucket that any account may read",
        allow(
            "s3/bucketPolicy:BucketPolicy", Principal={"AWS": "*"}, Action=["s3:GetObject"], Resource="arn:aws:s3:::b/*"
        ),
    ),
    ("tls-only", "plain", "a bucket without a policy", remove("s3/bucketPolicy:BucketPolicy")),
    ("tls-only", "plain", "a queue without a policy", remove("sqs/queuePolicy:QueuePolicy", "labels-dead")),
    ("tls-only", "image", "a topic without a policy", remove("sns/topicPolicy:TopicPolicy")),
    ("tls-only", "plain", "a policy that denies something else", only_allowed("s3/bucketPolicy:BucketPolicy")),
    ("least-privilege", "plain", "all actions", allow(Action=["s3:*"], Resource=["arn:aws:s3:::b"])),
    ("least-privilege", "plain", "some actions of many", allow(Action="s3:Get*", Resource="arn:aws:s3:::b")),
    ("least-privilege", "plain", "all resources", allow(Action="s3:GetObject", Resource="*")),
    ("least-privilege", "plain", "a key's action in a role", allow(Action="kms:Decrypt", Resource="*")),
    ("least-privilege", "plain", "all but", allow(NotAction="iam:PassRole", Resource="arn:aws:s3:::b")),
    (
        "least-privilege",
        "plain",
        "AWS's own policy",
        add("iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"),
    ),
    ("own-role", "plain", "two functions with one role", share_role),
    ("dead-letters", "plain", "a queue without", put(QUEUE, None, "redrivePolicy", name="dev-triggers")),
    ("dead-letters", "plain", "a rule without", put("cloudwatch/eventTarget:EventTarget", None, "deadLetterConfig")),
    ("dead-letters", "plain", "a schedule without", put("scheduler/schedule:Schedule", {"arn": "a"}, "target")),
    ("dead-letters", "plain", "a scheduled function without", remove(INVOKE, "monitor")),
    ("dead-letters", "plain", "a function of jobs without", remove(INVOKE, "jobs")),
    ("dead-letters", "plain", "a failure that goes nowhere", put(INVOKE, {}, "destinationConfig", name="jobs")),
    ("log-retention", "plain", "a log for ever", put("cloudwatch/logGroup:LogGroup", None, "retentionInDays")),
    ("own-log", "plain", "a log that Lambda makes", put(FUNCTION, None, "loggingConfig")),
    ("tagged", "plain", "a bucket of nobody's", put(BUCKET, {"colour": "blue"}, "tags")),
    ("tagged", "plain", "a queue of nobody's", put(QUEUE, None, "tags")),
    ("recoverable", "plain", "a bucket without versions", remove("s3/bucketVersioning:BucketVersioning")),
    (
        "recoverable",
        "plain",
        "a table without its past",
        put("dynamodb/table:Table", False, "pointInTimeRecovery", "enabled"),
    ),
    ("protected", "plain", "a table that AWS deletes", put("dynamodb/table:Table", False, "deletionProtectionEnabled")),
    ("protected", "plain", "a bucket that goes with all in it", put(BUCKET, True, "forceDestroy")),
    (
        "not-public",
        "google",
        "a bucket that could be public",
        put(GOOGLE_BUCKET, "inherited", "publicAccessPrevention"),
    ),
    ("not-public", "google", "objects with rights", put(GOOGLE_BUCKET, False, "uniformBucketLevelAccess")),
    (
        "not-public",
        "google",
        "a bucket for everybody",
        put("gcp:storage/bucketIAMMember:BucketIAMMember", "allUsers", "member"),
    ),
    (
        "not-public",
        "google",
        "a function for everybody with an account",
        put("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", "allAuthenticatedUsers", "member"),
    ),
    ("not-public", "google", "a function that checks nobody", put(SERVICE, True, "invokerIamDisabled")),
    ("not-public", "google-key", "a function without its key", set_variable("LOOPWRIGHT_API_KEY", None)),
    ("not-public", "google-tokens", "tokens of anybody's", set_variable("LOOPWRIGHT_JWT_ISSUER", None)),
    ("not-public", "google-tokens", "an open door", set_variable("LOOPWRIGHT_AUTH", "public-without-any-check")),
    (
        "signed-calls",
        "google",
        "a schedule without a name",
        put("gcp:cloudscheduler/job:Job", None, "httpTarget", "oidcToken"),
    ),
    (
        "signed-calls",
        "google",
        "a push without a name",
        put(SUBSCRIPTION, None, "pushConfig", "oidcToken", name="dev-triggers"),
    ),
    ("least-privilege", "google", "a basic role", put(PROJECT_GRANT, "roles/editor", "role")),
    ("least-privilege", "google", "all of Pub/Sub", put(PROJECT_GRANT, "roles/pubsub.admin", "role")),
    ("least-privilege", "google", "every topic", put(PROJECT_GRANT, "roles/pubsub.publisher", "role")),
    ("least-privilege", "google", "every database", put(PROJECT_GRANT, None, "condition", name="predict-items")),
    (
        "least-privilege",
        "google",
        "all of the bucket",
        put("gcp:storage/bucketIAMMember:BucketIAMMember", None, "condition"),
    ),
    (
        "least-privilege",
        "google",
        "a policy for all members",
        add("gcp:projects/iAMBinding:IAMBinding", role="roles/run.viewer", members=["user:a@example.org"]),
    ),
    ("own-role", "google", "two functions with one account", share_account),
    ("own-role", "google", "a function without an account", put(SERVICE, None, "template", "serviceAccount")),
    (
        "own-role",
        "google",
        "a job without an account",
        put("gcp:cloudrunv2/job:Job", None, "template", "template", "serviceAccount"),
    ),
    ("dead-letters", "google", "a queue without", put(SUBSCRIPTION, None, "deadLetterPolicy", name="dev-labels")),
    ("dead-letters", "google", "dead letters that nobody keeps", remove(SUBSCRIPTION, "labels-dead")),
    ("dead-letters", "google", "a queue that goes away", put(SUBSCRIPTION, {"ttl": "86400s"}, "expirationPolicy")),
    (
        "dead-letters",
        "google",
        "a schedule that fails unheard",
        put("gcp:cloudscheduler/job:Job", "another", "name"),
    ),
    (
        "log-retention",
        "google",
        "a log for ever",
        put("gcp:logging/projectBucketConfig:ProjectBucketConfig", None, "retentionDays"),
    ),
    ("own-log", "google", "a function whose log is not kept", put(SERVICE, "another", "name")),
    (
        "recoverable",
        "google",
        "a database without its past",
        put(DATABASE, "POINT_IN_TIME_RECOVERY_DISABLED", "pointInTimeRecoveryEnablement"),
    ),
    ("recoverable", "google", "a bucket without its past", put(GOOGLE_BUCKET, False, "versioning", "enabled")),
    (
        "protected",
        "google",
        "a database that Google deletes",
        put(DATABASE, "DELETE_PROTECTION_DISABLED", "deleteProtectionState"),
    ),
    ("protected", "google", "a bucket that goes with all in it", put(GOOGLE_BUCKET, True, "forceDestroy")),
    ("tagged", "google", "a bucket of nobody's", put(GOOGLE_BUCKET, {"colour": "blue"}, "labels")),
    ("tagged", "google", "an alarm of nobody's", put("gcp:monitoring/alertPolicy:AlertPolicy", None, "userLabels")),
]


@pytest.mark.parametrize("variant", [*CLOSED, *GOOGLE_CLOSED])
def test_our_stacks_break_no_rule(stack: Callable[[str], Made], variant: str) -> None:
    assert broken_by(resources_of(stack(variant))) == {}


@pytest.mark.parametrize(("variant", "rules"), [("open", {"not-public", "checked"}), ("google-open", {"not-public"})])
def test_a_stack_that_is_open_on_purpose_breaks_these_rules_alone(
    stack: Callable[[str], Made], variant: str, rules: set[str]
) -> None:
    assert set(broken_by(resources_of(stack(variant)))) == rules


@pytest.mark.parametrize(("rule", "variant", "what", "act"), BREAKS, ids=[f"{one[0]}: {one[2]}" for one in BREAKS])
def test_a_rule_is_broken_by_what_it_forbids(
    stack: Callable[[str], Made], rule: str, variant: str, what: str, act: Break
) -> None:
    resources = resources_of(stack(variant))
    act(resources)
    said = broken_by(resources)
    assert set(said) == {rule}, (what, said)
    assert len(said[rule]) == 1


def test_every_rule_has_a_stack_that_breaks_it() -> None:
    assert {one[0] for one in BREAKS} == {policy.name for policy in POLICIES}


@pytest.mark.parametrize(
    ("variant", "keys"),
    [
        ("plain", ("policy", "assumeRolePolicy", "redrivePolicy")),
        ("image", ("environment",)),
        ("google", ("filter", "member", "pushConfig", "httpTarget", "template")),
        ("google-key", ("template",)),
    ],
)
def test_what_is_not_known_before_a_deployment_breaks_no_rule(
    stack: Callable[[str], Made], variant: str, keys: tuple[str, ...]
) -> None:
    resources = resources_of(stack(variant))
    for one in resources:
        for key in keys:
            if key in one.props:
                one.props[key] = UNKNOWN_STRING_VALUE
        one.props = unknown_checking_proxy(one.props)
    assert broken_by(resources) == {}

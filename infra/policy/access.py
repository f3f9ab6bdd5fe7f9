"""Who may do what: nobody unknown, nothing in the clear, no wildcards, no shared roles."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import ResourceValidationArgs, StackValidationArgs

from infra.policy.reading import UNKNOWN, Finding, Properties, listed, named_by, of_type, read, statements

WITHOUT_RESOURCE: Final[Mapping[str, str]] = {
    "ecr:GetAuthorizationToken": "logging in is to the registry, which has no ARN",
    "cloudwatch:PutMetricData": "metrics have no ARN; a condition names their namespace",
}
"""The only actions that a role may do on `*`, and why. In a key's own policy `*` is that key."""

_GUARDS: Final = (
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
)
_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_KEY_POLICY: Final = "aws:kms/key:Key"
_SPOKEN_FOR: Final[Mapping[str, Sequence[str]]] = {
    "s3/bucket:Bucket": ("s3/bucketPolicy:BucketPolicy", "bucket"),
    "sqs/queue:Queue": ("sqs/queuePolicy:QueuePolicy", "queueUrl"),
    "sns/topic:Topic": ("sns/topicPolicy:TopicPolicy", "arn"),
}
"""What must have a policy: the policy's type, and the property that says whose it is."""


def not_public(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse what everybody could call or read."""
    check = _PUBLIC.get(args.resource_type.removeprefix("aws:"))
    if check:
        yield from check(args.props)
    for statement in statements(args.props):
        if statement["Effect"] == "Allow" and _everybody(statement.get("Principal")):
            yield f"everybody may {', '.join(listed(statement['Action']))}"


def guarded(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a bucket that leaves encryption, or whether it may be public, to whoever set up the account."""
    for kind in _GUARDS:
        have = named_by(of_type(args.resources, kind), "bucket")
        for bucket in of_type(args.resources, "s3/bucket:Bucket"):
            if bucket.urn not in have:
                yield Finding(f"{bucket.name} has no {kind.partition(':')[2]}", bucket.urn)


def tls_only(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a bucket, a queue or a topic without a policy that denies what does not come over TLS."""
    for kind, (policy_type, key) in _SPOKEN_FOR.items():
        policies = [one for one in of_type(args.resources, policy_type) if _denies_insecure(one.props)]
        spoken_for = named_by(policies, key)
        for resource in of_type(args.resources, kind):
            if resource.urn not in spoken_for:
                yield Finding(f"{resource.name}: no policy denies requests that are not over TLS", resource.urn)


def least_privilege(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse wildcards in what is allowed, and policies of AWS's that are full of them."""
    if args.resource_type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        yield f"{read(args.props, 'policyArn')}: write down what the role may do instead"
    for statement in statements(args.props):
        if statement["Effect"] != "Allow":
            continue
        actions = listed(statement.get("Action"))
        if "NotAction" in statement or "NotResource" in statement:
            yield "say what is allowed, not what is not"
        if wild := [one for one in actions if "*" in one]:
            yield f"wildcards in {', '.join(wild)}"
        if "*" in listed(statement.get("Resource")):
            yield from _check_everywhere(args.resource_type, actions)


def own_role(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a role that two functions share: each would have what the other needs."""
    owners: dict[str, str] = {}
    for function in of_type(args.resources, "lambda/function:Function"):
        for role in function.property_dependencies.get("role", []):
            first = owners.setdefault(role.urn, function.name)
            if first != function.name:
                yield Finding(f"{function.name} has the role of {first}", function.urn)


def _block(properties: Properties) -> Iterator[str]:
    yield from (f"{one} must be true" for one in _BLOCKS if read(properties, one) is not True)


def _bucket(properties: Properties) -> Iterator[str]:
    acl = read(properties, "acl")
    if str(acl).startswith("public"):
        yield f"the bucket's acl is {acl}"


def _url(properties: Properties) -> Iterator[str]:
    if read(properties, "authorizationType") != "AWS_IAM":
        yield "the URL checks nobody: authorizationType must be AWS_IAM"


def _permission(properties: Properties) -> Iterator[str]:
    if read(properties, "principal") == "*":
        yield "everybody may call the function"


def _api(properties: Properties) -> Iterator[str]:
    body = read(properties, "body")
    paths = json.loads(body).get("paths", {}) if isinstance(body, str) else {}
    for path, methods in paths.items():
        yield from (f"{method} {path} wants no key" for method, told in methods.items() if not told.get("security"))


_PUBLIC: Final[Mapping[str, Callable[[Properties], Iterator[str]]]] = {
    "apigateway/restApi:RestApi": _api,
    "lambda/functionUrl:FunctionUrl": _url,
    "lambda/permission:Permission": _permission,
    "s3/bucket:Bucket": _bucket,
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _block,
}


def _everybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, Mapping) and "*" in listed(principal.get("AWS")))


def _denies_insecure(properties: Properties) -> bool:
    """Return whether the policy denies what does not come over TLS; one that is not known yet may."""
    if read(properties, "policy") is UNKNOWN:
        return True
    return any(
        statement["Effect"] == "Deny"
        and _everybody(statement.get("Principal"))
        and _insecure(statement.get("Condition", {}))
        for statement in statements(properties)
    )


def _insecure(condition: Mapping[str, Any]) -> bool:
    return str(condition.get("Bool", {}).get("aws:SecureTransport")).lower() == "false"


def _check_everywhere(resource_type: str, actions: Sequence[str]) -> Iterator[str]:
    for action in actions:
        if action not in WITHOUT_RESOURCE and resource_type != _KEY_POLICY:
            yield f"{action} is allowed on every resource: name those that are meant"

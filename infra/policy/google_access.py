"""Who may do what on Google Cloud: the rules of access.py in its words. It takes no request that is not over TLS."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs

from infra.policy.reading import UNKNOWN, Finding, Properties, listed, of_type, read

PROJECT_WIDE: Final[Mapping[str, str]] = {
    "roles/aiplatform.user": "models and experiments have no policy of their own",
    "roles/cloudbuild.builds.editor": "a build has no policy of its own",
    "roles/datastore.user": "a database has no policy of its own; a condition names it",
    "roles/datastore.viewer": "a database has no policy of its own; a condition names it",
    "roles/logging.logWriter": "a log has no policy of its own",
}
"""The only of Google's roles that may be granted on a whole project, and why."""

RUNS: Final = ("gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job")

_PROJECT_GRANT: Final = "gcp:projects/iAMMember:IAMMember"
_WHOLE_POLICIES: Final = ("iAMBinding:IAMBinding", "iAMPolicy:IAMPolicy", "IamBinding", "IamPolicy")
_BUCKET_GRANT: Final = "gcp:storage/bucketIAMMember:BucketIAMMember"
_BASIC: Final = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
_EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
_CHECKS: Final[Mapping[str, tuple[str, ...]]] = {
    "apikey": ("LOOPWRIGHT_API_KEY",),
    "jwt": ("LOOPWRIGHT_JWT_ISSUER", "LOOPWRIGHT_JWT_AUDIENCE"),
}
"""How a function that is open to the network checks its callers itself, and the variables that it then has."""


def not_public(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse what everybody could call or read."""
    if not args.resource_type.startswith("gcp:"):
        return
    for member in (*listed(read(args.props, "member")), *listed(read(args.props, "members"))):
        if member in _EVERYBODY:
            yield f"{member} may do {read(args.props, 'role')}"
    check = _PUBLIC.get(args.resource_type)
    if check:
        yield from check(args.props)


def signed_calls(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse a schedule or a push that does not say who it is."""
    where = _CALLS.get(args.resource_type)
    target = read(args.props, where) if where else None
    if where and target not in (None, UNKNOWN) and not read(target, "oidcToken"):
        yield f"it calls without a token: set {where}.oidcToken"


def least_privilege(args: ResourceValidationArgs) -> Iterator[str]:
    """Refuse roles that are too much, and roles on a whole project where there is a policy nearer to the thing."""
    if args.resource_type.startswith("gcp:") and args.resource_type.endswith(_WHOLE_POLICIES):
        yield "it takes away what others are granted: grant one role to one member"
    role = str(read(args.props, "role") or "") if args.resource_type.startswith("gcp:") else ""
    if role in _BASIC or role.lower().endswith("admin"):
        yield f"{role} is more than anything here needs"
    elif args.resource_type == _PROJECT_GRANT and role.startswith("roles/"):
        yield from _on_project(args.props, role)
    elif args.resource_type == _BUCKET_GRANT and not read(args.props, "condition", "expression"):
        yield f"{role} on all of a bucket: a condition must name what is meant of it"


def own_account(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse an account that two functions share, and Google's own for all that have none."""
    owners: dict[str, str] = {}
    for one in of_type(args.resources, *RUNS):
        if not _account(one):
            yield Finding(f"{one.name} runs as what everything without an account runs as", one.urn)
        for account in of_type(one.property_dependencies.get("template", []), "gcp:serviceaccount/account:Account"):
            first = owners.setdefault(account.urn, one.name)
            if first != one.name:
                yield Finding(f"{one.name} runs as {first} does", one.urn)


def _account(one: PolicyResource) -> object:
    nested = ("template", "template") if one.resource_type.endswith(":Job") else ("template",)
    return read(one.props, *nested, "serviceAccount")


def _on_project(properties: Properties, role: str) -> Iterator[str]:
    if role not in PROJECT_WIDE:
        yield f"{role} is granted on the whole project: grant it on the thing that is meant"
    elif role.startswith("roles/datastore.") and not read(properties, "condition", "expression"):
        yield f"{role} on every database: a condition must name the one that is meant"


def _bucket(properties: Properties) -> Iterator[str]:
    if read(properties, "publicAccessPrevention") != "enforced":
        yield "the bucket can be made public: publicAccessPrevention must be enforced"
    if read(properties, "uniformBucketLevelAccess") is not True:
        yield "objects have rights of their own: uniformBucketLevelAccess must be true"


def _service(properties: Properties) -> Iterator[str]:
    if not read(properties, "invokerIamDisabled"):
        return
    variables = _variables(properties)
    if variables is UNKNOWN:
        return
    wanted = _CHECKS.get(str(variables.get("LOOPWRIGHT_AUTH")))
    if wanted is None:
        yield "everybody may call the function, and it checks nobody"
    elif missing := [name for name in wanted if name not in variables]:
        yield f"everybody may call the function, and it cannot check anybody without {', '.join(missing)}"


def _variables(properties: Properties) -> Any:  # noqa: ANN401 - variables by their names, or UNKNOWN
    found: dict[str, object] = {}
    for container in listed(read(properties, "template", "containers")):
        envs = read(container, "envs") if isinstance(container, Mapping) else UNKNOWN
        if envs is UNKNOWN:
            return UNKNOWN
        found |= {str(read(one, "name")): read(one, "value") for one in listed(envs)}
    return found


_PUBLIC: Final[Mapping[str, Callable[[Properties], Iterator[str]]]] = {
    "gcp:cloudrunv2/service:Service": _service,
    "gcp:storage/bucket:Bucket": _bucket,
}

_CALLS: Final[Mapping[str, str]] = {
    "gcp:cloudscheduler/job:Job": "httpTarget",
    "gcp:pubsub/subscription:Subscription": "pushConfig",
}

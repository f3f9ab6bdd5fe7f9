"""What is lost by mistake comes back, on every provider."""

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import PolicyResource, StackValidationArgs

from infra.policy.reading import UNKNOWN, Finding, named_by, of_type, read

_BY_ITSELF: Final[Mapping[str, tuple[tuple[str, ...], object]]] = {
    "dynamodb/table:Table": (("pointInTimeRecovery", "enabled"), True),
    "gcp:firestore/database:Database": (
        ("pointInTimeRecoveryEnablement",),
        "POINT_IN_TIME_RECOVERY_ENABLED",
    ),
    "gcp:storage/bucket:Bucket": (("versioning", "enabled"), True),
}
"""By type, the property that says that former states are kept, and its value."""

_DELETION: Final[Mapping[str, tuple[str, object]]] = {
    "dynamodb/table:Table": ("deletionProtectionEnabled", True),
    "s3/bucket:Bucket": ("forceDestroy", False),
    "gcp:firestore/database:Database": ("deleteProtectionState", "DELETE_PROTECTION_ENABLED"),
    "gcp:storage/bucket:Bucket": ("forceDestroy", False),
}
"""By type, the property that says that the provider refuses to delete it, and its value."""


def recoverable(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a store whose former states are not kept."""
    for kind, (path, wanted) in _BY_ITSELF.items():
        for one in of_type(args.resources, kind):
            if read(one.props, *path) not in (wanted, UNKNOWN):
                yield Finding(f"{one.name}: {'.'.join(path)} must be {wanted}", one.urn)
    versioned = named_by(of_type(args.resources, "s3/bucketVersioning:BucketVersioning"), "bucket")
    for bucket in of_type(args.resources, "s3/bucket:Bucket"):
        if bucket.urn not in versioned:
            yield Finding(f"{bucket.name} keeps no former versions", bucket.urn)


def protected(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a store that Pulumi would not delete and that the provider would."""
    for kind, (key, wanted) in _DELETION.items():
        for one in of_type(args.resources, kind):
            if _is_protected(one) and read(one.props, key) not in (wanted, UNKNOWN):
                yield Finding(f"{one.name} is protected, but not by its provider: {key} must be {wanted}", one.urn)


def _is_protected(one: PolicyResource) -> bool:
    return bool(one.opts.protect)

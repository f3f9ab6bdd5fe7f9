"""The bucket of models, lake and packages, and the database of everything small."""

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import ResourceOptions

from infra.gcp.place import Place

ITEMS: Final = "items"
EXPIRY: Final = "expires"
SORT: Final = "s"
"""The collections that have the items, the field that says when one goes away, and that of its name once more."""

_KEPT_VERSIONS_DAYS: Final = 30
"""What is overwritten or deleted in the bucket can be brought back for so long; of the database, a week's states."""


class Storage(pulumi.ComponentResource):
    """One bucket and one database: not public, recoverable; Google encrypts both, and answers over TLS only.

    Attributes:
        bucket: `blobs/`, `lake/`, `overflow/` and `packages/`.
        database: Firestore's, for this stack alone.
    """

    bucket: gcp.storage.Bucket
    database: gcp.firestore.Database

    def __init__(self, place: Place, *, protect: bool) -> None:
        super().__init__("loopwright:gcp:Storage", place.named("storage"))
        self._place = place
        state = ResourceOptions(parent=self, protect=protect)
        self.bucket = gcp.storage.Bucket(
            place.named("bucket"),
            project=place.project,
            location=place.region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=gcp.storage.BucketVersioningArgs(enabled=True),
            # Versions keep what was deleted; kept twice, it would be paid for twice.
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0),
            lifecycle_rules=[
                _expiry(days=_KEPT_VERSIONS_DAYS),
                _expiry("overflow/", days=1),
                gcp.storage.BucketLifecycleRuleArgs(
                    action=gcp.storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
                    condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=1),
                ),
            ],
            force_destroy=not protect,
            opts=state,
        )
        self.database = gcp.firestore.Database(
            place.named("table"),
            project=place.project,
            name=place.named("table"),
            location_id=place.region,
            type="FIRESTORE_NATIVE",
            concurrency_mode="PESSIMISTIC",
            point_in_time_recovery_enablement="POINT_IN_TIME_RECOVERY_ENABLED",
            delete_protection_state="DELETE_PROTECTION_ENABLED" if protect else "DELETE_PROTECTION_DISABLED",
            deletion_policy="DELETE",
            opts=state,
        )
        self._index_little()
        self.register_outputs({"bucket": self.bucket.name, "database": self.database.name})

    def _index_little(self) -> None:
        """Switch the indexes of single fields off but for one: every index is paid for with every write.

        Items are found by their names; only who begins at the end needs an index, of the names' falling order.
        """
        falling = gcp.firestore.FieldIndexConfigIndexArgs(order="DESCENDING", query_scope="COLLECTION")
        everything = self._field("unindexed", "*")
        expiry = self._field("expiry", EXPIRY, ttl=gcp.firestore.FieldTtlConfigArgs(), after=everything)
        self._field("sort", SORT, indexes=[falling], after=expiry)

    def _field(
        self,
        name: str,
        field: str,
        *,
        indexes: Sequence[gcp.firestore.FieldIndexConfigIndexArgs] = (),
        ttl: gcp.firestore.FieldTtlConfigArgs | None = None,
        after: gcp.firestore.Field | None = None,
    ) -> gcp.firestore.Field:
        return gcp.firestore.Field(
            self._place.named(name),
            project=self._place.project,
            database=self.database.name,
            collection=ITEMS,
            field=field,
            index_config=gcp.firestore.FieldIndexConfigArgs(indexes=list(indexes)),
            ttl_config=ttl,
            # Firestore changes one thing of a collection at a time.
            opts=ResourceOptions(parent=self.database, protect=False, depends_on=[after] if after else None),
        )


def _expiry(prefix: str = "", *, days: int) -> gcp.storage.BucketLifecycleRuleArgs:
    """Expire versions that are no longer the newest."""
    return gcp.storage.BucketLifecycleRuleArgs(
        action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
        condition=gcp.storage.BucketLifecycleRuleConditionArgs(
            days_since_noncurrent_time=days, with_state="ARCHIVED", matches_prefixes=[prefix] if prefix else None
        ),
    )

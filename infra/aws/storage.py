"""The bucket of models, lake and packages, and the table of everything small."""

from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.place import Place
from infra.aws.policies import document, tls_only

_KEPT_VERSIONS_DAYS: Final = 30
"""What is overwritten or deleted in the bucket can be brought back for so long, as can any state of the table."""


class Storage(pulumi.ComponentResource):
    """One bucket and one table: encrypted, not public, over TLS only, recoverable.

    Attributes:
        bucket: `blobs/`, `lake/`, `overflow/` and `packages/`.
        table: items under `pk` and `sk`; those with a `ttl` go away by themselves.
    """

    bucket: aws.s3.Bucket
    table: aws.dynamodb.Table

    def __init__(self, place: Place, *, protect: bool) -> None:
        super().__init__("loopwright:aws:Storage", place.named("storage"))
        state = ResourceOptions(parent=self, protect=protect)
        self.bucket = aws.s3.Bucket(place.named("bucket"), force_destroy=not protect, opts=state)
        self._guard_bucket(place)
        self._age_bucket(place)
        self.table = aws.dynamodb.Table(
            place.named("table"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name="pk", type="S"),
                aws.dynamodb.TableAttributeArgs(name="sk", type="S"),
            ],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name="ttl", enabled=True),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=True, recovery_period_in_days=_KEPT_VERSIONS_DAYS
            ),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True),
            deletion_protection_enabled=protect,
            opts=state,
        )
        self.register_outputs({"bucket": self.bucket.bucket, "table": self.table.name})

    def objects(self, prefix: str) -> Output[str]:
        """Return the ARN of all objects under a prefix of the bucket."""
        return Output.concat(self.bucket.arn, "/", prefix, "*")

    def _guard_bucket(self, place: Place) -> None:
        name, child = place.named("bucket"), ResourceOptions(parent=self.bucket)
        block = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=self.bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="AES256"
                        )
                    )
                )
            ],
            opts=child,
        )
        aws.s3.BucketPolicy(
            name,
            bucket=self.bucket.bucket,
            policy=document([tls_only("s3", self.bucket.arn, self.objects(""))]),
            # AWS lets only one change of a bucket's access through at a time.
            opts=ResourceOptions(parent=self.bucket, depends_on=[block]),
        )

    def _age_bucket(self, place: Place) -> None:
        name, child = place.named("bucket"), ResourceOptions(parent=self.bucket)
        versioning = aws.s3.BucketVersioning(
            name,
            bucket=self.bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=self.bucket.bucket,
            rules=[_expiry("everything", "", days=_KEPT_VERSIONS_DAYS), _expiry("overflow", "overflow/", days=1)],
            opts=ResourceOptions(parent=self.bucket, depends_on=[versioning]),
        )


def _expiry(name: str, prefix: str, *, days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """Expire versions that are no longer the newest, and uploads that were never finished."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=name,
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=days
        ),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=1
        ),
    )

"""Buckets with their settings, objects, tables."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, Put, changed, pairs, retag
from tests.pulumi.provider.aws.policies import as_known, put_here
from tests.pulumi.provider.inputs import Inputs


class Bucket(Kind, token="aws:s3/bucket:Bucket", named="bucket", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        name, api = inputs["bucket"], aws.api("s3")
        inputs.get("forceDestroy")  # says what `delete` may do
        api.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
        self._tag(aws, name, inputs)
        domain = f"{name}.s3.{aws.region}.amazonaws.com"
        return name, {"arn": f"arn:aws:s3:::{name}", "bucketRegionalDomainName": domain, "region": aws.region}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("s3").head_bucket(Bucket=id_)
        return {}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("forceDestroy")
        self._tag(aws, id_, inputs)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        api = aws.api("s3")
        if known.get("forceDestroy"):
            for page in api.get_paginator("list_object_versions").paginate(Bucket=id_):
                for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    api.delete_object(Bucket=id_, Key=found["Key"], VersionId=found["VersionId"])
        api.delete_bucket(Bucket=id_)

    def _tag(self, aws: Aws, name: str, inputs: Inputs) -> None:
        if tags := inputs.get("tagsAll"):
            aws.api("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})


class PublicAccessBlock(Put, token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", replaces=["bucket"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.pascal("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        inputs.get("skipDestroy")
        aws.api("s3").put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=asked)
        return inputs["bucket"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("s3").get_public_access_block(Bucket=id_)["PublicAccessBlockConfiguration"]
        return {key[:1].lower() + key[1:]: value for key, value in found.items()}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("s3").delete_public_access_block(Bucket=id_)


class Encryption(
    Put,
    token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    replaces=["bucket"],
):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        rules = []
        for rule in inputs.parts("rules"):
            how = rule.part("applyServerSideEncryptionByDefault")
            keys = {"SSEAlgorithm": how.get("sseAlgorithm"), "KMSMasterKeyID": how.get("kmsMasterKeyId")}
            default = {key: value for key, value in keys.items() if value}
            rules.append({"ApplyServerSideEncryptionByDefault": default, **rule.pascal("bucketKeyEnabled")})
        aws.api("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})
        return inputs["bucket"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("s3").get_bucket_encryption(Bucket=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("s3").delete_bucket_encryption(Bucket=id_)


class BucketPolicy(Put, token="aws:s3/bucketPolicy:BucketPolicy", replaces=["bucket"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        aws.api("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=put_here(inputs["policy"]))
        return inputs["bucket"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"policy": as_known(aws.api("s3").get_bucket_policy(Bucket=id_)["Policy"], known["policy"])}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("s3").delete_bucket_policy(Bucket=id_)


class Versioning(Put, token="aws:s3/bucketVersioning:BucketVersioning", replaces=["bucket"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.part("versioningConfiguration").pascal("status")
        aws.api("s3").put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration=asked)
        return inputs["bucket"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("s3").get_bucket_versioning(Bucket=id_)
        return {"versioningConfiguration": {**known["versioningConfiguration"], "status": found.get("Status", "")}}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        # Versions cannot be forgotten by a bucket that has had them, only suspended.
        aws.api("s3").put_bucket_versioning(Bucket=id_, VersioningConfiguration={"Status": "Suspended"})


class Lifecycle(Put, token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", replaces=["bucket"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        rules = [
            {
                "ID": rule["id"],
                **rule.pascal(
                    "status", "filter", "expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload"
                ),
            }
            for rule in inputs.parts("rules")
        ]
        aws.api("s3").put_bucket_lifecycle_configuration(
            Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
        )
        return inputs["bucket"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("s3").get_bucket_lifecycle_configuration(Bucket=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("s3").delete_bucket_lifecycle(Bucket=id_)


class BucketObject(Put, token="aws:s3/bucketObjectv2:BucketObjectv2", replaces=["bucket", "key"], tagged=True):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        body = inputs["content"].encode() if "content" in inputs else inputs["source"].content()
        tags = "&".join(f"{key}={value}" for key, value in sorted(inputs.get("tagsAll", {}).items()))
        done = aws.api("s3").put_object(
            Bucket=inputs["bucket"],
            Key=inputs["key"],
            Body=body,
            Tagging=tags,
            **inputs.pascal("contentType", "serverSideEncryption"),
        )
        return inputs["key"], {"etag": done["ETag"].strip('"'), "versionId": done.get("VersionId", "")}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("s3").head_object(Bucket=known["bucket"], Key=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("s3").delete_object(Bucket=known["bucket"], Key=id_)


class Table(
    Kind,
    token="aws:dynamodb/table:Table",
    named="name",
    replaces=["hashKey", "rangeKey", "attributes"],
    tagged=True,
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        keys = [{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}]
        if "rangeKey" in inputs:
            keys.append({"AttributeName": inputs["rangeKey"], "KeyType": "RANGE"})
        attributes = [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs["attributes"]]
        made = aws.api("dynamodb").create_table(
            TableName=inputs["name"],
            KeySchema=keys,
            AttributeDefinitions=attributes,
            Tags=pairs(inputs.get("tagsAll", {})),
            **inputs.pascal("billingMode", "deletionProtectionEnabled"),
            **_encryption(inputs),
        )
        aws.api("dynamodb").get_waiter("table_exists").wait(TableName=inputs["name"], WaiterConfig={"Delay": 1})
        self._set(aws, inputs, {})
        return inputs["name"], {"arn": made["TableDescription"]["TableArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("dynamodb").describe_table(TableName=id_)["Table"]
        return {"deletionProtectionEnabled": found.get("DeletionProtectionEnabled", False)}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("hashKey", "rangeKey", "attributes", "name")
        asked = {**inputs.pascal("billingMode", "deletionProtectionEnabled"), **_encryption(inputs)}
        if changed(known, inputs, "billingMode", "deletionProtectionEnabled", "serverSideEncryption"):
            aws.api("dynamodb").update_table(TableName=id_, **asked)
        self._set(aws, inputs, known)
        retag(aws.api("dynamodb"), "ResourceArn", known["arn"], known, inputs)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("dynamodb").delete_table(TableName=id_)

    def _set(self, aws: Aws, inputs: Inputs, known: Mapping[str, Any]) -> None:
        """Set what AWS does not take when it makes the table."""
        api, ttl, recovery = aws.api("dynamodb"), inputs.part("ttl"), inputs.part("pointInTimeRecovery")
        expiry = {"Enabled": ttl.get("enabled", False), "AttributeName": ttl.get("attributeName", "")}
        kept = {"PointInTimeRecoveryEnabled": recovery.get("enabled", False)}
        if days := recovery.get("recoveryPeriodInDays"):
            kept["RecoveryPeriodInDays"] = days
        if changed(known, inputs, "ttl"):
            api.update_time_to_live(TableName=inputs["name"], TimeToLiveSpecification=expiry)
        if changed(known, inputs, "pointInTimeRecovery"):
            api.update_continuous_backups(TableName=inputs["name"], PointInTimeRecoverySpecification=kept)


def _encryption(inputs: Inputs) -> dict[str, Any]:
    asked = inputs.part("serverSideEncryption")
    if not asked.get("enabled"):
        return {}
    key = asked.get("kmsKeyArn")
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}}

"""Buckets, objects, Firestore's databases and how their fields are indexed."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from tests.pulumi.provider.gcp.kinds import Google, Json, Resource, given, project
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs, Put


class Bucket(Resource, token="gcp:storage/bucket:Bucket", named="name", replaces=["location"], labelled=True):
    version = "storage/v1"
    masked = False
    properties: ClassVar[Mapping[str, str]] = {
        "iamConfiguration": "publicAccessPrevention",
        "lifecycle": "lifecycleRules",
    }

    def parent(self, google: Google, inputs: Inputs) -> str:
        inputs.camel("forceDestroy", "project")  # the first says what `delete` may do
        return "b"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        rules = [
            {
                "action": rule.part("action").camel("type", "storageClass"),
                "condition": _condition(rule.part("condition")),
            }
            for rule in inputs.parts("lifecycleRules")
        ]
        uniform = {"enabled": inputs.get("uniformBucketLevelAccess", False)}
        return {
            **given(labels=inputs.get("effectiveLabels"), location=inputs["location"]),
            **inputs.camel("versioning", "softDeletePolicy"),
            "iamConfiguration": {
                "uniformBucketLevelAccess": uniform,
                **inputs.camel("publicAccessPrevention"),
            },
            "lifecycle": {"rule": rules},
        }

    def create(self, google: Google, inputs: Inputs) -> Made:
        name = self.name(inputs)
        self.parent(google, inputs)
        body = {"name": name, **self.body(google, inputs)}
        google.call("POST", "/storage/v1/b", body, query={"project": inputs.get("project") or google.project})
        return name, {"url": f"gs://{name}"}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return super().read(google, f"b/{id_}", known)

    def update(self, google: Google, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        return super().update(google, f"b/{id_}", inputs, known)

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        if known.get("forceDestroy"):
            # What is archived goes with the bucket here; fake-gcs-server does not find it by its generation.
            for one in google.call("GET", f"/storage/v1/b/{id_}/o").get("items", []):
                google.call("DELETE", f"/storage/v1/b/{id_}/o/{quote(one['name'], safe='')}")
        google.call("DELETE", f"/storage/v1/b/{id_}")


def _condition(condition: Inputs) -> Json:
    names = {"daysSinceNoncurrentTime": "daysSinceNoncurrentTime", "matchesPrefixes": "matchesPrefix", "age": "age"}
    found = {theirs: condition[ours] for ours, theirs in names.items() if ours in condition}
    match condition.get("withState"):
        case "ARCHIVED":
            return {**found, "isLive": False}
        case "LIVE":
            return {**found, "isLive": True}
        case _:
            return found


class BucketObject(Put[Google], token="gcp:storage/bucketObject:BucketObject", replaces=["bucket", "name"]):
    def put(self, place: Google, inputs: Inputs) -> Made:
        bucket, name = inputs["bucket"], inputs["name"]
        content = inputs["content"].encode() if "content" in inputs else inputs["source"].content()
        kind = inputs.get("contentType", "application/octet-stream")
        query = {"uploadType": "media", "name": name}
        made = place.raw("POST", f"/upload/storage/v1/b/{bucket}/o", content, query=query, kind=kind)
        return f"{bucket}-{name}", {
            "outputName": name,
            "selfLink": f"/b/{bucket}/o/{name}",
            "generation": int(made["generation"]),
        }

    def read(self, place: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        place.call("GET", _object(known))
        return {}

    def delete(self, place: Google, id_: str, known: Mapping[str, Any]) -> None:
        place.call("DELETE", _object(known))


def _object(known: Mapping[str, Any]) -> str:
    return f"/storage/v1/b/{known['bucket']}/o/{quote(known['name'], safe='')}"


class Database(Resource, token="gcp:firestore/database:Database", named="name", replaces=["locationId", "type"]):
    query = "databaseId"

    def parent(self, google: Google, inputs: Inputs) -> str:
        inputs.get("deletionPolicy")  # says what `delete` may do
        return f"{project(google, inputs)}/databases"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel(
            "locationId", "type", "concurrencyMode", "pointInTimeRecoveryEnablement", "deleteProtectionState"
        )

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        if known.get("deletionPolicy") != "DELETE":
            return
        if known.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED":
            raise ValueError(f"{id_} is protected against being deleted")
        google.call("DELETE", f"/v1/{id_}")
        google.call("DELETE", f"/emulator/v1/{id_}/documents")


class Field(Resource, token="gcp:firestore/field:Field", replaces=["database", "collection", "field"]):
    def parent(self, google: Google, inputs: Inputs) -> str:
        where = f"{project(google, inputs)}/databases/{inputs['database']}"
        return f"{where}/collectionGroups/{inputs['collection']}/fields"

    def name(self, inputs: Inputs) -> str:
        return quote(inputs["field"], safe="")

    def body(self, google: Google, inputs: Inputs) -> Json:
        indexes = [
            {
                "queryScope": index.get("queryScope", "COLLECTION"),
                "fields": [{"fieldPath": inputs["field"], **index.camel("order", "arrayConfig")}],
            }
            for index in inputs.part("indexConfig").parts("indexes")
        ]
        ttl = {"ttlConfig": inputs["ttlConfig"]} if "ttlConfig" in inputs else {}
        return {"indexConfig": {"indexes": indexes}, **ttl}

    def create(self, google: Google, inputs: Inputs) -> Made:
        id_ = f"{self.parent(google, inputs)}/{self.name(inputs)}"
        google.call("PATCH", f"/v1/{id_}", self.body(google, inputs))
        return id_, {}

"""Service accounts, roles of the project's own, secrets, and which of Google's services are switched on."""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.gcp.replies import ServiceError
from tests.pulumi.provider.gcp.kinds import Google, Json, Kind, Resource, given, project
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs


class Account(Resource, token="gcp:serviceaccount/account:Account", named="accountId"):
    inside = "serviceAccount"

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{project(google, inputs)}/serviceAccounts"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["accountId"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        return inputs.camel("displayName", "description", "disabled")

    def asked(self, name: str, body: Json) -> Json:
        return {"accountId": name, "serviceAccount": body}

    def identity(self, collection: str, name: str, made: Json) -> str:
        return str(made["name"])

    def known(self, google: Google, found: Json) -> Outputs:
        email = found["email"]
        return {
            "email": email,
            "member": f"serviceAccount:{email}",
            "name": found["name"],
            "uniqueId": found["uniqueId"],
        }


class Role(Resource, token="gcp:projects/iAMCustomRole:IAMCustomRole", replaces=["roleId"]):
    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{project(google, inputs)}/roles"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["roleId"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        kept = inputs.camel("title", "description", "stage")
        return {**kept, "includedPermissions": inputs["permissions"]}

    properties: ClassVar[Mapping[str, str]] = {"includedPermissions": "permissions"}

    def asked(self, name: str, body: Json) -> Json:
        return {"roleId": name, "role": body}

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"]}

    def create(self, google: Google, inputs: Inputs) -> Made:
        """Make it; a name stays taken by what was deleted, which is then brought back."""
        id_ = f"{self.parent(google, inputs)}/{self.name(inputs)}"
        try:
            google.call("POST", f"/v1/{id_}:undelete", {})
        except ServiceError:
            return super().create(google, inputs)
        return id_, self.known(google, google.call("PATCH", f"/v1/{id_}", self.body(google, inputs)))

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        if google.call("GET", f"/v1/{id_}").get("lifecycleState") == "DELETE_REQUESTED":
            return None
        return super().read(google, id_, known)


class Secret(
    Resource, token="gcp:secretmanager/secret:Secret", named="secretId", replaces=["replication"], labelled=True
):
    query = "secretId"

    def parent(self, google: Google, inputs: Inputs) -> str:
        inputs.get("deletionProtection")  # Pulumi's own: it is not told to Google
        return f"{project(google, inputs)}/secrets"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["secretId"])

    def body(self, google: Google, inputs: Inputs) -> Json:
        return given(replication=inputs["replication"], labels=inputs.get("effectiveLabels"))

    def known(self, google: Google, found: Json) -> Outputs:
        return {"name": found["name"]}


class SecretVersion(Kind, token="gcp:secretmanager/secretVersion:SecretVersion", replaces=["secret", "secretData"]):
    def create(self, google: Google, inputs: Inputs) -> Made:
        payload = {"data": base64.b64encode(inputs["secretData"].encode()).decode()}
        made = google.call("POST", f"/v1/{inputs['secret']}:addVersion", {"payload": payload})
        return made["name"], {"name": made["name"], "version": made["name"].rpartition("/")[2], "enabled": True}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = google.call("GET", f"/v1/{id_}")
        return {} if found["state"] == "ENABLED" else None

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        google.call("POST", f"/v1/{id_}:destroy", {})


class Switch(Kind, token="gcp:projects/service:Service", replaces=["service"]):
    def create(self, google: Google, inputs: Inputs) -> Made:
        inputs.get("disableOnDestroy")  # says what `delete` may do
        name = f"{project(google, inputs)}/services/{inputs['service']}"
        google.call("POST", f"/v1/{name}:enable", {})
        return f"{inputs.get('project') or google.project}/{inputs['service']}", {}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        of, _, service = id_.partition("/")
        return {} if google.call("GET", f"/v1/projects/{of}/services/{service}")["state"] == "ENABLED" else None

    def update(self, google: Google, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("disableOnDestroy", "project", "service")
        return {}

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        if known.get("disableOnDestroy", True):
            of, _, service = id_.partition("/")
            google.call("POST", f"/v1/projects/{of}/services/{service}:disable", {})


class Agent(Kind, token="gcp:projects/serviceIdentity:ServiceIdentity", replaces=["service"]):
    """What a service of Google's acts as; it is there once, and stays."""

    def create(self, google: Google, inputs: Inputs) -> Made:
        name = f"{project(google, inputs)}/services/{inputs['service']}"
        email = google.call("POST", f"/v1beta1/{name}:generateServiceIdentity", {})["email"]
        return name, {"email": email, "member": f"serviceAccount:{email}"}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {}

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        """It stays."""

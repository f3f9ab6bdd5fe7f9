"""What is only described: made once, changed by its fields, and by one at a time where its policy is concerned."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.gcp.api import Api
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from tests.clouds.google.world import running

PROJECT = "/v1/projects/p"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with (
        running(("iam", "secret-versions", "resources")) as google,
        closing(Api("", endpoint=google.endpoint, tokens=Nobody())) as opened,
    ):
        yield opened


def test_a_name_is_given_once_and_only_named_fields_change(api: Api) -> None:
    asked = {"accountId": "one", "serviceAccount": {"displayName": "One", "description": "first"}}
    made = api.call("POST", f"{PROJECT}/serviceAccounts", asked)
    assert made["email"] == "one@p.iam.gserviceaccount.com"
    with pytest.raises(ServiceError, match="is there already"):
        api.call("POST", f"{PROJECT}/serviceAccounts", asked)
    path = f"/v1/{made['name']}"
    api.call("PATCH", path, {"serviceAccount": {"displayName": "Two"}, "updateMask": "displayName"})
    assert api.call("GET", path)["displayName"] == "Two"
    assert api.call("GET", path)["description"] == "first"
    api.call("DELETE", path)
    with pytest.raises(ServiceError, match="is not there"):
        api.call("GET", path)


def test_a_name_with_slashes_is_one_thing(api: Api) -> None:
    metrics = "/v2/projects/p/metrics"
    api.call("POST", metrics, {"name": "stack/predictions", "filter": "one"})
    api.call("PUT", f"{metrics}/stack%2Fpredictions", {"name": "stack/predictions", "filter": "two"})
    assert [one["filter"] for one in api.call("GET", metrics)["metrics"]] == ["two"]


def test_what_is_deleted_for_a_while_keeps_its_name_and_can_come_back(api: Api) -> None:
    roles = f"{PROJECT}/roles"
    api.call("POST", roles, {"roleId": "starts", "role": {"title": "Starts"}})
    api.call("DELETE", f"{roles}/starts")
    assert api.call("GET", roles) == {"roles": []}
    with pytest.raises(ServiceError, match="is there already"):
        api.call("POST", roles, {"roleId": "starts", "role": {"title": "Starts"}})
    api.call("POST", f"{roles}/starts:undelete", {})
    assert [one["title"] for one in api.call("GET", roles)["roles"]] == ["Starts"]


def test_a_policy_is_changed_by_who_has_read_the_newest(api: Api) -> None:
    first = api.call("POST", f"{PROJECT}:getIamPolicy", {})
    assert first["bindings"] == [{"role": "roles/owner", "members": ["user:owner@example.org"]}]
    mine = {"policy": {**first, "bindings": [*first["bindings"], {"role": "roles/viewer", "members": ["user:me"]}]}}
    api.call("POST", f"{PROJECT}:setIamPolicy", mine)
    with pytest.raises(ServiceError, match="changed meanwhile"):
        api.call("POST", f"{PROJECT}:setIamPolicy", mine)


def test_versions_of_a_secret_are_read_until_they_are_destroyed(api: Api) -> None:
    api.call("POST", f"{PROJECT}/secrets", {"replication": {"automatic": {}}}, query={"secretId": "key"})
    for data in ("b25l", "dHdv"):
        api.call("POST", f"{PROJECT}/secrets/key:addVersion", {"payload": {"data": data}})
    assert api.call("GET", f"{PROJECT}/secrets/key/versions/1:access")["payload"]["data"] == "b25l"
    assert api.call("GET", f"{PROJECT}/secrets/key/versions/latest:access")["payload"]["data"] == "dHdv"
    api.call("POST", f"{PROJECT}/secrets/key/versions/1:destroy", {})
    with pytest.raises(ServiceError, match="is DESTROYED"):
        api.call("GET", f"{PROJECT}/secrets/key/versions/1:access")

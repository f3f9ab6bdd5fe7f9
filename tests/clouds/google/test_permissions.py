"""What roles allow, asked for single requests; whole stacks are asked in tests/pulumi/test_loop.py."""

from typing import Any

import pytest

from tests.clouds.google.front import Request
from tests.clouds.google.permissions import refusal

ME = "me@p.iam.gserviceaccount.com"
BUCKET = "/storage/v1/b/bucket/iam"
UNDER_LAKE = 'resource.name.startsWith("projects/_/buckets/bucket/objects/lake/")'
ITEMS = 'resource.name == "projects/p/databases/db"'
COMMIT = "/v1/projects/p/databases/db/documents:commit"


def asked(method: str, path: str, body: bytes = b"", **query: str) -> Request:
    return Request(method, path, {name: [value] for name, value in query.items()}, path, {}, body)


def why(request: Request, thing: str, role: str, condition: str = "") -> str:
    binding: dict[str, Any] = {"role": role, "members": [f"serviceAccount:{ME}"]}
    if condition:
        binding["condition"] = {"expression": condition}
    return refusal(request, ME, lambda path: {"bindings": [binding] if path == thing else []})


def test_objects_are_read_by_readers_and_written_by_writers() -> None:
    read = asked("GET", "/storage/v1/b/bucket/o/blobs%2Fmodel", alt="media")
    write = asked("POST", "/upload/storage/v1/b/bucket/o", b"x", uploadType="media", name="blobs/model")
    assert not why(read, BUCKET, "roles/storage.objectViewer")
    assert not why(write, BUCKET, "roles/storage.objectUser")
    assert "does not have roles/storage.objectUser" in why(write, BUCKET, "roles/storage.objectViewer")


@pytest.mark.parametrize("path", ["/storage/v1/b/bucket/o/{}", "/bucket/{}"])
def test_a_condition_opens_what_is_under_a_prefix(path: str) -> None:
    for name, allowed in {"lake%2Ft%2F1.parquet": True, "blobs%2Fmodel": False, "lakeside": False}.items():
        found = why(asked("GET", path.format(name)), BUCKET, "roles/storage.objectViewer", UNDER_LAKE)
        assert (not found) is allowed, name


def test_a_list_is_of_what_is_under_its_prefix() -> None:
    for prefix, allowed in {"lake/table/": True, "": False, "l": False}.items():
        request = asked("GET", "/storage/v1/b/bucket/o", prefix=prefix)
        assert (not why(request, BUCKET, "roles/storage.objectViewer", UNDER_LAKE)) is allowed, prefix


def test_the_name_of_an_upload_in_parts_is_in_its_body() -> None:
    body = b'--x\r\nContent-Type: application/json\r\n\r\n{"name": "blobs/model"}\r\n--x--'
    request = asked("POST", "/upload/storage/v1/b/bucket/o", body, uploadType="multipart")
    assert why(request, BUCKET, "roles/storage.objectUser", UNDER_LAKE)


def test_an_account_is_signed_for_where_it_may_create_its_own_tokens() -> None:
    request = asked("POST", "/v1/projects/-/serviceAccounts/me%40p.iam.gserviceaccount.com:signBlob")
    role = "roles/iam.serviceAccountTokenCreator"
    assert not why(request, f"/v1/projects/p/serviceAccounts/{ME}", role)
    assert f"does not have {role}" in why(request, "/v1/projects/p/serviceAccounts/another", role)


def test_items_are_of_one_database_and_readers_write_none() -> None:
    project, write = "/v1/projects/p", asked("POST", COMMIT, b'{"writes": [{}]}')
    assert not why(write, project, "roles/datastore.user", ITEMS)
    assert why(write, project, "roles/datastore.viewer", ITEMS)
    assert not why(asked("POST", COMMIT, b"{}"), project, "roles/datastore.viewer", ITEMS)
    assert why(asked("POST", COMMIT.replace("/db/", "/other/"), b"{}"), project, "roles/datastore.user", ITEMS)


def test_messages_are_published_and_taken_by_different_roles() -> None:
    topic, subscription = "/v1/projects/p/topics/t", "/v1/projects/p/subscriptions/s"
    assert not why(asked("POST", f"{topic}:publish"), topic, "roles/pubsub.publisher")
    assert why(asked("POST", f"{topic}:publish"), topic, "roles/pubsub.subscriber")
    assert not why(asked("POST", f"{subscription}:pull"), subscription, "roles/pubsub.subscriber")
    assert why(asked("DELETE", subscription), subscription, "roles/pubsub.subscriber")


def test_what_nobodys_role_is_known_to_allow_is_refused() -> None:
    request = asked("POST", "/v1/projects/p/serviceAccounts")
    assert "does not have any permission" in why(request, "/v1/projects/p", "roles/iam.serviceAccountUser")

"""What the tracking function's calls about artifacts reach, and what they do not."""

from dataclasses import replace
from typing import NoReturn
from urllib.parse import quote

import pytest
from typing_extensions import override

from adapters.memory.blobs import MemoryBlobs
from functions.tracking.app import create_app
from functions.tracking.attachments import content_disposition, content_type
from functions.tracking.places import owner_of_path
from functions.web import BODY_LIMIT
from loopwright.errors import DeniedError, InvalidInputError
from loopwright.ports import Platform
from loopwright.registry import NewSource, Registry
from loopwright.tracking import LoggedModels, Tracking
from tests.airport import world
from tests.airport.caller import Caller

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def caller(platform: Platform) -> Caller:
    return Caller(create_app(platform, world.project()))


@pytest.fixture
def tracking(platform: Platform) -> Tracking:
    return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)


@pytest.fixture
def run(tracking: Tracking) -> str:
    experiment = tracking.ensure_experiment("delays")
    return tracking.create_run(experiment.id, name="first", run_id="run1").id


def test_a_package_is_read_and_never_written(platform: Platform, caller: Caller, tracking: Tracking) -> None:
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    version = registry.version("delays", world.register(platform))
    folder = f"packages/delays/{version.version}"
    root = f"{PROXY}/{folder}"
    listed = caller.get(f"{PROXY}?path={quote(folder)}").body["files"]
    names = [one["path"] for one in listed]
    assert "manifest.json" in names
    manifest = caller.get(f"{root}/manifest.json")
    assert manifest.text.encode() == platform.blobs.get(f"{version.source}/manifest.json").data
    by_version = caller.get(f"/model-versions/get-artifact?name=delays&version={version.version}&path=manifest.json")
    assert by_version.text == manifest.text
    tracking.create_run(tracking.ensure_experiment("delays").id, name="training", run_id=version.run_id)
    of_its_run = f"{PROXY}/x/{version.run_id}/artifacts/model"
    for method, place in (
        ("PUT", f"{root}/manifest.json"),
        ("DELETE", f"{root}/manifest.json"),
        ("PUT", f"{of_its_run}/model.onnx"),
        ("PUT", f"{of_its_run}/another"),
        ("DELETE", of_its_run),
    ):
        refused = caller.send(method, place, b"{}")
        assert (refused.status, refused.body["error_code"]) == (403, "PERMISSION_DENIED")
    assert platform.blobs.get(f"{version.source}/manifest.json").data == manifest.text.encode()


def test_a_versions_files_are_where_its_source_says(
    platform: Platform, caller: Caller, tracking: Tracking, run: str
) -> None:
    models = LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id)
    model = models.create(tracking.run(run).experiment_id, name="forest")
    for method, path in (("PUT", f"x/{run}/artifacts/top/MLmodel"), ("PUT", f"x/models/{model.id}/artifacts/MLmodel")):
        assert caller.send(method, f"{PROXY}/{path}", path.encode()).status == 200
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    registry.create_model("forest")
    sources = {
        f"runs:/{run}/top": f"x/{run}/artifacts/top/MLmodel",
        f"mlflow-artifacts:/x/{run}/artifacts/top": f"x/{run}/artifacts/top/MLmodel",
        f"models:/{model.id}": f"x/models/{model.id}/artifacts/MLmodel",
    }
    for source, wanted in sources.items():
        version = registry.register_source(NewSource(model="forest", source=source))
        found = caller.get(f"/model-versions/get-artifact?name=forest&version={version.version}&path=MLmodel")
        assert (found.status, found.text) == (200, wanted)
    elsewhere = registry.register_source(NewSource(model="forest", source="s3://bucket/model"))
    told = caller.get(f"/model-versions/get-artifact?name=forest&version={elsewhere.version}&path=MLmodel")
    assert (told.status, told.body["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert "s3://bucket/model" in told.body["message"]


def test_artifacts_that_clients_keep_elsewhere_are_not_looked_for_here(caller: Caller, tracking: Tracking) -> None:
    experiment = tracking.create_experiment("own", artifact_location="s3://bucket/own")
    run = tracking.create_run(experiment.id, name="first").id
    told = caller.get(f"/api/2.0/mlflow/artifacts/list?run_id={run}")
    assert (told.status, told.body["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert f"s3://bucket/own/{run}/artifacts" in told.body["message"]


def test_nothing_is_kept_for_nobody(platform: Platform, caller: Caller, run: str) -> None:
    for path, status in {
        f"1/{run}/other/x": 400,
        "1/nobody/artifacts/x": 404,
        "1/models/m-0/artifacts/x": 404,
        "packages/nothing/1/x": 404,
        "packages/nothing/x/y": 400,
        f"1/{run}/artifacts": 400,
        f"1/{run}/artifacts/%252e%252e/x": 400,
    }.items():
        assert caller.send("PUT", f"{PROXY}/{path}", b"1").status == status, path
    assert list(platform.blobs.list()) == []


def test_a_notebooks_folder_may_have_the_name_of_a_packages(caller: Caller, run: str) -> None:
    for name, data in {"manifest.json": b'{"name": "an app"}', "MLmodel": b"flavors: {}"}.items():
        assert caller.send("PUT", f"{PROXY}/x/{run}/artifacts/model/{name}", data).status == 200


class Unsigned(MemoryBlobs):
    """Objects on a provider that gives URLs, to somebody who has no key to sign them with."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.begun: list[str] = []

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        raise DeniedError("a person's login signs no URLs")

    @override
    def begin_upload(self, key: str) -> str:  # type: ignore[override]
        self.begun.append(key)
        return key

    @override
    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> NoReturn:
        raise DeniedError("a person's login signs no URLs")

    @override
    def abort_upload(self, key: str, upload: str) -> None:  # type: ignore[override]
        self.begun.remove(upload)


class OnAPersonsLogin:
    """A platform that has such objects."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.capabilities = replace(platform.capabilities, signed_urls=True, part_uploads=True)
        self.blobs = Unsigned()

    def __getattr__(self, name: str) -> object:
        return getattr(self._platform, name)


def test_who_cannot_sign_sends_nobody_past_himself(platform: Platform, run: str) -> None:
    mine = OnAPersonsLogin(platform)
    caller = Caller(create_app(mine, world.project()))
    told = caller.get("/api/3.0/mlflow/server-info").body
    assert (told["multipart_uploads_enabled"], told["multipart_downloads_enabled"]) == (False, False)
    place = f"x/{run}/artifacts"
    for answer in (
        caller.post(f"/api/2.0/mlflow-artifacts/mpu/create/{place}", {"path": "large.bin", "num_parts": 2}),
        caller.get(f"/api/2.0/mlflow-artifacts/presigned/{place}/large.bin"),
    ):
        assert (answer.status, answer.body["error_code"]) == (501, "NOT_IMPLEMENTED")
        assert "is not supported for the current artifact repository" in answer.body["message"]
    assert mine.blobs.begun == []


def test_a_body_too_large_for_a_call_is_told_what_takes_files(caller: Caller) -> None:
    told = caller.post("/api/2.0/mlflow/runs/log-batch", b" " * (BODY_LIMIT + 1))
    assert (told.status, told.body["error_code"]) == (413, "INVALID_PARAMETER_VALUE")
    assert "log_artifact" in told.body["message"]


def test_a_folder_goes_with_all_that_is_in_it_and_nothing_else(platform: Platform, caller: Caller, run: str) -> None:
    for name in ("a/b", "a/c/d", "ab"):
        caller.send("PUT", f"{PROXY}/x/{run}/artifacts/{name}", b"1")
    assert caller.send("DELETE", f"{PROXY}/x/{run}/artifacts/a", b"").status == 200
    assert [info.key for info in platform.blobs.list()] == [f"runs/{run}/artifacts/ab"]
    refused = caller.send("DELETE", f"{PROXY}/x/{run}/artifacts/", b"")
    assert refused.status == 400


def test_whose_a_path_is_cannot_be_hidden_from_who_asks_for_permission() -> None:
    assert owner_of_path("1/mine%2Fartifacts%2Fx") == ("run", "mine")
    assert owner_of_path("1/mine/artifacts/yours/artifacts/x") == ("run", "mine")
    assert owner_of_path("1/models/m-1/artifacts/x/artifacts/y") == ("logged model", "m-1")
    assert owner_of_path("packages/delays/3/model.onnx") == ("version", "delays/3")
    assert owner_of_path("1") == ("experiment", "1")
    with pytest.raises(InvalidInputError, match="Invalid path"):
        owner_of_path("1/mine/artifacts/%2e%2e/%2e%2e/yours/artifacts/x")


def test_who_may_upload_parts_of_one_folder_does_not_reach_another(
    caller: Caller, run: str, tracking: Tracking
) -> None:
    other = tracking.create_run(tracking.run(run).experiment_id, name="other", run_id="other").id
    asked = {"path": f"{other}%2Fartifacts%2Fx", "num_parts": 1}
    for folder in ("1", f"1/{run}"):
        told = caller.post(f"/api/2.0/mlflow-artifacts/mpu/create/{folder}", asked)
        assert (told.status, told.body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("MLmodel", "text/plain"),
        ("model.py", "text/plain"),
        ("a.b.json", "text/plain"),
        ("page.html", "text/html"),
        ("plot.png", "image/png"),
        ("model.pkl", "application/octet-stream"),
        (".gitignore", "application/octet-stream"),
        ("txt", "text/plain"),
        ("a.", "application/octet-stream"),
    ],
)
def test_a_file_is_told_by_its_name(name: str, kind: str) -> None:
    assert content_type(name) == kind


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.txt", "attachment; filename=a.txt"),
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ('a"b\\c', 'attachment; filename="a\\"b\\\\c"'),
        ("näh.csv", "attachment; filename=nah.csv; filename*=UTF-8''n%C3%A4h.csv"),
        ("日本", "attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
    ],
)
def test_a_file_is_kept_under_its_name(name: str, told: str) -> None:
    assert content_disposition(name) == told

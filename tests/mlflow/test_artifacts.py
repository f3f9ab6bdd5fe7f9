"""The real client's files, there and back: through our function on every provider, past it in parts and by URLs."""

import base64
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import httpx
import mlflow
import pytest
from mlflow import MlflowClient

from adapters import open_platform
from functions.lambda_http import LambdaHttp
from functions.tracking.app import create_app
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.contracts.worlds import WORLDS
from tests.mlflow.ours import PROJECT, served

MEGABYTE = 1024 * 1024

FILES = {
    "plain.txt": b"plain",
    "empty.dat": b"",
    "folder/model.pkl": bytes(range(256)),
    "folder/deep er/MLmodel": b"flavors: {}",
    "folder/ä ö=+&;@(1)'.html": b"<script>alert(1)</script>",
    "folder/x,y~z!$.png": b"no picture",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@pytest.fixture(params=sorted(WORLDS))
def settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with WORLDS[request.param]() as settings:
        yield replace(settings, clock_file=None)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    platform = open_platform(settings)
    yield platform
    platform.close()


@pytest.fixture
def uploading(platform: Platform) -> Platform:
    if not platform.capabilities.part_uploads:
        pytest.skip("Capabilities.part_uploads is false: files go through our function, whole")
    return platform


@pytest.fixture
def url(platform: Platform) -> Iterator[str]:
    before = mlflow.get_tracking_uri()
    with served(platform) as url:
        mlflow.set_tracking_uri(url)
        yield url
    mlflow.set_tracking_uri(before)


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url)


@pytest.fixture
def run(client: MlflowClient) -> str:
    return str(client.create_run("0").info.run_id)


def written(folder: Path) -> Path:
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_a_folder_comes_back_as_it_was_logged(client: MlflowClient, run: str, tmp_path: Path) -> None:
    client.log_artifacts(run, str(written(tmp_path / "out")), "top")
    assert [(one.path, one.is_dir, one.file_size) for one in client.list_artifacts(run, "top/folder")] == [
        ("top/folder/deep er", True, None),
        ("top/folder/model.pkl", False, 256),
        ("top/folder/x,y~z!$.png", False, 10),
        ("top/folder/ä ö=+&;@(1)'.html", False, 25),
    ]
    assert [one.path for one in client.list_artifacts(run)] == ["top"]
    assert client.list_artifacts(run, "top/plain.txt") == []
    found = Path(client.download_artifacts(run, "top", str(tmp_path)))
    assert {str(path.relative_to(found)): path.read_bytes() for path in found.rglob("*") if path.is_file()} == FILES
    assert Path(client.download_artifacts(run, "top/folder/model.pkl", str(tmp_path / "out"))).read_bytes()


def test_a_logged_models_files_are_its_own(client: MlflowClient, run: str, tmp_path: Path) -> None:
    model = client.create_logged_model("0", name="forest", source_run_id=run)
    client.log_model_artifacts(model.model_id, str(written(tmp_path / "out")))
    assert [one.path for one in client.list_logged_model_artifacts(model.model_id, "folder/deep er")] == [
        "folder/deep er/MLmodel"
    ]
    found = mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=str(tmp_path / "in"))
    assert (Path(found) / "folder/deep er/MLmodel").read_bytes() == FILES["folder/deep er/MLmodel"]
    assert client.list_artifacts(run) == []


def test_a_large_file_goes_past_our_function_in_parts_and_comes_back(
    uploading: Platform, client: MlflowClient, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(MEGABYTE))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * MEGABYTE))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", str(5 * MEGABYTE))
    data = hashlib.shake_256(b"seed").digest(11 * MEGABYTE)
    (tmp_path / "large.bin").write_bytes(data)
    with sent() as requests:
        client.log_artifact(run, str(tmp_path / "large.bin"), "top")
        found = client.download_artifacts(run, "top/large.bin", str(tmp_path / "in"))
    assert Path(found).read_bytes() == data
    assert not [one for one in requests if "mlflow-artifacts/artifacts/" in one]
    assert [info.size for info in uploading.blobs.list(f"runs/{run}/artifacts/top/")] == [len(data)]


def test_an_upload_in_parts_that_is_given_up_leaves_nothing(uploading: Platform, run: str, url: str) -> None:
    area, place = f"{url}/api/2.0/mlflow-artifacts/mpu", f"0/{run}/artifacts/top"
    about = {"path": "/home/somebody/large.bin"}
    begun = httpx.post(f"{area}/create/{place}", json={**about, "num_parts": 2}).json()
    assert [one["part_number"] for one in begun["credentials"]] == [1, 2]
    assert httpx.put(begun["credentials"][0]["url"], content=bytes(5 * MEGABYTE)).status_code == 200
    wrong = {**about, "upload_id": begun["upload_id"], "parts": [{"part_number": 2, "etag": "0" * 32}]}
    refused = httpx.post(f"{area}/complete/{place}", json=wrong)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    for _ in range(2):
        given_up = httpx.post(f"{area}/abort/{place}", json={**about, "upload_id": begun["upload_id"]})
        assert (given_up.status_code, given_up.json()) == (200, {})
    gone = httpx.post(f"{area}/complete/{place}", json=wrong)
    assert (gone.status_code, gone.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert list(uploading.blobs.list(f"runs/{run}/")) == []


class sent:  # noqa: N801 - it reads like a function
    """The requests that the client makes while this lasts, as its library tells them."""

    def __enter__(self) -> list[str]:
        self._told: list[str] = []
        self._handler = logging.Handler()
        self._handler.emit = lambda record: self._told.append(record.getMessage())  # type: ignore[method-assign]
        self._logger = logging.getLogger("urllib3.connectionpool")
        self._before = self._logger.level
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.DEBUG)
        return self._told

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._before)


def test_lambda_leads_to_the_store_for_what_it_has_no_room_for(uploading: Platform, run: str, url: str) -> None:
    data = hashlib.shake_256(b"seed").digest(5 * MEGABYTE)
    uploading.blobs.put(f"runs/{run}/artifacts/large.bin", data)
    uploading.blobs.put(f"runs/{run}/artifacts/small.bin", data[:MEGABYTE])
    handler = LambdaHttp(create_app(uploading, PROJECT))

    def got(name: str) -> dict[str, object]:
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{name}"
        http = {"method": "GET", "path": path}
        return dict(handler({"version": "2.0", "requestContext": {"http": http}, "headers": {}}))

    small = got("small.bin")
    assert (small["statusCode"], base64.b64decode(str(small["body"]))) == (200, data[:MEGABYTE])
    large = got("large.bin")
    assert (large["statusCode"], large["body"]) == (302, "")
    where = json.loads(json.dumps(large["headers"]))["location"]
    with urlopen(where) as answer:  # noqa: S310 - the world's own
        assert answer.read() == data


def test_a_file_that_breaks_off_on_its_way_is_not_there(client: MlflowClient, run: str, url: str) -> None:
    place = f"{url}/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/cut.bin"

    def half() -> Iterator[bytes]:
        yield bytes(2 * MEGABYTE)
        raise OSError("the line is cut")

    with pytest.raises(OSError, match="the line is cut"):
        httpx.put(place, content=half(), headers={"Content-Length": str(4 * MEGABYTE)})
    assert client.list_artifacts(run) == []
    assert httpx.get(place).status_code == 404

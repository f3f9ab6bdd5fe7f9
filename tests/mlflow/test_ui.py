"""MLflow's UI as the tracking function serves it."""

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters import open_platform
from functions.handlers import Handler
from functions.tracking.app import create_app
from functions.tracking.ui import CACHE, INFLATED, REFRESH, Ui
from functions.web import Call
from loopwright.ports import Blobs, Platform
from loopwright.ports.blobs import Blob
from loopwright.settings import Settings
from pipelines.ui import located, place
from tests.mlflow.ours import PROJECT, served
from tests.pipelines import ui

MAIN = "static/js/main.0123abcd.js"


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = open_platform(Settings(provider="memory"))
    yield platform
    platform.close()


@pytest.fixture
def url(platform: Platform, tmp_path: Path) -> Iterator[str]:
    put(platform.blobs, tmp_path)
    with served(platform) as url:
        yield url


def put(blobs: Blobs, folder: Path, **told: object) -> None:
    with located(ui.folder(folder, **told)) as source:  # type: ignore[arg-type]
        place(blobs, source)


class Counted:
    """Blobs whose reads are counted, by their keys."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.read: list[str] = []

    def get(self, key: str) -> Blob:
        self.read.append(key)
        return self._blobs.get(key)


class Moment:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def asked(path: str = "", *, gzip: bool = True) -> Call:
    return Call({"file": path}, b"", ((b"accept-encoding", b"gzip"),) if gzip else ())


def test_the_page_is_at_the_root_and_is_asked_for_anew_each_time(url: str) -> None:
    answer = httpx.get(f"{url}/")
    assert (answer.status_code, answer.content) == (200, ui.FILES["index.html"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ui.FILES)
def test_every_file_is_served_with_and_without_gzip(path: str, url: str) -> None:
    packed = httpx.get(f"{url}/static-files/{path}")
    plain = httpx.get(f"{url}/static-files/{path}", headers={"accept-encoding": "identity"})
    assert packed.content == plain.content == ui.FILES[path]
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("told", ["gzip;q=0", "br", "identity;q=1, gzip; q=0.0"])
def test_who_takes_no_gzip_gets_none(told: str, url: str) -> None:
    answer = httpx.get(f"{url}/", headers={"accept-encoding": told})
    assert "content-encoding" not in answer.headers
    assert answer.content == ui.FILES["index.html"]


def test_files_whose_names_tell_their_content_are_kept_for_good(url: str) -> None:
    kept = {path: httpx.get(f"{url}/static-files/{path}").headers["cache-control"] for path in ui.FILES}
    forever = {path for path, told in kept.items() if told == "public, max-age=31536000, immutable"}
    assert forever == {path for path in ui.FILES if path.startswith("static/")}
    assert {kept[path] for path in ui.FILES if path not in forever} == {"no-cache"}


def test_what_a_browser_has_is_not_sent_again(url: str) -> None:
    first = httpx.get(f"{url}/")
    again = httpx.get(f"{url}/", headers={"if-none-match": f'"another", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "content-length" not in again.headers
    assert httpx.get(f"{url}/", headers={"if-none-match": '"another"'}).status_code == 200


def test_a_head_request_is_told_how_long_it_is(url: str) -> None:
    answer = httpx.head(f"{url}/static-files/{MAIN}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(gzip.compress(ui.FILES[MAIN], mtime=0))


def test_the_page_that_notebooks_embed_may_be_in_their_frame(url: str) -> None:
    answer = httpx.get(f"{url}/static-files/lib/notebook-trace-renderer/index.html")
    assert "x-frame-options" not in answer.headers


@pytest.mark.parametrize("path", ["nothing.js", "..%2f..%2fproject.py", "%2e%2e/current", "static", "static/js/"])
def test_what_is_no_file_of_the_bundle_is_not_found(path: str, url: str) -> None:
    assert httpx.get(f"{url}/static-files/{path}").status_code == 404


def test_where_it_has_not_been_put_one_is_told_what_to_do(platform: Platform) -> None:
    with served(platform) as url:
        answer = httpx.get(f"{url}/")
        assert answer.status_code == 404
        assert "loopwright ui" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert httpx.get(f"{url}/static-files/{MAIN}").status_code == 404


def test_a_new_version_is_served_after_a_moment_and_its_files_at_once(platform: Platform, tmp_path: Path) -> None:
    moment = Moment()
    put(platform.blobs, tmp_path / "old", version="3.16.0", files={"index.html": b"old"})
    page = Ui(platform.blobs, timer=moment)
    assert gzip.decompress(page.index(asked()).body) == b"old"
    put(platform.blobs, tmp_path / "new")
    assert gzip.decompress(page.file(asked(MAIN)).body) == ui.FILES[MAIN]
    assert gzip.decompress(page.index(asked()).body) == ui.FILES["index.html"]
    put(platform.blobs, tmp_path / "newer", version="3.18.0", files={"index.html": b"newer"})
    assert gzip.decompress(page.index(asked()).body) == ui.FILES["index.html"]
    moment.now += REFRESH
    assert gzip.decompress(page.index(asked()).body) == b"newer"


def test_files_are_remembered_up_to_a_limit(platform: Platform, tmp_path: Path) -> None:
    large = {f"{name}.bin": os.urandom(CACHE // 3) for name in "abcd"}
    put(platform.blobs, tmp_path, files={"index.html": b"here", **large})
    counted = Counted(platform.blobs)
    page = Ui(counted)  # type: ignore[arg-type]
    for _ in range(3):
        page.file(asked("a.bin"))
        page.file(asked("b.bin"))
    assert len(counted.read) == 4, "what is served, its manifest, and each file once"
    for path in large:
        page.file(asked(path))
    assert len(counted.read) == 6
    page.file(asked("d.bin"))
    assert len(counted.read) == 6
    page.file(asked("a.bin"))
    assert len(counted.read) == 7, "the oldest had to go"


def test_a_file_too_long_for_a_functions_answer_is_sent_with_gzip_only(platform: Platform, tmp_path: Path) -> None:
    put(platform.blobs, tmp_path, files={"index.html": b"here", "long.js": b" " * (INFLATED + 1)})
    page = Ui(platform.blobs)
    assert page.file(asked("long.js")).status == 200
    refused = page.file(asked("long.js", gzip=False))
    assert refused.status == 406
    assert b"Accept-Encoding: gzip" in refused.body


def test_a_lambda_function_sends_compressed_files_as_they_are(platform: Platform, tmp_path: Path) -> None:
    put(platform.blobs, tmp_path)
    event = {
        "version": "2.0",
        "rawQueryString": "",
        "headers": {"host": "x", "accept-encoding": "gzip, br"},
        "requestContext": {"http": {"method": "GET", "path": f"/static-files/{MAIN}", "sourceIp": "1.2.3.4"}},
    }
    answer = Handler(create_app(platform, PROJECT), platform.telemetry)(event, None)  # type: ignore[arg-type]
    assert isinstance(answer, dict)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert answer["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(answer["body"])) == ui.FILES[MAIN]

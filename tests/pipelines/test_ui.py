"""Putting MLflow's UI among the blobs."""

import gzip
import threading
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright.errors import IntegrityError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.pages import CURRENT, Pages
from loopwright.ports import Blobs
from loopwright.ports.blobs import Absent, Match
from loopwright.settings import Settings
from pipelines.ui import VERSION, Source, fetch, located, place
from tests.pipelines import ui


@pytest.fixture
def blobs() -> Blobs:
    return open_platform(Settings(provider="memory")).blobs


class Breaking:
    """Blobs of which so many can be written, and then none."""

    def __init__(self, blobs: Blobs, *, after: int) -> None:
        self._blobs = blobs
        self._left = after
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> object:
        return getattr(self._blobs, name)

    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise UnavailableError("the disk is full")
        return self._blobs.put(key, data, expect=expect)


def served(blobs: Blobs) -> dict[str, bytes]:
    """Return the files that are served, as a browser has them."""
    pages = Pages(blobs)
    current = pages.served()
    bundle = pages.bundle(current)
    return {path: gzip.decompress(pages.packed(current.version, page.digest)) for path, page in bundle.pages.items()}


@pytest.mark.parametrize("make", ["folder", "wheel", "environment"])
def test_what_is_named_is_served_file_by_file(make: str, tmp_path: Path, blobs: Blobs) -> None:
    match make:
        case "folder":
            named = ui.folder(tmp_path)
        case "wheel":
            named = ui.wheel(tmp_path / "mlflow-3.17.2-py3-none-any.whl")
        case _:
            named = tmp_path
            ui.folder(tmp_path / "lib" / "python3.11" / "site-packages")
    with located(named) as source:
        done = place(blobs, source)
    assert served(blobs) == ui.FILES
    assert (done.version, done.files, done.written, done.changed) == ("3.17.2", len(ui.FILES), ui.HELD, True)
    assert done.size == sum(map(len, ui.FILES.values()))


def test_an_installed_mlflow_is_found_without_being_imported(
    tmp_path: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui.folder(tmp_path)
    (tmp_path / "mlflow" / "__init__.py").write_text("raise RuntimeError('it was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with located() as source:
        place(blobs, source)
    assert served(blobs) == ui.FILES


def test_putting_it_again_puts_nothing(tmp_path: Path, blobs: Blobs) -> None:
    with located(ui.folder(tmp_path)) as source:
        place(blobs, source)
        before = {info.key: info.etag for info in blobs.list()}
        again = place(blobs, source)
    assert (again.written, again.stored, again.changed) == (0, 0, False)
    assert {info.key: info.etag for info in blobs.list()} == before


@pytest.mark.parametrize("after", range(ui.HELD + 2))
def test_what_broke_off_serves_nothing_new_and_goes_on_where_it_was(after: int, tmp_path: Path, blobs: Blobs) -> None:
    with located(ui.folder(tmp_path / "old", version="3.16.0", files={"index.html": b"old"})) as source:
        place(blobs, source)
    with located(ui.folder(tmp_path / "new")) as source:
        with pytest.raises(UnavailableError, match="the disk is full"):
            place(Breaking(blobs, after=after), source)  # type: ignore[arg-type]
        assert served(blobs) == {"index.html": b"old"}
        done = place(blobs, source)
    assert done.written == max(0, ui.HELD - after)
    assert served(blobs) == ui.FILES


def test_of_several_at_once_one_bundle_is_served_whole(tmp_path: Path, blobs: Blobs) -> None:
    bundles = [{"index.html": b"%d" % number, "a.js": b"a %d" % number} for number in range(6)]
    folders = [
        ui.folder(tmp_path / str(number), version=f"3.17.{number}", files=files) for number, files in enumerate(bundles)
    ]
    start = threading.Barrier(len(bundles))

    def put(folder: Path) -> None:
        with located(folder) as source:
            start.wait()
            place(blobs, source)

    threads = [threading.Thread(target=put, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served(blobs) in bundles


def test_progress_is_told_to_the_end(tmp_path: Path, blobs: Blobs) -> None:
    told: list[tuple[int, int]] = []
    with located(ui.folder(tmp_path)) as source:
        place(blobs, source, lambda done, of: told.append((done, of)))
    assert told == [(done, ui.HELD) for done in range(1, ui.HELD + 1)]


def test_a_wheel_of_skinny_is_refused_by_name(tmp_path: Path) -> None:
    path = ui.wheel(tmp_path / "mlflow_skinny-3.17.2-py3-none-any.whl", files={})
    with pytest.raises(InvalidInputError, match="mlflow-skinny"), located(path):
        pass


@pytest.mark.parametrize("content", [b"no wheel", b""])
def test_a_file_that_is_no_wheel_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(content)
    with pytest.raises(InvalidInputError, match="no wheel of mlflow"), located(tmp_path / "a.whl"):
        pass


def test_a_folder_without_it_is_told_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="an environment, or its site-packages"), located(tmp_path):
        pass


def test_a_bundle_without_a_first_page_is_not_served(tmp_path: Path, blobs: Blobs) -> None:
    with pytest.raises(NotFoundError, match=r"no index\.html"):
        place(blobs, Source("3.17.2", tmp_path, "a checkout"))
    with pytest.raises(NotFoundError, match=CURRENT):
        Pages(blobs).served()


@pytest.mark.parametrize("content", [b"garbled", gzip.compress(b'{"version": "3.17.2", "pages": {}}')])
def test_a_manifest_that_is_not_the_one_that_was_written_is_not_believed(
    content: bytes, tmp_path: Path, blobs: Blobs
) -> None:
    with located(ui.folder(tmp_path)) as source:
        place(blobs, source)
    current = Pages(blobs).served()
    blobs.put(f"mlflow-ui/3.17.2/{current.manifest}", content)
    with pytest.raises(IntegrityError, match=current.manifest):
        Pages(blobs).bundle(current)


def test_the_one_wheel_is_fetched_by_its_name(tmp_path: Path, blobs: Blobs) -> None:
    try:
        fetch(tmp_path)
    except UnavailableError as error:
        pytest.skip(f"the package index is not to be had: {error}")
    with located(tmp_path) as source:
        done = place(blobs, source)
    assert done.version == VERSION
    assert done.files > 300
    assert b"static-files/static/js/main." in served(blobs)["index.html"]


def test_another_wheel_of_that_name_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.ui.DIGEST", "0" * 64)
    with pytest.raises(UnavailableError, match=r"could not be fetched; name a wheel .* with --from") as refused:
        fetch(tmp_path)
    assert not (tmp_path / "mlflow").exists()
    if "hash" not in str(refused.value).lower():
        pytest.skip(f"the package index is not to be had: {refused.value}")

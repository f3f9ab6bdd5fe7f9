import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.tracking import ArtifactInfo, Run, Tracking
from loopwright.tracking.artifact_paths import artifact_key


def test_an_artifact_reads_back_and_is_replaced(tracking: Tracking, run: Run) -> None:
    tracking.put_artifact("run1", "model/model.onnx", b"one")
    tracking.put_artifact("run1", "model/model.onnx", b"two")
    assert tracking.artifact("run1", "model/model.onnx") == b"two"


def test_a_plain_path_is_its_own_key(tracking: Tracking, run: Run, platform: Platform) -> None:
    tracking.put_artifact("run1", "model/model.onnx", b"one")
    assert platform.blobs.get("runs/run1/artifacts/model/model.onnx").data == b"one"


def test_a_folder_lists_its_files_and_a_file_itself(tracking: Tracking, run: Run) -> None:
    for path in ("model/MLmodel", "model/data/a b.txt", "model.txt", "card ✈=1.md"):
        tracking.put_artifact("run1", path, b"12345")
    assert {one.path for one in tracking.artifacts("run1")} == {
        "model/MLmodel", "model/data/a b.txt", "model.txt", "card ✈=1.md",
    }  # fmt: skip
    assert [one.path for one in tracking.artifacts("run1", "model")] == ["model/MLmodel", "model/data/a b.txt"]
    assert list(tracking.artifacts("run1", "model.txt")) == [ArtifactInfo("model.txt", 5)]
    assert list(tracking.artifacts("run1", "nothing")) == []


def test_deleting_is_idempotent(tracking: Tracking, run: Run) -> None:
    tracking.put_artifact("run1", "card.md", b"one")
    tracking.delete_artifact("run1", "card.md")
    tracking.delete_artifact("run1", "card.md")
    with pytest.raises(NotFoundError):
        tracking.artifact("run1", "card.md")


def test_an_artifact_needs_a_run(tracking: Tracking) -> None:
    with pytest.raises(NotFoundError, match="no run 'run9'"):
        tracking.put_artifact("run9", "card.md", b"one")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a"])
def test_paths_cannot_leave_the_run(tracking: Tracking, run: Run, path: str) -> None:
    with pytest.raises(InvalidInputError, match="a path is relative"):
        tracking.put_artifact("run1", path, b"one")
    with pytest.raises(InvalidInputError):
        tracking.artifact("run1", path)


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"), min_size=1))
def test_different_paths_have_different_keys(first: str, second: str) -> None:
    try:
        keys = artifact_key("run1", first), artifact_key("run1", second)
    except InvalidInputError:
        return
    assert (keys[0] == keys[1]) == (first == second)

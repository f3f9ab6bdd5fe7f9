import string
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.uri import validate_path_is_safe

from loopwright.errors import InvalidInputError
from loopwright.tracking.artifact_paths import Placed, key_under, path_under, placed, safe_path

TAME = ["a", "b.txt", "..", ".", "/", "//", "%2e%2e", "%2F", "%252e%252e", "\\", "ä", "a b", "%", "%zz", "+"]
WILD = [*TAME, "#", "%23", "C:", "file:"]


def paths(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=6).map("".join)


def wanted(text: str) -> str | None:
    """Return what MLflow makes of a path; None: it refuses it."""
    try:
        path = validate_path_is_safe(text)
    except (MlflowException, ValueError):
        return None
    # Empty parts and those that lead nowhere are the file system's to leave out there.
    return "/".join(part for part in path.split("/") if part not in {"", "."})


@given(paths(WILD))
@example("/etc/passwd")
@example("C:/windows")
@example("C:\\windows")
@example("\\\\host\\share")
@example("file:/etc/passwd")
@example("a/%252e%252e/b")
def test_what_mlflow_refuses_is_refused(text: str) -> None:
    if wanted(text) is None:
        with pytest.raises(InvalidInputError, match="Invalid path"):
            safe_path(text)


@given(paths(TAME))
def test_a_relative_path_means_what_it_means_to_mlflow(text: str) -> None:
    path = wanted(text)
    # What begins with two slashes is somebody's host for MLflow; here it is absolute.
    assume(path is not None and not unquote(unquote(text)).startswith("/"))
    assert safe_path(text) == path


def test_a_path_encoded_without_end_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="too often"):
        safe_path("%25" * 1 + "25" * 20)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("1/run1/artifacts", Placed("run", "run1", "")),
        ("1/run1/artifacts/a/b.txt", Placed("run", "run1", "a/b.txt")),
        ("1/models/m-1/artifacts/MLmodel", Placed("logged model", "m-1", "MLmodel")),
        ("own/place/run1/artifacts/a", Placed("run", "run1", "a")),
        ("own/models/m-1/artifacts/a", Placed("logged model", "m-1", "a")),
        ("1/run1/artifacts/run2/artifacts/a", Placed("run", "run1", "run2/artifacts/a")),
        ("1/run1/artifacts/models/m-1/artifacts/a", Placed("run", "run1", "models/m-1/artifacts/a")),
        ("packages/delays/3", Placed("package", "delays/3", "")),
        ("packages/delays/3/model.onnx", Placed("package", "delays/3", "model.onnx")),
        ("packages/delays", None),
        ("packages/delays/3/artifacts/x", Placed("package", "delays/3", "artifacts/x")),
        ("1/run1", None),
        ("artifacts/x", None),
        ("", None),
    ],
)
def test_a_path_says_whose_it_is_by_its_first_folder_of_artifacts(path: str, wanted: Placed | None) -> None:
    assert placed(path) == wanted


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=8))
def test_every_name_has_a_key_of_its_own_and_comes_back(name: str) -> None:
    if name in {".", ".."}:
        return
    key = key_under("runs/r/artifacts", f"folder/{name}")
    assert path_under("runs/r/artifacts", key) == f"folder/{name}"
    assert set(key) <= set(string.ascii_letters + string.digits + "._@+-=/")

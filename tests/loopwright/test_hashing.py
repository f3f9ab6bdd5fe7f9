"""Digests: what a model version pins must not change by accident, and must change with meaning."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from loopwright.hashing import code_digest, digest, digest_of


@dataclass(frozen=True)
class Point:
    x: int
    y: int


@dataclass(frozen=True)
class Vector:
    x: int
    y: int


def _function(folder: Path, source: str) -> Callable[..., object]:
    path = folder / f"module_{abs(hash(source))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., object] = module.double
    return found


def test_digest_is_the_sha256_that_everybody_computes() -> None:
    assert digest(b"abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_order_of_keys_does_not_count() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Point(1, 2), Point(2, 1)),
        (Point(1, 2), Vector(1, 2)),
        (timedelta(days=1), timedelta(days=2)),
        (("a", "b"), ("b", "a")),
        ("1", 1),
        (None, "None"),
    ],
)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert digest_of(one) != digest_of(other)


def test_comments_docstrings_and_formatting_do_not_count(tmp_path: Path) -> None:
    terse = _function(tmp_path, "def double(x):\n    return {'y': x * 2}\n")
    wordy = _function(
        tmp_path,
        'def double(x):\n    """Return the double."""\n    # twice\n    return {\n        "y": x * 2,\n    }\n',
    )
    assert code_digest(terse) == code_digest(wordy)
    assert digest_of({"function": terse}) == digest_of({"function": wordy})


def test_code_counts(tmp_path: Path) -> None:
    double = _function(tmp_path, "def double(x):\n    return x * 2\n")
    triple = _function(tmp_path, "def double(x):\n    return x * 3\n")
    assert code_digest(double) != code_digest(triple)


def test_what_has_no_canonical_form_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="object has no canonical form"):
        digest_of({"thing": object()})

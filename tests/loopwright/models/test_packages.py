from dataclasses import replace

import pytest

from adapters import open_platform
from loopwright.errors import IntegrityError, InvalidInputError, NotFoundError
from loopwright.models import FeatureInput, Manifest, read_package, write_package
from loopwright.models.package import read_file, read_manifest, seal_package
from loopwright.ports import Blobs
from loopwright.settings import Settings

SOURCE = "runs/1/artifacts/model"
FILES = {"model.onnx": b"weights", "card.md": b"# a model"}


@pytest.fixture
def blobs() -> Blobs:
    return open_platform(Settings(provider="memory")).blobs


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        model="delays",
        task="binary",
        runtime="onnx",
        model_file="model.onnx",
        features=(FeatureInput("distance", "float"), FeatureInput("origin", "string")),
        features_digest="sha256:00",
        classes=("0", "1"),
        output="probabilities",
    )


def test_what_was_written_is_read_again(blobs: Blobs, manifest: Manifest) -> None:
    digest = write_package(blobs, SOURCE, seal_package(manifest, FILES))
    package = read_package(blobs, SOURCE, digest)
    assert package.files == FILES
    assert package.manifest.features == manifest.features
    assert set(package.manifest.files) == set(FILES)


def test_equal_packages_have_equal_digests_and_others_have_not(manifest: Manifest) -> None:
    digest = seal_package(manifest, FILES).digest
    assert seal_package(manifest, dict(reversed(FILES.items()))).digest == digest
    assert seal_package(manifest, FILES | {"card.md": b"# another"}).digest != digest
    assert seal_package(replace(manifest, features_digest="sha256:01"), FILES).digest != digest


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_file_is_found(blobs: Blobs, manifest: Manifest, name: str) -> None:
    digest = write_package(blobs, SOURCE, seal_package(manifest, FILES))
    blobs.put(f"{SOURCE}/{name}", b"WEIGHTS")
    with pytest.raises(IntegrityError, match=f"{name} was changed"):
        read_package(blobs, SOURCE, digest)


def test_a_missing_file_is_found(blobs: Blobs, manifest: Manifest) -> None:
    digest = write_package(blobs, SOURCE, seal_package(manifest, FILES))
    blobs.delete(f"{SOURCE}/model.onnx")
    with pytest.raises(IntegrityError, match=r"model.onnx is gone"):
        read_file(blobs, SOURCE, "model.onnx", read_manifest(blobs, SOURCE, digest))


def test_a_changed_manifest_is_found_even_if_it_fits_its_files(blobs: Blobs, manifest: Manifest) -> None:
    digest = write_package(blobs, SOURCE, seal_package(manifest, FILES))
    write_package(blobs, SOURCE, seal_package(manifest, FILES | {"model.onnx": b"WEIGHTS"}))
    with pytest.raises(IntegrityError, match=r"manifest.json was changed after it was registered"):
        read_package(blobs, SOURCE, digest)


def test_a_package_that_is_not_there_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFoundError):
        read_package(blobs, SOURCE, "sha256:00")


def test_a_package_needs_its_model_file(manifest: Manifest) -> None:
    with pytest.raises(InvalidInputError, match=r"has no model.onnx"):
        seal_package(manifest, {"card.md": b""})


def test_a_file_cannot_pose_as_the_manifest(manifest: Manifest) -> None:
    with pytest.raises(InvalidInputError, match=r"manifest.json"):
        seal_package(manifest, FILES | {"manifest.json": b"{}"})

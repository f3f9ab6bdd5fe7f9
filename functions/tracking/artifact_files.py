"""Whose artifacts a call is about, and where among the blobs they are."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from functions.tracking.errors import MlflowError
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.registry import Registry
from loopwright.tracking import LoggedModels, Tracking
from loopwright.tracking.artifact_paths import (
    PACKAGE_FOLDER,
    Placed,
    artifact_root,
    model_artifact_root,
    placed,
    safe_path,
)
from loopwright.tracking.artifacts import Artifacts
from loopwright.tracking.locations import SCHEME, model_location, run_location

_MODELS: Final = "models:/"
_RUNS: Final = "runs:/"

_MANIFEST_FILE: Final = "manifest.json"


class _Manifest(msgspec.Struct):
    """What tells a package's manifest from others; `loopwright.models`, which reads it, brings a model's runtime."""

    model: str
    model_file: str
    files: dict[str, object]


@dataclass(frozen=True, slots=True)
class Owned:
    """A path under the root of whom it belongs to; `fixed`: nobody changes it."""

    root: str
    path: str
    fixed: bool = False

    def below(self, name: str) -> "Owned":
        """Return the file in this folder whose name is the last one of a path on a client's own disk."""
        last = safe_path(name.replace("\\", "/").rpartition("/")[2])
        return replace(self, path="/".join(part for part in (self.path, last) if part))

    def writable(self) -> "Owned":
        """Return it, or raise `MlflowError` where nobody may change it, or where it is a root itself."""
        if self.fixed:
            raise MlflowError(
                "PERMISSION_DENIED", f"{self.path!r} is a package's, which never changes: register another version"
            )
        if not self.path:
            raise InvalidInputError("Invalid path: it names whose artifacts are meant, and none of them")
        return self


class Files:
    """Finds artifacts by what MLflow's calls say of them.

    Its methods raise `InvalidInputError` for a path that leads elsewhere, `NotFoundError` where there is no such owner,
    and `MlflowError` where his artifacts are kept elsewhere.
    """

    def __init__(self, artifacts: Artifacts, tracking: Tracking, models: LoggedModels, registry: Registry) -> None:
        self.artifacts = artifacts
        self._tracking = tracking
        self._models = models
        self._registry = registry

    def of_path(self, path: str) -> Owned:
        """Return what a path below `mlflow-artifacts:/` means."""
        found = placed(safe_path(path))
        if found is None:
            raise InvalidInputError(
                f"{path!r} is nobody's: artifacts are under <experiment>/<run>/artifacts, "
                "<experiment>/models/<model>/artifacts and packages/<model>/<version>"
            )
        return self._owned(found)

    def folder(self, path: str) -> Owned | None:
        """Return what a path means that is listed; None: above all owners there is nothing to list."""
        found = placed(safe_path(path))
        return None if found is None else self._owned(found)

    def of_run(self, run_id: str, path: str) -> Owned:
        """Return a path among a run's artifacts."""
        self.location_of_run(run_id)
        return Owned(artifact_root(run_id), safe_path(path))

    def of_model(self, model_id: str, path: str) -> Owned:
        """Return a path among a logged model's artifacts."""
        self.location_of_model(model_id)
        return Owned(model_artifact_root(model_id), safe_path(path))

    def of_version(self, name: str, version: str, path: str) -> Owned:
        """Return a path among the files of a registered model's version."""
        if not version.isdecimal():
            raise InvalidInputError(f"Model version must be an integer, got {version!r}")
        found = self._registry.version(name, int(version))
        if found.packaged:
            return Owned(found.source, safe_path(path), fixed=True)
        folder = self._of_uri(found.location or found.source)
        return replace(folder, path="/".join(part for part in (folder.path, safe_path(path)) if part), fixed=True)

    def writable(self, owned: Owned) -> Owned:
        """Return it, or raise what `Owned.writable` raises, also for the package that a pipeline's run has made."""
        owned.writable()
        if owned.path.partition("/")[0] == PACKAGE_FOLDER and self._is_package(owned.root):
            raise MlflowError(
                "PERMISSION_DENIED",
                f"{owned.path!r} is in the package that this run has made, which never changes: use another folder",
            )
        return owned

    def _is_package(self, root: str) -> bool:
        try:
            found = self.artifacts.read(root, f"{PACKAGE_FOLDER}/{_MANIFEST_FILE}")
            msgspec.json.decode(b"".join(found.pieces), type=_Manifest)
        except (NotFoundError, InvalidInputError, msgspec.MsgspecError):
            return False
        return True

    def location_of_run(self, run_id: str) -> str:
        """Return the URI of a run's artifacts, if they are kept here."""
        experiment = self._tracking.experiment(self._tracking.experiment_of(run_id))
        return _ours(run_location(experiment, run_id))

    def location_of_model(self, model_id: str) -> str:
        """Return the URI of a logged model's artifacts, if they are kept here."""
        experiment = self._tracking.experiment(self._models.home(model_id))
        return _ours(model_location(experiment, model_id))

    def _owned(self, found: Placed) -> Owned:
        match found.owner:
            case "run":
                self._tracking.experiment_of(found.id)
                return Owned(artifact_root(found.id), found.path)
            case "logged model":
                self._models.home(found.id)
                return Owned(model_artifact_root(found.id), found.path)
            case "package":
                name, _, version = found.id.rpartition("/")
                return self.of_version(name, version, found.path)

    def _of_uri(self, uri: str) -> Owned:
        """Return the folder that a version's source names."""
        path = unquote(urlsplit(uri).path).strip("/")
        if uri.startswith(SCHEME):
            return self.of_path(path)
        if uri.startswith(_RUNS):
            run_id, _, rest = path.partition("/")
            return self.of_run(run_id, rest)
        if uri.startswith(_MODELS) and "/" not in path:
            return self.of_model(path, "")
        raise _elsewhere(uri)


def _ours(location: str) -> str:
    if not location.startswith(SCHEME):
        raise _elsewhere(location)
    return location


def _elsewhere(location: str) -> MlflowError:
    return MlflowError(
        "NOT_IMPLEMENTED", f"these artifacts are at {location}, which is not kept here: read them from there"
    )

"""Where the files of a notebook's model are, and their bytes."""

from typing import Final
from urllib.parse import unquote, urlsplit

from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.tracking.artifact_paths import (
    artifact_key,
    artifact_root,
    key_under,
    model_artifact_root,
    placed,
    safe_path,
)

_HOPS: Final = 10
_PROXY: Final = "api/2.0/mlflow-artifacts/artifacts/"
_SCHEMES: Final = ("mlflow-artifacts", "http", "https")


class ModelFiles:
    """The folder of one model that was logged over MLflow."""

    def __init__(self, platform: Platform, source: str) -> None:
        """Take the place that the registry keeps, an MLflow URI.

        Raises:
            InvalidInputError: it is kept elsewhere.
            NotFoundError: it leads to a version that is not there.
        """
        self._blobs = platform.blobs
        self._source = source
        self._folder = _folder(platform, source)

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            InvalidInputError: its name is not that of a file within the folder.
            NotFoundError: it is not there.
        """
        key = key_under(self._folder, name)
        try:
            return self._blobs.get(key).data
        except NotFoundError as error:
            raise NotFoundError(
                f"the model at {self._source} has no file {name}: log it again, or import its artifacts, too"
            ) from error


def _folder(platform: Platform, source: str) -> str:
    """Return the key under which the files of a source are."""
    for _ in range(_HOPS):
        copied = _version_that_is_meant(source)
        if copied is None:
            break
        registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
        version = registry.version(*copied)
        source = version.location or version.source
    found = _place(source)
    if found is None:
        raise InvalidInputError(
            f"the model's files are at {source}, which is not kept here: move them with `loopwright import-mlflow`, "
            "or log and register the model anew"
        )
    return found


def _version_that_is_meant(source: str) -> tuple[str, int] | None:
    """Return the version that `models:/name/3` names; what a notebook copies from one model to another says so."""
    rest = source.removeprefix("models:/").strip("/")
    name, slash, number = rest.rpartition("/")
    return (unquote(name), int(number)) if source.startswith("models:/") and slash and number.isdigit() else None


def _place(source: str) -> str | None:
    """Return the key of the folder at a URI; None: it is not kept here."""
    parts = urlsplit(source)
    path = safe_path(parts.path.lstrip("/"))
    if parts.scheme == "models" and path.startswith("m-"):
        return model_artifact_root(path)
    if parts.scheme == "runs":
        run_id, _, rest = path.partition("/")
        return artifact_key(run_id, rest)
    if parts.scheme not in _SCHEMES:
        return None
    whose = placed(safe_path(path.rpartition(_PROXY)[2]))
    if whose is None or whose.owner == "package":
        return None
    root = artifact_root(whose.id) if whose.owner == "run" else model_artifact_root(whose.id)
    return key_under(root, whose.path) if whose.path else root

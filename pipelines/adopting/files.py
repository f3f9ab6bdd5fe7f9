"""Where the files of a notebook's model are, and their bytes."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import unquote, urlsplit

from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.tracking.artifact_paths import artifact_key

_HOPS: Final = 10
_PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts/"
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
        key = _under(self._folder, name)
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
        source = registry.version(*copied).source
    found = next(_places(source), None)
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


def _places(source: str) -> Iterator[str]:
    parts = urlsplit(source)
    path = unquote(parts.path)
    if parts.scheme == "models" and path.strip("/").startswith("m-"):
        yield f"logged-models/{path.strip('/')}/artifacts"
    elif parts.scheme == "runs":
        run_id, _, rest = path.strip("/").partition("/")
        yield artifact_key(run_id, rest)
    elif parts.scheme in _SCHEMES:
        with suppress(ValueError):
            yield _of_proxied(path.partition(_PROXY)[2] if _PROXY in path else path)


def _of_proxied(path: str) -> str:
    """Return the key of `<experiment>/<run>/artifacts/<path>` or `<experiment>/models/<m-…>/artifacts/<path>`."""
    match path.strip("/").split("/"):
        case [_, "models", identity, "artifacts", *rest]:
            return _under(f"logged-models/{identity}/artifacts", "/".join(rest)) if rest else _models(identity)
        case [_, run_id, "artifacts", *rest] if rest:
            return artifact_key(run_id, "/".join(rest))
        case _:
            raise ValueError(path)


def _models(identity: str) -> str:
    return f"logged-models/{identity}/artifacts"


def _under(folder: str, name: str) -> str:
    """Return the key of a file in a folder of blobs; a path's parts are written as those of a run's artifacts."""
    return folder + artifact_key("-", name).removeprefix("runs/-/artifacts")

"""MLflow's calls about large artifacts: uploads in parts and downloads by URLs of the store, past this server."""

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from functions.tracking.artifact_files import Files
from functions.tracking.errors import MlflowError
from functions.tracking.requests import Route, acting
from loopwright.errors import CapabilityError, DeniedError, LoopwrightError
from loopwright.ports import Capabilities
from loopwright.ports.blobs import Part
from loopwright.tracking.artifacts import Artifacts

_AREA: Final = "2.0/mlflow-artifacts"
_UPLOAD_SECONDS: Final = 6 * 3_600
"""For so long the URLs of an upload's parts are good: a client asks for all of them at the beginning."""

_DOWNLOAD_SECONDS: Final = 300


class _Create(msgspec.Struct):
    artifact_path: str
    path: str
    num_parts: int = 0


class _Part(msgspec.Struct):
    part_number: int = 0
    etag: str | None = None


class _Complete(msgspec.Struct):
    artifact_path: str
    path: str
    parts: list[_Part]
    upload_id: str | None = None


class _Abort(msgspec.Struct):
    artifact_path: str
    path: str
    upload_id: str | None = None


class _Presigned(msgspec.Struct):
    artifact_path: str


class PastUs:
    """What a server says of this, so that clients go past it by themselves with large files.

    It is only said where it works: on a person's login, which signs nothing, a client would not come back.
    """

    def __init__(self, artifacts: Artifacts, capabilities: Capabilities) -> None:
        self._artifacts = artifacts
        self._capabilities = capabilities
        self._signs = False

    def told(self) -> Mapping[str, bool]:
        """Return it in the words of MLflow's `server-info`."""
        if self._capabilities.signed_urls and not self._signs:
            self._signs = self._artifacts.signs()
        return {
            "multipart_uploads_enabled": self._signs and self._capabilities.part_uploads,
            "multipart_downloads_enabled": self._signs,
        }


def routes(files: Files) -> Sequence[Route]:
    """Return the calls."""

    def create(asked: _Create) -> object:
        owned = files.writable(files.of_path(asked.artifact_path).below(asked.path))
        try:
            begun = files.artifacts.begin(owned.root, owned.path, parts=asked.num_parts, seconds=_UPLOAD_SECONDS)
        except (CapabilityError, DeniedError) as error:
            _unsupported("upload", error)
        urls = [{"url": url, "part_number": number, "headers": {}} for number, url in enumerate(begun.urls, 1)]
        return {"upload_id": begun.id, "credentials": urls}

    def complete(asked: _Complete) -> object:
        owned = files.writable(files.of_path(asked.artifact_path).below(asked.path))
        parts = [Part(one.part_number, (one.etag or "").strip('"')) for one in asked.parts]
        files.artifacts.end(owned.root, owned.path, asked.upload_id or "", parts)
        return {}

    def abort(asked: _Abort) -> object:
        owned = files.writable(files.of_path(asked.artifact_path).below(asked.path))
        files.artifacts.abort(owned.root, owned.path, asked.upload_id or "")
        return {}

    def presigned(asked: _Presigned) -> object:
        owned = files.of_path(asked.artifact_path)
        try:
            url = files.artifacts.url(owned.root, owned.path, seconds=_DOWNLOAD_SECONDS)
        except (CapabilityError, DeniedError) as error:
            _unsupported("download", error)
        return {"url": url, "headers": {}, "file_size": files.artifacts.size(owned.root, owned.path)}

    return [
        Route("POST", f"{_AREA}/mpu/create/{{artifact_path:path}}", acting(_Create, create)),
        Route("POST", f"{_AREA}/mpu/complete/{{artifact_path:path}}", acting(_Complete, complete)),
        Route("POST", f"{_AREA}/mpu/abort/{{artifact_path:path}}", acting(_Abort, abort)),
        Route("GET", f"{_AREA}/presigned/{{artifact_path:path}}", acting(_Presigned, presigned)),
    ]


def _unsupported(what: str, error: LoopwrightError) -> NoReturn:
    # Clients know this sentence by its beginning, and go on without parts.
    raise MlflowError(
        "NOT_IMPLEMENTED", f"Multipart {what} is not supported for the current artifact repository: {error}"
    ) from error

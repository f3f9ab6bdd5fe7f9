"""MLflow's calls about artifacts: through the tracking server, as `mlflow-artifacts:` has them, and the UI's own."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from functions.streams import StreamedAnswer
from functions.tracking.artifact_files import Files, Owned
from functions.tracking.attachments import content_disposition, content_type
from functions.tracking.errors import MlflowError
from functions.tracking.requests import BARE, Route, acting, asked_of, missing
from functions.web import Action, Answer, Call
from loopwright.tracking.artifacts import ArtifactEntry

_PROXY: Final = "2.0/mlflow-artifacts/artifacts"
_LOGGED: Final = "2.0/mlflow/logged-models/{model_id}/artifacts"
_FROM_THE_UI: Final = 10 * 1024 * 1024
_URL_SECONDS: Final = 300
_FOUND: Final = 302


class _ListOfPath(msgspec.Struct):
    path: str = ""


class _ListOfRun(msgspec.Struct):
    run_id: str = ""
    run_uuid: str = ""
    path: str = ""


class _ListOfModel(msgspec.Struct):
    model_id: str
    artifact_directory_path: str = ""


def routes(files: Files) -> Sequence[Route]:
    """Return the calls."""
    return [*_of_the_proxy(files), *_of_the_ui(files), *_listings(files)]


def _of_the_proxy(files: Files) -> Sequence[Route]:
    def get(call: Call) -> Answer:
        return sent(files, files.of_path(call.path["artifact_path"]), call)

    def put(call: Call) -> Answer:
        path = call.path["artifact_path"]
        if path.endswith("/"):
            raise MlflowError("BAD_REQUEST", "Artifact path must include a filename (cannot end with '/').")
        return _stored(files, files.of_path(path), call)

    def delete(call: Call) -> Answer:
        owned = files.writable(files.of_path(call.path["artifact_path"]))
        files.artifacts.delete(owned.root, owned.path)
        return Answer(b"{}")

    path = f"{_PROXY}/{{artifact_path:path}}"
    return [
        Route("GET", path, get, streams=True),
        Route("PUT", path, put, streams=True),
        Route("DELETE", path, delete),
    ]


def _of_the_ui(files: Files) -> Sequence[Route]:
    def of_run(call: Call) -> Owned:
        return files.of_run(_wanted(call, "run_id", "run_uuid"), _wanted(call, "path"))

    def of_version(call: Call) -> Owned:
        return files.of_version(_wanted(call, "name"), _wanted(call, "version"), _wanted(call, "path"))

    def of_model(call: Call) -> Owned:
        path = asked_of(call).get("artifact_file_path")
        if not path:
            raise MlflowError("BAD_REQUEST", 'Request must include the "artifact_file_path" query parameter.')
        return files.of_model(call.path["model_id"], path)

    def upload(call: Call) -> Answer:
        owned = of_run(call)
        size = len(call.body)
        if not size:
            raise MlflowError("INVALID_PARAMETER_VALUE", "Request must specify data.")
        if size > _FROM_THE_UI:
            raise MlflowError("INVALID_PARAMETER_VALUE", "Artifact size is too large. Max size is 10MB.")
        return _stored(files, owned, call)

    def sending(whose: Callable[[Call], Owned]) -> Action:
        return lambda call: sent(files, whose(call), call)

    return [
        Route("GET", "get-artifact", sending(of_run), streams=True, prefixes=BARE),
        Route("GET", "model-versions/get-artifact", sending(of_version), streams=True, prefixes=BARE),
        Route("GET", f"{_LOGGED}/files", sending(of_model), streams=True),
        Route("POST", "2.0/mlflow/upload-artifact", upload),
    ]


def _listings(files: Files) -> Sequence[Route]:
    def of_path(asked: _ListOfPath) -> object:
        owned = files.folder(asked.path)
        if owned is None:
            return {}
        names = [(one.path.rpartition("/")[2], one) for one in files.artifacts.entries(owned.root, owned.path)]
        return _told("files", [_entry(name, one) for name, one in names])

    def of_run(asked: _ListOfRun) -> object:
        run_id = asked.run_id or asked.run_uuid
        if not run_id:
            raise missing("run_id")
        owned = files.of_run(run_id, asked.path)
        return {"root_uri": files.location_of_run(run_id), **_listed(files, owned)}

    def of_model(asked: _ListOfModel) -> object:
        owned = files.of_model(asked.model_id, asked.artifact_directory_path)
        return {"root_uri": files.location_of_model(asked.model_id), **_listed(files, owned)}

    return [
        Route("GET", _PROXY, acting(_ListOfPath, of_path)),
        Route("GET", "2.0/mlflow/artifacts/list", acting(_ListOfRun, of_run)),
        Route("GET", f"{_LOGGED}/directories", acting(_ListOfModel, of_model)),
    ]


def sent(files: Files, owned: Owned, call: Call) -> Answer:
    """Return a file as an attachment, so that no browser shows it as a page of ours.

    One that is larger than an answer may be here is to be had by a URL of the store, to which the answer leads.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: it is a folder.
    """
    found = files.artifacts.read(owned.root, owned.path)
    if call.room is not None and found.size > call.room:
        found.pieces.close()
        url = files.artifacts.url(owned.root, owned.path, seconds=_URL_SECONDS)
        return Answer(b"", _FOUND, headers=((b"location", url.encode()),))
    name = owned.path.rpartition("/")[2]
    headers = (
        (b"content-disposition", content_disposition(name).encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    kind = content_type(name).encode()
    return StreamedAnswer(content_type=kind, headers=headers, size=found.size, pieces=found.pieces)


def _stored(files: Files, owned: Owned, call: Call) -> Answer:
    files.artifacts.put(files.writable(owned).root, owned.path, call.file or io.BytesIO(call.body))
    return Answer(b"{}")


def _listed(files: Files, owned: Owned) -> Mapping[str, object]:
    return _told("files", [_entry(one.path, one) for one in files.artifacts.entries(owned.root, owned.path)])


def _told(name: str, values: Sequence[object]) -> Mapping[str, object]:
    """Return a list as protobuf tells it: not at all where it is empty."""
    return {name: values} if values else {}


def _entry(path: str, entry: ArtifactEntry) -> Mapping[str, object]:
    told = {"path": path, "is_dir": entry.size is None}
    return told if entry.size is None else {**told, "file_size": entry.size}


def _wanted(call: Call, *names: str) -> str:
    """Return a parameter of the query under the first of these names that tells something."""
    asked = asked_of(call)
    for name in names:
        if asked.get(name):
            return asked[name]
    raise MlflowError("INVALID_PARAMETER_VALUE", f"Request must specify {names[-1]}.")

"""All that an MLflow server has, page by page."""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from typing import Final

from loopwright.errors import NotFoundError
from pipelines.importing.server import Query, Server
from pipelines.importing.shapes import (
    Experiments,
    ExperimentShape,
    File,
    Files,
    History,
    LoggedModels,
    LoggedShape,
    Point,
    RegisteredModels,
    RegisteredShape,
    Runs,
    RunShape,
    Versions,
    VersionShape,
)

_PAGE: Final = 500
_POINTS: Final = 20_000
_MODELS: Final = 50
_VERSIONS: Final = 1_000


class Source:
    """Reads a server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def experiments(self, *, deleted: bool) -> Iterator[ExperimentShape]:
        """Yield the experiments, deleted ones among them if that is wanted."""
        token = ""
        while True:
            asked = {"max_results": _PAGE, "view_type": "ALL" if deleted else "ACTIVE_ONLY", "page_token": token}
            page = self._server.post("experiments/search", asked, Experiments)
            yield from page.experiments
            if not (token := page.next_page_token):
                return

    def runs(self, experiment_id: str, *, deleted: bool) -> Iterator[RunShape]:
        """Yield an experiment's runs, deleted ones among them if that is wanted."""
        token = ""
        while True:
            asked = {
                "experiment_ids": [experiment_id],
                "max_results": _PAGE,
                "run_view_type": "ALL" if deleted else "ACTIVE_ONLY",
                "page_token": token,
            }
            page = self._server.post("runs/search", asked, Runs)
            yield from page.runs
            if not (token := page.next_page_token):
                return

    def history(self, run_id: str, key: str) -> Iterator[Point]:
        """Yield every point of a metric."""
        token = ""
        while True:
            query: dict[str, str | int] = {"run_id": run_id, "metric_key": key, "max_results": _POINTS}
            page = self._server.get("metrics/get-history", _paged(query, token), History)
            yield from page.metrics
            if not (token := page.next_page_token):
                return

    def logged_models(self, experiment_id: str) -> Iterator[LoggedShape]:
        """Yield an experiment's logged models; none where the server is too old to have any."""
        token = ""
        while True:
            asked = {"experiment_ids": [experiment_id], "max_results": _MODELS, "page_token": token}
            try:
                page = self._server.post("logged-models/search", asked, LoggedModels)
            except NotFoundError:
                return
            yield from page.models
            if not (token := page.next_page_token):
                return

    def registered_models(self) -> Iterator[RegisteredShape]:
        """Yield the registered models."""
        token = ""
        while True:
            query: dict[str, str | int] = {"max_results": _PAGE}
            page = self._server.get("registered-models/search", _paged(query, token), RegisteredModels)
            yield from page.registered_models
            if not (token := page.next_page_token):
                return

    def versions(self, name: str) -> Iterator[VersionShape]:
        """Yield the versions of a registered model."""
        token = ""
        quoted = '"' + name + '"' if "'" in name else f"'{name}'"
        while True:
            query: dict[str, str | int] = {"filter": f"name={quoted}", "max_results": _VERSIONS}
            page = self._server.get("model-versions/search", _paged(query, token), Versions)
            yield from page.model_versions
            if not (token := page.next_page_token):
                return

    def run_files(self, run_id: str) -> Iterator[File]:
        """Yield a run's artifacts, folders entered."""
        folders = [""]
        while folders:
            folder, token = folders.pop(), ""
            while True:
                query: dict[str, str | int] = {"run_id": run_id, **({"path": folder} if folder else {})}
                page = self._server.get("artifacts/list", _paged(query, token), Files)
                folders += [one.path for one in page.files if one.is_dir]
                yield from (one for one in page.files if not one.is_dir)
                if not (token := page.next_page_token):
                    break

    def model_files(self, model_id: str) -> Iterator[File]:
        """Yield a logged model's artifacts, folders entered."""
        folders = [""]
        while folders:
            folder = folders.pop()
            query: Query = {"artifact_directory_path": folder} if folder else {}
            page = self._server.get(f"logged-models/{model_id}/artifacts/directories", query, Files)
            folders += [one.path for one in page.files if one.is_dir]
            yield from (one for one in page.files if not one.is_dir)

    def run_file(self, run_id: str, path: str) -> AbstractContextManager[Generator[bytes]]:
        """Give the pieces of a run's artifact, wherever the server keeps it."""
        return self._server.file("/get-artifact", {"run_id": run_id, "path": path})

    def model_file(self, model_id: str, path: str) -> AbstractContextManager[Generator[bytes]]:
        """Give the pieces of a logged model's artifact, wherever the server keeps it."""
        place = f"/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
        return self._server.file(place, {"artifact_file_path": path})


def _paged(query: dict[str, str | int], token: str) -> Query:
    return {**query, "page_token": token} if token else query

"""How an import comes into a server, and what it says of one that it cannot come into."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from adapters import open_platform
from loopwright.errors import DeniedError, InvalidInputError, UnavailableError
from loopwright.ports import Platform
from loopwright.settings import Settings
from pipelines.import_mlflow import import_mlflow
from pipelines.importing.report import Choice
from pipelines.importing.server import Login


@pytest.fixture
def platform() -> Iterator[Platform]:
    opened = open_platform(Settings(provider="memory"))
    yield opened
    opened.close()


class Strict(BaseHTTPRequestHandler):
    """Refuses whoever it does not know, and keeps what it was sent."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Strict.seen.append(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.mark.parametrize(
    ("login", "user", "sent"),
    [
        (Login("t0ken"), "", "Bearer t0ken"),
        (Login("", "ada", "secret"), "", "Basic YWRhOnNlY3JldA=="),
        (Login(), "ada:secret@", "Basic YWRhOnNlY3JldA=="),
        (Login(), "", ""),
    ],
)
def test_a_server_is_told_who_one_is(platform: Platform, login: Login, user: str, sent: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strict)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(DeniedError, match="MLFLOW_TRACKING_TOKEN") as caught:
            import_mlflow(platform, f"http://{user}127.0.0.1:{server.server_port}", login, Choice(), who="tester")
        assert Strict.seen[-1] == sent
        assert "secret" not in str(caught.value)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_no_server_is_told(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.importing.server._PAUSES", ())
    with pytest.raises(InvalidInputError, match="no address of an MLflow server"):
        import_mlflow(platform, "ftp://somewhere", Login(), Choice(), who="tester")
    with pytest.raises(UnavailableError, match="does not answer"):
        import_mlflow(platform, "http://127.0.0.1:9", Login(), Choice(), who="tester")

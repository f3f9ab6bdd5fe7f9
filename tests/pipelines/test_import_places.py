"""Where an import may come from, and what is told where MLflow itself would be needed."""

import os
import socket
from pathlib import Path

import pytest

from loopwright.errors import InvalidInputError, NotFoundError
from pipelines.importing.places import served


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called mlflow on the path."""
    program = folder / "bin" / "mlflow"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_servers_address_is_taken_as_it_is() -> None:
    with served("https://mlflow.example.org/path") as url:
        assert url == "https://mlflow.example.org/path"


@pytest.mark.usefixtures("nothing_installed")
def test_without_mlflow_one_is_told_the_command_that_serves_a_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlartifacts").mkdir()
    source = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(InvalidInputError) as caught, served(source):
        pass
    told = str(caught.value)
    assert f"cd {tmp_path} && mlflow server --backend-store-uri {source}" in told
    assert f"--artifacts-destination {tmp_path}/mlartifacts --host 127.0.0.1 --port " in told
    assert "then `loopwright import-mlflow http://127.0.0.1:" in told


@pytest.mark.usefixtures("nothing_installed")
def test_without_mlflow_one_is_told_the_command_that_serves_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    message = f"--backend-store-uri file://{tmp_path}/mlruns "
    with pytest.raises(InvalidInputError, match=message), served(str(tmp_path / "mlruns")):
        pass


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sqlite:///nothing.db", "there is no database nothing.db"),
        ("nothing", "there is no folder nothing"),
        ("ftp://somewhere", "no address of an MLflow server"),
    ],
)
def test_what_is_not_there_is_told(source: str, message: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError), match=message), served(source):
        pass


def test_an_mlflow_that_does_not_serve_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "echo the database is of another version; exit 1", monkeypatch)
    (tmp_path / "mlruns").mkdir()
    message = r"the database is of another version\. By hand: `cd "
    with pytest.raises(InvalidInputError, match=message), served(str(tmp_path / "mlruns")):
        pass


def test_an_mlflow_on_the_path_serves_for_as_long_as_the_import_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It plays the server: its last argument is the port.
    script = 'for port; do :; done; touch health; exec python3 -m http.server --bind 127.0.0.1 "$port"'
    install(tmp_path, script, monkeypatch)
    (tmp_path / "mlruns").mkdir()
    with served(str(tmp_path / "mlruns")) as url:
        assert url.startswith("http://127.0.0.1:")
        port = int(url.rpartition(":")[2])
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), 1)

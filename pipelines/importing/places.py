"""Where an import comes from: a server's address, or a database or folder that a server is started for."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import join
from tempfile import TemporaryFile
from typing import Final
from urllib.parse import urlsplit

from loopwright.errors import InvalidInputError, NotFoundError

_DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")
_PATIENCE: Final = 120.0
_ENOUGH: Final = 10.0


@contextmanager
def served(source: str) -> Iterator[str]:
    """Give the address of the server behind a source, started for as long as the block goes on if there is none.

    Raises:
        InvalidInputError: it is nothing that MLflow keeps things in, or there is no MLflow here to serve it; the
            message has the command that does.
        NotFoundError: there is no such folder or file.
    """
    if source.startswith(("http://", "https://")):
        yield source
        return
    folder, store = _store(source)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["mlflow", "server", *_options(folder, store), "--host", "127.0.0.1", "--port", str(port)]
    program = shutil.which("mlflow")
    by_hand = f"`cd {folder} && {join(command)}`, then `loopwright import-mlflow http://127.0.0.1:{port}`"
    if program is None:
        raise InvalidInputError(f"there is no MLflow here that could serve {source}. Where it is installed: {by_hand}")
    with TemporaryFile() as said:
        # It is the program that the user has installed; the address is what he has given.
        process = subprocess.Popen(  # noqa: S603
            [program, *command[1:]],
            cwd=folder,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _answers(process, port):
                said.seek(0)
                last = said.read().decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
                raise InvalidInputError(f"{program} does not serve {source}: {last[0]}. By hand: {by_hand}")
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(process)


def _store(source: str) -> tuple[Path, str]:
    """Return the folder in which the server has to run, and the URI of its store."""
    scheme = urlsplit(source).scheme.partition("+")[0]
    if scheme == "sqlite":
        file = Path(source.partition(":///")[2].partition("?")[0])
        if not file.is_file():
            raise NotFoundError(f"there is no database {file}: give sqlite:///<file>, four slashes if it is absolute")
        return file.resolve().parent, f"sqlite:///{file.resolve()}"
    if scheme in _DATABASES:
        return Path.cwd(), source
    if scheme not in {"", "file"}:
        raise InvalidInputError(f"{source} is no address of an MLflow server, no database that it uses and no folder")
    place = Path(urlsplit(source).path if scheme else source)
    if not place.is_dir():
        raise NotFoundError(f"there is no folder {place}, and it is no address of an MLflow server")
    return place.resolve().parent, place.resolve().as_uri()


def _options(folder: Path, store: str) -> Sequence[str]:
    """Return how a server finds what an earlier one has kept: artifacts are beside the store where MLflow puts them."""
    artifacts = folder / "mlartifacts"
    destination = ("--artifacts-destination", str(artifacts)) if artifacts.is_dir() else ()
    return ("--backend-store-uri", store, *destination)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENOUGH)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

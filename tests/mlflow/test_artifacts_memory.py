"""A file much larger than what a server may take of memory goes through it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient

from loopwright.settings import Settings
from tests.clouds.tools import ROOT

MEGABYTE = 1024 * 1024
SIZE = 60 * MEGABYTE
PROJECT = 'from loopwright.definitions import Project\n\nproject = Project("notebooks", ())\n'
PATIENCE = 60.0


@contextmanager
def a_process(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the address of our tracking function in a process of its own on the local provider, and its identity."""
    (folder / "project.py").write_text(PROJECT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("LOOPWRIGHT_")}
    given = {
        **mine,
        **Settings("local", folder / "home", folder).to_env(),
        "LOOPWRIGHT_AUTH": "public-without-any-check",
        "LOOPWRIGHT_HOST": "127.0.0.1",
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    process = subprocess.Popen([sys.executable, "-m", "functions.container", "tracking"], env=given)
    try:
        wait(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def wait(url: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        assert process.poll() is None, "the server has ended"
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server does not answer")


def most_memory(process: int) -> int:
    """Return the most bytes of memory that a process has ever had."""
    told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert told
    return int(told[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's memory")
def test_a_large_file_takes_little_of_the_servers_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    block = os.urandom(MEGABYTE)
    with (tmp_path / "large.bin").open("wb") as file:
        for _ in range(SIZE // MEGABYTE):
            file.write(block)
    with a_process(tmp_path) as (url, process):
        client = MlflowClient(url)
        run = client.create_run("0").info.run_id
        client.log_text(run, "small", "small.txt")
        before = most_memory(process)
        client.log_artifact(run, str(tmp_path / "large.bin"))
        place = f"{url}/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/large.bin"
        with httpx.stream("GET", place) as answer:
            assert sum(len(piece) for piece in answer.iter_bytes()) == SIZE
        assert [one.file_size for one in client.list_artifacts(run)] == [SIZE, 5]
        assert most_memory(process) - before < SIZE // 3

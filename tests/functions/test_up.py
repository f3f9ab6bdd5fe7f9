import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adapters import open_platform
from functions.worker.duties import HEARTBEAT
from loopwright.clock import ReplayClock, parse_time
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.airport import world

START = parse_time("2013-03-01T12:00:00Z")
PATIENCE = 30.0
NOTHING: Mapping[str, str] = {}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A local home with a champion, living by a replayed clock."""
    settings = Settings("local", tmp_path / "home", world.FOLDER, tmp_path / "clock")
    clock_of(settings).set(START)
    platform = open_platform(settings)
    world.crown(platform, world.register(platform))
    world.report_weather(platform)
    platform.close()
    return settings


def clock_of(settings: Settings) -> ReplayClock:
    return ReplayClock(settings.clock_file)


class Up:
    """The process `functions.up`, answering."""

    def __init__(self, settings: Settings, variables: Mapping[str, str] = NOTHING) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "functions.up", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=os.environ | settings.to_env() | variables, stderr=subprocess.PIPE, text=True
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        wait_for(self._answers)

    def predict(self, identity: str) -> int:
        row = {**world.ROW, "id": identity}
        return self.client.post("/models/delays/predict", json={"row": row}).status_code

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return self.client.get("/health").status_code == 200
        except httpx.TransportError:
            return False


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


@contextmanager
def up(settings: Settings, variables: Mapping[str, str] = NOTHING) -> Iterator[Up]:
    running = Up(settings, variables)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
        running.client.close()


def bombard(running: Up, name: str, *, seconds: float) -> list[str]:
    """Ask for predictions from several threads until the process is gone; return the ids that were answered."""
    answered: list[str] = []
    end = time.monotonic() + seconds

    def ask(thread: int) -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            identity = f"{name}-{thread}-{number}"
            try:
                if running.predict(identity) == 200:
                    answered.append(identity)
            except httpx.TransportError:
                return

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    running.process.kill()
    for thread in threads:
        thread.join()
    running.process.wait()
    return answered


def heartbeat(platform: Platform) -> float:
    item = platform.table.get(HEARTBEAT)
    return 0.0 if item is None else item.value["at"]


def ids_in(platform: Platform) -> list[str]:
    return platform.lake.read_columns("predictions/delays")["prediction_id"].tolist()


def test_a_termination_signal_lands_what_was_logged_and_ends_with_0(settings: Settings) -> None:
    with up(settings) as running:
        assert running.predict("a") == 200
        running.process.terminate()
        _, errors = running.process.communicate(timeout=PATIENCE)
    assert (running.process.returncode, errors) == (0, "")
    assert ids_in(open_platform(settings)) == ["a"]


def test_a_request_in_flight_is_finished_before_the_end(settings: Settings) -> None:
    body = json.dumps({"rows": world.rows(10_000)}).encode()
    with up(settings) as running, socket.create_connection(("127.0.0.1", running.port)) as caller:
        head = f"POST /models/delays/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body[:-1])
        time.sleep(0.2)
        running.process.terminate()
        time.sleep(0.2)
        caller.sendall(body[-1:])
        assert caller.recv(15) == b"HTTP/1.1 200 OK"
        while caller.recv(1 << 20):
            pass
        assert running.process.wait(PATIENCE) == 0
    assert len(ids_in(open_platform(settings))) == 10_000


def test_the_worker_keeps_up_with_a_replayed_clock(settings: Settings) -> None:
    clock, platform = clock_of(settings), open_platform(settings)
    with up(settings) as running:
        for day in range(1, 4):
            running.predict(f"day-{day}")
            clock.set(START + day * 86_400)
            asked = time.monotonic()
            wait_for(lambda: heartbeat(platform) == clock())
            assert time.monotonic() - asked < 10
            assert len(ids_in(platform)) == day


def test_after_kills_in_the_middle_of_everything_every_answer_is_in_the_lake(settings: Settings) -> None:
    answered: list[str] = []
    for life in range(2):
        with up(settings) as running:
            answered += bombard(running, f"life-{life}", seconds=1.0 + 0.3 * life)
    platform, clock = open_platform(settings), clock_of(settings)
    clock.set(START + 5 * 86_400)  # what dead collectors had in hand comes back
    with up(settings):
        wait_for(lambda: heartbeat(platform) == clock())
    assert len(answered) > 20
    assert set(answered) <= set(ids_in(platform))
    assert platform.queue.depth("predictions").dead == 0


def test_an_address_that_is_taken_is_an_error_in_words(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "functions.up", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, env=os.environ | settings.to_env(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()


def test_a_folder_without_a_project_is_an_error_in_words(tmp_path: Path) -> None:
    environment = os.environ | Settings("local", tmp_path, tmp_path).to_env()
    command = [sys.executable, "-m", "functions.up"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("no project.py in")


def test_it_asks_who_somebody_is_if_the_environment_says_so(settings: Settings) -> None:
    key = "the-key-of-ann-0123456789"
    with up(settings, {"LOOPWRIGHT_API_KEYS": f"ann:{key}"}) as running:
        call = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
        refused = running.client.get(call)
        assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")
        assert running.client.get("/", auth=("ann", "wrong")).status_code == 401
        assert running.client.get(call, auth=("ann", key)).status_code == 200
        assert running.predict("a") == 401


def test_pages_of_others_and_names_that_are_not_this_machines_get_nothing(settings: Settings) -> None:
    with up(settings) as running:
        row = {"row": world.ROW}
        for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert running.client.post("/models/delays/predict", json=row, headers=headers).status_code == 403
        assert running.client.post("/models/delays/predict", json=row).status_code == 200

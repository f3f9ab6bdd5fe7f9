"""A function as a container runs it: a process of its own, on the local provider."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from adapters import open_platform
from adapters.cloudevents import encode
from functions.container import Stop, names
from loopwright.ports.events import Event
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings
from loopwright.triggers.service import Triggers
from tests.airport import world
from tests.functions.issuer import AUDIENCE, EMAIL, Issuer, issuing

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
IAM = {"LOOPWRIGHT_AUTH": "iam"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings("local", tmp_path / "home", world.FOLDER)
    with closing(open_platform(settings)) as platform:
        world.crown(platform, world.register(platform))
        world.report_weather(platform)
    return settings


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def environment(settings: Settings, variables: Mapping[str, str]) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("LOOPWRIGHT_")}
    return {**mine, **settings.to_env(), "LOOPWRIGHT_HOST": "127.0.0.1", "PYTHONPATH": str(ROOT), **variables}


def command(name: str) -> list[str]:
    return [sys.executable, "-m", "functions.container", name]


class Container:
    """A running function."""

    def __init__(self, name: str, settings: Settings, variables: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        given = environment(settings, {"PORT": str(self.port), **variables})
        self.process = subprocess.Popen(command(name), env=given, stderr=subprocess.PIPE, text=True)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                if self.client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise TimeoutError("it never answered")

    def end(self) -> tuple[int, str]:
        """Ask it to end, and return its exit code and what it has said."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@contextmanager
def running(name: str, settings: Settings, variables: Mapping[str, str]) -> Iterator[Container]:
    container = Container(name, settings, variables)
    try:
        container.wait()
        yield container
    finally:
        container.process.kill()
        container.process.communicate()
        container.client.close()


def counted(settings: Settings) -> dict[str, float]:
    with closing(open_platform(settings)) as platform:
        found: dict[str, float] = {}
        for one in platform.telemetry.read():
            found[one.name] = found.get(one.name, 0.0) + one.total
        return found


def callers(issuer: Issuer) -> dict[str, str]:
    told = {"AUDIENCE": AUDIENCE, "EMAILS": EMAIL, "ISSUER": issuer.address}
    return IAM | {f"LOOPWRIGHT_CALLERS_{name}": value for name, value in told.items()}


def test_it_listens_where_it_is_told_answers_and_ends_with_0(settings: Settings) -> None:
    with running("predict", settings, IAM) as container:
        answer = container.client.post("/models/delays/predict", json={"row": world.ROW})
        assert answer.json()["predictions"][0]["score"] == 0.5
        assert "server" not in answer.headers
        assert container.end() == (0, "")
    assert counted(settings)["predictions"] == 1.0


def test_requests_in_flight_are_answered_and_measured_before_the_end(settings: Settings) -> None:
    body = json.dumps({"rows": world.rows(5_000)}).encode()
    head = f"POST /models/delays/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with running("predict", settings, IAM) as container:
        callers = [socket.create_connection(("127.0.0.1", container.port)) for _ in range(4)]
        for caller in callers:
            caller.settimeout(PATIENCE)
            caller.sendall(head + body[:-1])
        time.sleep(0.3)
        container.process.terminate()
        time.sleep(0.3)
        assert container.process.poll() is None
        for caller in callers:
            caller.sendall(body[-1:])
        answers = []
        for caller in callers:
            with caller, caller.makefile("rb") as answer:
                answers.append(answer.read())
        assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 4
        assert all(answer.endswith(b"}") for answer in answers)
        assert container.process.wait(PATIENCE) == 0
    assert counted(settings)["predictions"] == 20_000.0
    with closing(open_platform(settings)) as platform:
        assert platform.queue.depth("predictions").ready > 0


def test_who_never_ends_a_request_does_not_hold_the_end_up_for_long(settings: Settings) -> None:
    with running("predict", settings, IAM) as container:
        with socket.create_connection(("127.0.0.1", container.port)) as caller:
            caller.sendall(b"POST /models/delays/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            time.sleep(0.2)
            asked = time.monotonic()
            code, _ = container.end()
        assert (code, time.monotonic() - asked < 10) == (0, True)


def test_a_signal_while_the_project_is_loaded_ends_it_with_0(settings: Settings, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    text = (world.FOLDER / "project.py").read_text()
    (project / "project.py").write_text(f"{text}\nimport os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    given = environment(settings, {"PORT": "0", **IAM, "LOOPWRIGHT_PROJECT": str(project)})
    done = subprocess.run(command("predict"), env=given, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_that_came_first_ends_a_server_that_comes_later() -> None:
    class Server:
        should_exit = False

    early, late, server = Stop(), Stop(), Server()
    early()
    early.watch(server)
    assert server.should_exit
    late.watch(server)
    assert not server.should_exit
    late()
    assert server.should_exit


def test_an_alert_that_is_pushed_with_a_token_starts_a_decision(settings: Settings, issuer: Issuer) -> None:
    event = Event("one", "loopwright/airport", "loopwright.drift.detected", 0.0, "delays", {"detail": "wind psi 0.31"})
    message = {"data": base64.b64encode(encode(event)).decode(), "messageId": "7", "attributes": {}}
    pushed = {"message": message, "subscription": "projects/airport/subscriptions/shop-triggers"}
    with running("retrain", settings, callers(issuer)) as container:
        refused = container.client.post("/messages", json=pushed)
        assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
        for _ in range(2):
            answer = container.client.post("/messages", json=pushed, headers=issuer.bearer())
            assert answer.json() == {"queue": "triggers", "message": "7"}
        assert container.end() == (0, "")
    with closing(open_platform(settings)) as platform:
        (entry,) = Triggers(platform, world.project()).ledger("delays")
    assert (entry.reason.kind, entry.reason.detail) == ("drift", "wind psi 0.31")


def test_a_push_lands_in_the_lake_and_a_schedule_drains_what_waits(settings: Settings, issuer: Issuer) -> None:
    with closing(open_platform(settings)) as platform:
        predictor = Predictor(platform, world.project())
        predictor.predict("delays", [{**world.ROW, "id": "pushed"}])
        (message,) = platform.queue.receive("predictions")
        platform.queue.ack("predictions", [message.receipt])
        predictor.predict("delays", [{**world.ROW, "id": "waiting"}])
    pushed = {"message": {"data": base64.b64encode(message.body).decode(), "messageId": "7"}}
    with running("collect", settings, callers(issuer)) as container:
        post, who = container.client.post, issuer.bearer()
        assert post("/messages", json=pushed, headers=who).status_code == 400  # from which queue?
        pushed["subscription"] = "projects/airport/subscriptions/shop-predictions"
        assert post("/messages", json=pushed, headers=who).status_code == 200
        drained = post("/due/collect", headers=who).json()
        assert drained == {"rows": {"predictions/delays": 1}, "messages": 1, "failed": 0}
        assert container.end()[0] == 0
    with closing(open_platform(settings)) as platform:
        found = platform.lake.read_columns("predictions/delays")["prediction_id"].tolist()
    assert sorted(found) == ["pushed", "waiting"]


def test_peoples_tokens_are_verified_while_others_are_answered(settings: Settings, issuer: Issuer) -> None:
    variables = {"LOOPWRIGHT_JWT_ISSUER": issuer.address, "LOOPWRIGHT_JWT_AUDIENCE": AUDIENCE}
    with running("predict", settings, variables) as container:
        codes: list[int] = []

        def ask(headers: Mapping[str, str]) -> None:
            answer = container.client.post("/models/delays/predict", json={"row": world.ROW}, headers=headers)
            codes.append(answer.status_code)

        given = [issuer.bearer(), issuer.bearer(), {}, issuer.bearer(aud="https://other.example")]
        threads = [threading.Thread(target=ask, args=[headers]) for headers in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [200, 200, 401, 401]


@pytest.mark.parametrize(
    ("name", "variables", "told"),
    [
        (
            "dance",
            IAM,
            "'metrics', 'mirror', 'monitor', 'predict', 'retrain'",
        ),
        ("predict", {}, "nobody has said who may call predict: set LOOPWRIGHT_AUTH to one of iam, apikey, jwt"),
        ("predict", {"LOOPWRIGHT_AUTH": "apikey"}, "LOOPWRIGHT_AUTH=apikey wants LOOPWRIGHT_API_KEY too"),
        ("monitor", {**IAM, "LOOPWRIGHT_CALLERS_AUDIENCE": "x"}, "LOOPWRIGHT_CALLERS_EMAILS must be set too"),
        ("labels", {**IAM, "LOOPWRIGHT_PROJECT": "/nowhere"}, "no project.py in /nowhere"),
    ],
)
def test_what_cannot_be_served_is_an_error_in_words(
    settings: Settings, name: str, variables: Mapping[str, str], told: str
) -> None:
    given = environment(settings, variables)
    done = subprocess.run(command(name), env=given, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_every_function_that_is_deployed_can_be_named() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(names()) == folders

"""What the small project `umbrella` is asked by people."""

from pathlib import Path
from typing import Any

from tests.pulumi.deployed import Answered, Deployed, awaited

FOLDER = Path(__file__).parent / "umbrella"
WINDY: list[dict[str, Any]] = [
    {"station": "north", "humidity": 20.0 + number % 80, "wind": 60.0 + number % 7} for number in range(120)
]


def predicted(deployed: Deployed, rows: list[dict[str, object]]) -> Answered:
    return deployed.post("predict", "/models/rain/predict", {"rows": rows})


def retrained(deployed: Deployed, why: str) -> Any:
    """Ask for a retraining and wait for the end of its job."""
    answer = deployed.post("retrain", "/models/rain/retrain", {"why": why})
    assert answer.body["started"], answer
    jobs = deployed.platform.jobs
    return awaited(lambda: (one := jobs.status(answer.body["job"])) and one.state != "running" and one)


def pushed(deployed: Deployed, altitude: float) -> Answered:
    # A moment ago: rounded to microseconds, this very one may not have come yet.
    row = {"station": "north", "altitude": altitude, "event_time": deployed.now - 1}
    return deployed.post("features", "/features/terrain/push", {"rows": [row]})


def height(deployed: Deployed) -> float | None:
    """Return what is online of the one station."""
    answer = deployed.post("features", "/features/terrain/read", {"keys": [{"station": "north"}]})
    (found,) = answer.body["features"]["altitude"]
    return None if found is None else float(found)

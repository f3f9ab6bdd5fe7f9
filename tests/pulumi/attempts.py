"""What takes permissions, and what is said where one of them is missing."""

import sys
import time
from typing import Any

import pytest

from tests.pulumi.asked import FOLDER, WINDY, predicted, pushed, retrained
from tests.pulumi.deployed import Deployed


def asks_for_a_prediction(deployed: Deployed) -> str:
    return str(predicted(deployed, WINDY[:1]).body)


def tells_a_label(deployed: Deployed) -> str:
    return str(deployed.post("labels", "/models/rain/labels", {"labels": [{"id": "one", "label": "yes"}]}).body)


def asks_for_a_training(deployed: Deployed) -> str:
    return str(deployed.post("retrain", "/models/rain/retrain", {"why": "again"}).body)


def monitors(deployed: Deployed) -> str:
    with pytest.raises(RuntimeError) as caught:
        deployed.due("monitor")
    return str(caught.value)


def keeps_house(deployed: Deployed) -> str:
    with pytest.raises(RuntimeError) as caught:
        deployed.due("housekeeping")
    return str(caught.value)


def materializes(deployed: Deployed) -> str:
    heights = sys.modules[f"loopwright_project_{FOLDER.name}"].heights
    deployed.platform.lake.append("terrain", heights(15.0, since=deployed.now))
    with pytest.raises(RuntimeError) as caught:
        deployed.due("materialize")
    return str(caught.value)


def pushes_a_feature(deployed: Deployed) -> str:
    return str(pushed(deployed, 14.0).body)


def reads_a_feature(deployed: Deployed) -> str:
    keys = {"keys": [{"station": "north"}]}
    return str(deployed.post("features", "/features/terrain/read", keys).body)


def begins_a_run(deployed: Deployed) -> str:
    return str(_run(deployed))


def begins_an_upload(deployed: Deployed) -> str:
    """Begin an artifact in parts: an upload is made in the store, and its URLs are signed."""
    run = _run(deployed)["run"]["info"]
    where = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    answer = deployed.post(
        "tracking", f"/api/2.0/mlflow-artifacts/mpu/create/{where}", {"path": "model.bin", "num_parts": 1}
    )
    return str(answer.body)


def looks_for_experiments(deployed: Deployed) -> str:
    return str(deployed.post("tracking", "/api/2.0/mlflow/experiments/search", {"max_results": 9}).body)


def tells_who_is_champion(deployed: Deployed) -> str:
    """Promote the champion once more: nothing moves, and the event about it is told again."""
    asked = {"name": "rain", "alias": "champion", "version": str(deployed.champion())}
    return str(deployed.post("tracking", "/api/2.0/mlflow/registered-models/alias", asked).body)


def _run(deployed: Deployed) -> Any:
    asked = {"experiment_id": "0", "start_time": int(time.time() * 1e3)}
    return deployed.post("tracking", "/api/2.0/mlflow/runs/create", asked).body


def trains(deployed: Deployed) -> str:
    status = retrained(deployed, f"once more {time.time()}")
    assert status.state == "failed"
    return str(status.detail)

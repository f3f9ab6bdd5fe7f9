"""What takes permissions, and what is said where one of them is missing."""

import sys
import time

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


def trains(deployed: Deployed) -> str:
    status = retrained(deployed, f"once more {time.time()}")
    assert status.state == "failed"
    return str(status.detail)

"""The story, wherever a project is served: a request is logged, its label joined, drift found, a better version served.

By `loopwright up` on this machine, by `pulumi up` on AWS and on Google Cloud. Each step goes on where the last one
ended; on the clouds, where permissions are enforced, the end is the same with one of them less each time.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

import pytest

from loopwright.clock import ReplayClock
from loopwright.columns import length
from loopwright.definitions.project import load_project
from loopwright.monitoring.history import History
from tests.clouds.tools import MissingToolError
from tests.pulumi import aws_permissions, google_permissions, on_aws, on_google, on_this_machine
from tests.pulumi.asked import FOLDER, WINDY, height, predicted, pushed, retrained
from tests.pulumi.deployed import Deployed, awaited
from tests.pulumi.on_aws import OnAws
from tests.pulumi.on_google import OnGoogle

DAY = 86_400.0
PROVIDERS: dict[str, Callable[[Path, Path, Path], AbstractContextManager[Deployed]]] = {
    "local": on_this_machine.deployed,
    "aws": on_aws.deployed,
    "gcp": on_google.deployed,
}

Step = Callable[[Deployed, ModuleType], None]


@pytest.fixture(params=PROVIDERS)
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployed]:
    clock = tmp_path / "clock"
    ReplayClock(clock).set(time.time())
    try:
        with PROVIDERS[request.param](tmp_path, FOLDER, clock) as made:
            yield made
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def umbrella() -> ModuleType:
    load_project(FOLDER)
    return sys.modules[f"loopwright_project_{FOLDER.name}"]


def a_person_starts_the_first_training_and_its_version_answers(deployed: Deployed, umbrella: ModuleType) -> None:
    until = deployed.now - 3_600
    deployed.platform.lake.append("observations", umbrella.cases(600, until=until, wind=10.0))
    deployed.platform.lake.append("terrain", umbrella.heights(11.0, since=until - 10 * DAY))
    deployed.due("materialize")
    assert awaited(lambda: height(deployed) == 11.0)
    status = retrained(deployed, "the first")
    assert status.state == "succeeded", status
    assert deployed.champion() == 1


def nobody_is_answered_who_does_not_say_who_it_is(deployed: Deployed, umbrella: ModuleType) -> None:
    answer = deployed.asked_by_nobody("predict", "/models/rain/predict", {"rows": WINDY[:1]})
    assert answer is None or answer.status == 403


def predictions_and_their_labels_reach_the_lake(deployed: Deployed, umbrella: ModuleType) -> None:
    answer = predicted(deployed, WINDY)
    assert (answer.status, answer.body["version"]) == (200, 1), answer
    ids = [one["id"] for one in answer.body["predictions"]]
    labels = [{"id": one, "label": row["humidity"] > 60} for one, row in zip(ids, WINDY, strict=True)]
    assert deployed.post("labels", "/models/rain/labels", {"labels": labels}).body == {"accepted": 120}
    deployed.due("collect")
    lake = deployed.platform.lake
    assert awaited(lambda: {"predictions/rain", "labels/rain"} <= set(lake.tables()))
    assert sorted(lake.read_columns("predictions/rain")["prediction_id"].tolist()) == sorted(ids)


def the_monitor_finds_drift_and_the_rule_has_a_better_version_trained(deployed: Deployed, umbrella: ModuleType) -> None:
    lake, history = deployed.platform.lake, History(deployed.platform.table, umbrella.rain)
    lake.append("observations", umbrella.cases(300, until=deployed.now + DAY, wind=60.0, seed=1))
    ReplayClock(deployed.clock).set(deployed.now + 2 * DAY)
    deployed.due("monitor")
    alerts = awaited(history.alerts)
    assert "wind" in next(one for one in alerts if one.kind == "drift").detail
    windows = history.windows()
    assert sum(one.rows for one in windows) == 120
    assert sum(one.performance.labels for one in windows if one.performance) == 120
    assert awaited(lambda: deployed.champion() == 2)


def the_next_request_is_served_by_the_new_version(deployed: Deployed, umbrella: ModuleType) -> None:
    assert awaited(lambda: predicted(deployed, WINDY[:1]).body["version"] == 2)


def features_come_online_by_the_schedule_and_by_being_pushed(deployed: Deployed, umbrella: ModuleType) -> None:
    lake = deployed.platform.lake
    lake.append("terrain", umbrella.heights(12.0, since=deployed.now - 60))
    deployed.due("materialize")
    assert awaited(lambda: height(deployed) == 12.0)
    assert pushed(deployed, 13.0).body == {"accepted": 1}
    assert height(deployed) == 13.0
    deployed.due("collect")
    assert awaited(lambda: length(lake.read_columns("terrain")) == 3)


STEPS: tuple[Step, ...] = (
    a_person_starts_the_first_training_and_its_version_answers,
    nobody_is_answered_who_does_not_say_who_it_is,
    predictions_and_their_labels_reach_the_lake,
    the_monitor_finds_drift_and_the_rule_has_a_better_version_trained,
    the_next_request_is_served_by_the_new_version,
    features_come_online_by_the_schedule_and_by_being_pushed,
)


@pytest.mark.timeout(900)
def test_the_loop_is_closed_and_each_part_of_it_needs_its_permissions(
    deployed: Deployed, umbrella: ModuleType, subtests: pytest.Subtests
) -> None:
    for step in STEPS:
        with subtests.test(step.__name__):
            step(deployed, umbrella)
    match deployed:
        case OnAws():
            on_aws_alone(deployed, umbrella, subtests)
        case OnGoogle():
            on_google_alone(deployed, umbrella, subtests)
        case _:
            pass  # on this machine nobody is asked who it is


def on_aws_alone(deployed: OnAws, umbrella: ModuleType, subtests: pytest.Subtests) -> None:
    for step in aws_permissions.STEPS:
        with subtests.test(step.__name__):
            step(deployed, umbrella)
    for function, action, attempt in aws_permissions.DENIALS:
        with subtests.test(f"{function} without {action}"), aws_permissions.without(deployed, function, action):
            said = attempt(deployed)
            assert f"not authorized to perform: {action}" in said or aws_permissions.refused(said), said


def on_google_alone(deployed: OnGoogle, umbrella: ModuleType, subtests: pytest.Subtests) -> None:
    for step in google_permissions.STEPS:
        with subtests.test(step.__name__):
            step(deployed, umbrella)
    for grant, attempt in google_permissions.DENIALS:
        what = f"{grant.function} without {grant.role} {grant.under}"
        with subtests.test(what), google_permissions.without(deployed, grant):
            said = attempt(deployed)
            assert google_permissions.refused(said), said

import numpy as np
import pytest

from loopwright.errors import NotFoundError
from pipelines.lineage import PredictionLineage, lineage
from pipelines.origin import Origin
from pipelines.retrain import retrain
from tests.pipelines.weather import AT, World


def log(world: World) -> None:
    at = np.full(2, np.datetime64("2013-03-02", "us"))
    texts = {"prediction_id": "p1", "station": "north", "prediction": "1", "sky": "clear"}
    columns = {name: np.full(2, text, dtype=object) for name, text in texts.items()}
    numbers = {"model_version": 1.0, "humidity": 80.0, "wetness": 0.8, "latency_ms": 1.0, "pressure__age": 60.0}
    columns |= {name: np.full(2, number) for name, number in numbers.items()}
    columns |= {"predicted_at": at, "arm": np.array(["shadow", "champion"], dtype=object)}
    columns |= {"score": np.array([0.1, 0.7]), "hectopascal": np.array([np.nan, 1000.0])}
    world.platform.lake.append("predictions/rain", columns)
    for place, label in enumerate((0.0, 1.0)):
        moment = at[:1] + np.timedelta64(place, "h")
        row = {"prediction_id": columns["prediction_id"][:1], "label": np.array([label])}
        world.platform.lake.append("labels/rain", row | {"labeled_at": moment, "received_at": moment})


def test_a_version_leads_to_its_run_and_everything_behind_it(world: World) -> None:
    outcome = world.train()
    origin = lineage(world.platform, world.project, "rain/1")
    assert isinstance(origin, Origin)
    assert (origin.run_id, origin.version, origin.aliases) == (outcome.run_id, 1, ("champion",))
    assert origin.reason == "a test"
    assert {pin.table for pin in origin.datasets} == {"observations", "pressure"}
    assert origin.code.startswith("sha256:")
    assert origin.verdict == outcome.verdict
    assert lineage(world.platform, world.project, "rain@champion") == origin
    assert lineage(world.platform, world.project, outcome.run_id) == origin


def test_a_prediction_leads_to_its_values_version_and_newest_label(world: World) -> None:
    world.train()
    log(world)
    found = lineage(world.platform, world.project, "p1")
    assert isinstance(found, PredictionLineage)
    assert [answer.arm for answer, _ in found.answers] == ["champion", "shadow"]
    answer, origin = found.answers[0]
    assert (answer.score, answer.prediction, answer.label) == (0.7, "1", 1.0)
    assert (answer.predicted, answer.labeled) == ("2013-03-02T00:00:00Z", "2013-03-02T01:00:00Z")
    assert answer.values == {
        "station": "north",
        "humidity": 80.0,
        "sky": "clear",
        "wetness": 0.8,
        "hectopascal": 1000.0,
    }
    assert answer.ages == {"pressure": 60.0}
    assert origin.version == 1


@pytest.mark.parametrize("subject", ["nobody", "rain/7", "rain@challenger", "rain/x"])
def test_what_is_not_there_is_not_found(world: World, subject: str) -> None:
    world.train()
    with pytest.raises(NotFoundError):
        lineage(world.platform, world.project, subject)


def test_a_person_starts_a_training_job_once_at_a_time(world: World) -> None:
    first = retrain(world.platform, world.project, "rain", why="new sensors", who="ada", at=AT)
    assert first.started
    assert first.job is not None
    assert world.platform.jobs.status(first.job) is not None
    assert not retrain(world.platform, world.project, "rain", why="again", who="ada", at=AT + 1).started

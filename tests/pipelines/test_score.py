import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright import Project
from loopwright.columns import length
from loopwright.errors import IntegrityError, InvalidInputError, NotFoundError
from loopwright.features.materialize import materialize
from loopwright.models import load_scorer
from loopwright.settings import Settings
from pipelines.score import ScoreOutcome, score
from pipelines.steps import StepEvent
from tests.pipelines.weather import AT, FOLDER, World


@pytest.fixture
def trained(world: World) -> World:
    world.train()
    cases = world.rain.past_cases(30, seed=3)
    del cases["rained"]
    world.platform.lake.append("cases", cases)
    return world


def run(world: World, *, table: str = "cases", name: str = "march", **changes: object) -> ScoreOutcome:
    arguments = {"at": AT, "part_rows": 70} | changes
    return score(world.platform, world.project, "rain", table=table, name=name, **arguments)  # type: ignore[arg-type]


def test_every_row_is_scored_once_in_parts(trained: World) -> None:
    outcome = run(trained)
    assert outcome == ScoreOutcome("rain", 1, 300, 5, "scores/rain/march")
    rows = trained.platform.lake.read_columns(outcome.table)
    assert length(rows) == 300
    assert len(set(rows["event_time"].tolist())) == 300
    assert set(rows["prediction"]) <= {"0", "1"}
    assert dict(trained.platform.lake.schema(outcome.table))["model_version"] == "int"


def test_rows_with_a_time_get_the_features_of_their_own_moment(trained: World) -> None:
    rows = trained.platform.lake.read_columns(run(trained).table)
    cases = trained.rain.past_cases(30, seed=3)
    readings = trained.rain.barometer(58)
    place = int(np.argmax(rows["event_time"]))
    at, station = rows["event_time"][place], rows["station"][place]
    known = (readings["station"] == station) & (readings["known_time"] <= at)
    version = trained.registry.version("rain", 1)
    scorer = load_scorer(trained.platform.blobs, version.source, version.digest)
    row = {
        "wetness": rows["humidity"][place : place + 1] / 100,
        "hectopascal": readings["hectopascal"][known][-1:],
        "sky": rows["sky"][place : place + 1],
    }
    assert at == cases["event_time"].max()
    assert rows["score"][place] == pytest.approx(scorer.score(row).score[0])


def test_rows_without_a_time_get_the_features_of_now(trained: World) -> None:
    cases = {
        name: column for name, column in trained.rain.past_cases(5).items() if name not in {"event_time", "rained"}
    }
    trained.platform.lake.append("timeless", cases)
    view = trained.project.models[0].views[0]
    readings = trained.rain.barometer(1)
    fresh = {**readings, "event_time": np.full(2, np.datetime64("2013-03-01", "us"))}
    trained.platform.lake.append("pressure", {**fresh, "known_time": fresh["event_time"]})
    materialize(trained.platform, view, now=AT)
    with_reading = run(trained, table="timeless", name="now", part_rows=20)
    assert with_reading.parts == 3
    without_reading = run(trained, table="timeless", name="later", at=AT + 30 * 86_400)
    scores = [
        np.sort(trained.platform.lake.read_columns(one.table)["score"]) for one in (with_reading, without_reading)
    ]
    assert len(scores[0]) == len(scores[1]) == 50
    assert not np.allclose(scores[0], scores[1])


def test_a_job_that_stopped_goes_on_and_repeats_nothing(trained: World) -> None:
    def stop(event: StepEvent) -> None:
        if event.number == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(trained, progress=stop)
    trained.platform.lake.append("cases", trained.rain.past_cases(2, seed=8))
    events: list[StepEvent] = []
    outcome = run(trained, progress=events.append)
    assert [one.number for one in events if one.state == "restored"] == [1, 2]
    assert [one.number for one in events if one.state == "finished"] == [3, 4, 5]
    assert length(trained.platform.lake.read_columns(outcome.table)) == 300


def test_a_finished_job_is_not_repeated(trained: World) -> None:
    first = run(trained)
    version = trained.platform.lake.version(first.table)
    assert run(trained) == first
    assert trained.platform.lake.version(first.table) == version


def test_a_job_keeps_its_model_version_though_the_champion_changes(trained: World) -> None:
    def promote(event: StepEvent) -> None:
        if (event.number, event.state) == (2, "finished"):
            assert trained.train(at=AT + 1).promoted

    outcome = run(trained, progress=promote)
    assert trained.registry.routing("rain").champion == 2
    assert set(trained.platform.lake.read_columns(outcome.table)["model_version"]) == {1.0}


def test_a_name_belongs_to_one_table(trained: World) -> None:
    run(trained)
    with pytest.raises(InvalidInputError, match="scores the table 'cases', not 'observations'"):
        run(trained, table="observations")


def test_bad_wishes_are_refused_in_words(trained: World) -> None:
    with pytest.raises(NotFoundError, match="no table 'nowhere' to score"):
        run(trained, table="nowhere")
    with pytest.raises(InvalidInputError, match="name is 1 to 64 of"):
        run(trained, name="March 2013")
    trained.platform.lake.append("narrow", {"station": np.array(["north"], dtype=object)})
    with pytest.raises(InvalidInputError, match="'humidity' is missing"):
        run(trained, table="narrow")


def test_a_model_that_was_never_trained_scores_nothing(world: World) -> None:
    with pytest.raises(NotFoundError, match="no champion to score with: train it first"):
        run(world, table="observations")


def test_other_definitions_than_those_of_the_training_are_refused(trained: World) -> None:
    model = trained.project.models[0]
    changed = replace(trained.project, models=(replace(model, features=("hectopascal", "wetness", "sky")),))
    with pytest.raises(IntegrityError, match="trained on other features than the definitions have now"):
        run(replace(trained, project=changed))


DRIVER = """
import os, signal, sys
from pathlib import Path
import deltalake, duckdb, onnxruntime  # once, not in every child
from adapters import open_platform
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from pipelines.score import score

project = load_project(Path(sys.argv[1]))

def live(death):
    def grave(event):
        if f"{event.number} {event.state}" == death:
            os.kill(os.getpid(), signal.SIGKILL)
    score(
        open_platform(Settings(provider="local", home=Path(sys.argv[2]))), project, "rain",
        table="observations", name="march", at=1362096000.0, part_rows=200, progress=grave,
    )

for death in ("1 finished", "3 started", "never"):
    child = os.fork()
    if child == 0:
        live(death)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_job_killed_between_parts_scores_every_row_once(tmp_path: Path, project: Project) -> None:
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    world = World(open_platform(Settings(provider="local", home=tmp_path)), project, rain).fill()
    world.train()
    world.platform.close()
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(FOLDER), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["-9", "-9", "0"], done.stderr
    rows = open_platform(Settings(provider="local", home=tmp_path)).lake.read_columns("scores/rain/march")
    assert len(rows["score"]) == len(set(rows["event_time"].tolist())) == 580
    assert not np.isnan(rows["score"]).any()


def test_a_job_runs_in_a_process_of_its_own(tmp_path: Path, project: Project) -> None:
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    World(open_platform(Settings(provider="local", home=tmp_path)), project, rain).fill().platform.close()
    environment = os.environ | Settings(provider="local", home=tmp_path, project=FOLDER).to_env()
    arguments = json.dumps({"model": "rain", "reason": "a test", "at": "2013-03-01T00:00:00Z"})
    command = [sys.executable, "-m", "pipelines.job", "train", "--arguments", arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "9/9 promote finished" in done.stdout
    assert "version 1, promoted" in done.stdout

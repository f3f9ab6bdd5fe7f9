from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright.columns import Columns, times
from loopwright.definitions import Project
from loopwright.errors import NotFoundError
from loopwright.features.materialize import materialize
from loopwright.housekeeping import awaited_versions, maintain, pinned_versions
from loopwright.monitoring import Monitor
from loopwright.ports import Platform
from loopwright.registry import DatasetPin, Lineage, NewVersion, Registry
from loopwright.settings import Settings
from loopwright.tracking import DatasetInput, Tracking
from tests.loopwright.features.world import CLIMATE, model, numbers, platform_at, texts

PROJECT = Project("airports", (model(),), retention=timedelta(hours=1))


def tracking(platform: Platform) -> Tracking:
    return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)


def read_by_a_run(platform: Platform, table: str, *versions: int) -> str:
    runs = tracking(platform)
    run = runs.create_run(runs.ensure_experiment("delays").id, name="training")
    runs.log_inputs(run.id, [DatasetInput(table, f"sha256:{version}", "lake", version) for version in versions])
    return run.id


def test_versions_that_runs_and_models_have_read_are_pinned(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    read_by_a_run(platform, "weather", 2)
    read_by_a_run(platform, "flights", 1)
    deleted = read_by_a_run(platform, "weather", 7)
    tracking(platform).delete_run(deleted)
    Registry(platform.table, clock=platform.clock, new_id=platform.new_id).register(
        NewVersion(
            model="delays",
            run_id="one",
            source="runs/one",
            digest="sha256:1",
            features_digest="sha256:2",
            lineage=Lineage("", False, "", (DatasetPin("weather", 4, "sha256:4"),), {}, ""),
        )
    )
    assert pinned_versions(platform) == {"weather": {2, 4}, "flights": {1}}


def test_small_files_become_one_and_only_pinned_versions_are_left_beside_the_newest(tmp_path: Path) -> None:
    platform = open_platform(Settings(home=tmp_path))
    for number in range(4):
        platform.lake.append("flights", {"distance": numbers(number)})
    read_by_a_run(platform, "flights", 1)
    digest = platform.lake.digest("flights", version=1)
    done = maintain(platform, replace(PROJECT, retention=timedelta(0)))["flights"]
    assert (done.files_before, done.files_after) == (4, 1)
    assert sorted(platform.lake.read_columns("flights")["distance"].tolist()) == [0, 1, 2, 3]
    assert sorted(platform.lake.read_columns("flights", version=1)["distance"].tolist()) == [0, 1]
    assert platform.lake.digest("flights", version=1) == digest
    with pytest.raises(NotFoundError):
        platform.lake.read_columns("flights", version=2)


def test_what_is_younger_than_the_retention_stays_readable(tmp_path: Path) -> None:
    platform = open_platform(Settings(home=tmp_path))
    for number in range(3):
        platform.lake.append("flights", {"distance": numbers(number)})
    maintain(platform, PROJECT)
    assert platform.lake.read_columns("flights", version=0)["distance"].tolist() == [0]
    with pytest.raises(NotFoundError):
        platform.lake.read_columns("flights", version=99)


def test_what_monitoring_and_materializing_have_not_read_yet_is_kept(tmp_path: Path) -> None:
    watched = model(CLIMATE)
    project = Project("airports", (watched,), retention=timedelta(0))
    platform = open_platform(Settings(home=tmp_path))
    logged: Columns = {
        "prediction_id": texts("a"),
        "predicted_at": times([0.0]),
        "arm": texts("champion"),
        "model_version": numbers(1),
        "score": numbers(0.5),
        "prediction": texts("1"),
        "latency_ms": numbers(1),
        "distance": numbers(1),
    }
    read: dict[str, int] = {}
    for number in range(3):
        platform.lake.append("predictions/delays", {**logged, "prediction_id": texts(f"p{number}")})
        source: Columns = {"origin": texts(f"A{number}"), "event_time": times([0.0]), "normal_temp": numbers(1)}
        platform.lake.append("climate", source)
        if number == 0:
            Monitor(platform, project).run("delays", now=10.0)
            materialize(platform, CLIMATE, now=10.0)
            read = awaited_versions(platform, project)
        maintain(platform, project)
    assert read == {"predictions/delays": 0, "climate": 0}
    report = Monitor(platform, project).run("delays", now=10.0)
    assert (report.rows, report.anew) == (2, False)
    assert materialize(platform, CLIMATE, now=10.0).rows_read == 2
    maintain(platform, project)
    with pytest.raises(NotFoundError, match="expired"):
        platform.lake.changes("climate", since=0, until=1)

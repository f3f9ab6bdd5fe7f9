"""What an MLflow server has comes here whole, and again without anything twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from adapters import open_platform
from loopwright.errors import NotFoundError
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.settings import Settings
from loopwright.tracking import LoggedModels, Tracking
from loopwright.tracking.artifact_paths import artifact_root, model_artifact_root
from pipelines.import_mlflow import import_mlflow
from pipelines.importing.report import Choice, Report
from pipelines.importing.server import Login
from tests.mlflow.filled import POINTS, Filled, fill
from tests.mlflow.ours import served
from tests.mlflow.stock import stock_server

LOGIN = Login()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with stock_server(tmp_path_factory.mktemp("filled")) as url:
        yield fill(url, tmp_path_factory.mktemp("files"))


@pytest.fixture
def platform() -> Iterator[Platform]:
    opened = open_platform(Settings(provider="memory"))
    yield opened
    opened.close()


def bring(platform: Platform, url: str, choice: Choice | None = None) -> Report:
    return import_mlflow(platform, url, LOGIN, choice or Choice(), who="tester")


def tracking(platform: Platform) -> Tracking:
    return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)


def registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)


def test_runs_come_with_identity_moments_and_every_point(filled: Filled, platform: Platform) -> None:
    report = bring(platform, filled.url)
    assert report.complete
    there = MlflowClient(filled.url).get_run(filled.run)
    here = tracking(platform).run(filled.run)
    assert here.experiment_id == filled.experiment
    assert (here.name, here.user, here.status) == ("first", there.info.user_id, "FAILED")
    assert (here.started, here.ended) == (1_700_000_000.123, 1_700_000_100.456)
    assert (here.params, here.tags) == (there.data.params, there.data.tags)
    loss = tracking(platform).metric_history(filled.run, "loss")
    assert [(point.step, point.value) for point in loss] == [(step, 1 / (step + 1)) for step in range(POINTS)]
    odd = {repr(point.value) for point in tracking(platform).metric_history(filled.run, "odd")}
    theirs = {repr(point.value) for point in MlflowClient(filled.url).get_metric_history(filled.run, "odd")}
    assert odd == theirs
    (point,) = tracking(platform).metric_history(filled.run, "a/b c")
    assert (point.value, point.timestamp, point.step) == (-7.0, 0.0, -3)


def test_lineage_comes_with_a_run(filled: Filled, platform: Platform) -> None:
    bring(platform, filled.url)
    run = tracking(platform).run(filled.run)
    (used,) = tracking(platform).detailed([run])[0].inputs
    assert (used.name, used.digest, used.context, used.tags) == ("rows", "c0ffee", "training", {"a": "b"})
    assert (used.schema, used.profile) == ('{"mlflow_colspec": []}', '{"num_rows": 3}')
    assert run.model_outputs == {filled.model: 3}


def test_artifacts_come_whole_whatever_their_names(filled: Filled, platform: Platform, tmp_path: Path) -> None:
    report = bring(platform, filled.url)
    found = {one.path: one.size for one in tracking(platform).artifacts(filled.run)}
    assert found == {
        "files/deep/deeper/big.bin": 3_000_000,
        "files/deep/näme with space=1.txt": 4,
        "files/empty": 0,
    }
    theirs = Path(MlflowClient(filled.url).download_artifacts(filled.run, "files/deep/deeper/big.bin", str(tmp_path)))
    assert tracking(platform).artifact(filled.run, "files/deep/deeper/big.bin") == theirs.read_bytes()
    models = [info.key for info in platform.blobs.list(f"{model_artifact_root(filled.model)}/")]
    assert [key.rpartition("/")[2] for key in models] == ["big.bin", "n=C3=A4me=20with=20space=3D1.txt"]
    assert (report.here.files, report.model_files) == (3, 2)


def test_logged_models_come_with_what_is_known_of_them(filled: Filled, platform: Platform) -> None:
    bring(platform, filled.url)
    there = MlflowClient(filled.url).get_logged_model(filled.model)
    models = LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id)
    here = models.model(filled.model)
    assert (here.name, here.model_type, here.source_run_id, here.status) == ("clf", "tree", filled.run, "READY")
    assert (here.params, here.tags) == (there.params, there.tags)
    assert round(here.created * 1e3) == there.creation_timestamp
    assert [(one.key, one.value, one.run_id) for one in here.metrics] == [("auc", 0.9, filled.run)]


def test_registered_models_keep_their_numbers_and_aliases(filled: Filled, platform: Platform) -> None:
    report = bring(platform, filled.url)
    model = registry(platform).model("flights")
    assert (model.description, model.tags, model.latest) == ("who is late", {"kind": "binary"}, 4)
    first, third, fourth = sorted(registry(platform).versions("flights"), key=lambda one: one.version)
    assert [one.version for one in (first, third, fourth)] == [1, 3, 4]
    assert first.source == f"mlflow-artifacts:/{filled.experiment}/{filled.run}/artifacts/files/deep"
    assert (first.run_id, first.tags, first.description) == (filled.run, {"v": "1"}, "one")
    assert (third.source, fourth.source, fourth.model_id) == (
        "s3://elsewhere/model",
        f"models:/{filled.model}",
        filled.model,
    )
    assert registry(platform).routing("flights").aliases == {"best": 4}
    (problem,) = report.problems
    assert "`loopwright adopt flights 1`" in problem
    assert registry(platform).versions("lonely") == []


def test_what_is_deleted_comes_only_when_it_is_wanted_and_is_deleted_here(filled: Filled, platform: Platform) -> None:
    bring(platform, filled.url)
    with pytest.raises(NotFoundError):
        tracking(platform).run(filled.deleted_run)
    with pytest.raises(NotFoundError):
        tracking(platform).experiment_by_name("gone")
    for _ in range(2):
        report = bring(platform, filled.url, Choice(deleted=True))
        assert report.complete
        assert tracking(platform).run(filled.deleted_run).deleted is not None
        gone = tracking(platform).experiment_by_name("gone")
        assert gone.deleted is not None
        (run,) = tracking(platform).runs(gone.id, view="all")
        assert (run.params, run.deleted is not None) == ({"c": "1"}, True)


def test_an_import_that_is_run_again_adds_nothing_and_brings_what_is_new(platform: Platform, filled: Filled) -> None:
    first = bring(platform, filled.url)
    before = content(platform)
    again = bring(platform, filled.url)
    assert content(platform) == before
    assert again.here == first.here
    # The one that still works is looked at again.
    assert again.unchanged == again.there - 1
    client = MlflowClient(filled.url)
    client.log_metric(filled.run, "late", 5.0)
    more = bring(platform, filled.url)
    assert more.here.points == first.here.points + 1
    assert tracking(platform).run(filled.run).metrics["late"].value == 5.0
    assert len(tracking(platform).metric_history(filled.run, "loss")) == POINTS


def content(platform: Platform) -> dict[str, object]:
    blobs = {info.key: info.etag for info in platform.blobs.list()}
    runs = {
        run.id: (run, {key: tracking(platform).metric_history(run.id, key) for key in run.metrics})
        for one in tracking(platform).experiments(view="all")
        for run in tracking(platform).runs(one.id, view="all")
    }
    versions = {model.name: registry(platform).versions(model.name) for model in registry(platform).models()}
    return {"blobs": blobs, "runs": repr(runs), "versions": versions}


def test_only_what_is_chosen_comes(filled: Filled, platform: Platform) -> None:
    report = bring(platform, filled.url, Choice(experiments=("Default",)))
    assert (report.experiments, report.there, report.registered_models) == (1, 0, 0)
    report = bring(platform, filled.url, Choice(experiments=("penguins",), artifacts=False))
    assert (report.there, report.registered_models, report.here.files) == (2, 1, 0)
    assert list(platform.blobs.list(f"{artifact_root(filled.run)}/")) == []
    # Those that came without files are completed.
    assert bring(platform, filled.url).here.files == 3
    with pytest.raises(NotFoundError, match="no experiment 'nothing': it has Default, penguins"):
        bring(platform, filled.url, Choice(experiments=("nothing",)))
    with pytest.raises(NotFoundError, match="no registered model 'nothing'"):
        bring(platform, filled.url, Choice(models=("nothing",)))


def test_experiments_that_are_here_already_take_their_namesakes_runs(filled: Filled, platform: Platform) -> None:
    ours = tracking(platform).create_experiment("penguins")
    mine = tracking(platform).create_run(ours.id, name="mine")
    bring(platform, filled.url)
    assert {run.id for run in tracking(platform).runs(ours.id)} >= {mine.id, filled.run}
    first = registry(platform).version("flights", 1)
    assert first.source == f"mlflow-artifacts:/{ours.id}/{filled.run}/artifacts/files/deep"


def test_an_import_that_breaks_off_goes_on(filled: Filled, platform: Platform) -> None:
    class BrokenError(Exception):
        pass

    def stop(report: Report, _: str) -> None:
        if report.here.runs:
            raise BrokenError

    with pytest.raises(BrokenError):
        import_mlflow(platform, filled.url, LOGIN, Choice(), who="tester", tell=stop)
    report = bring(platform, filled.url)
    assert report.complete
    assert len(tracking(platform).metric_history(filled.run, "loss")) == POINTS


def test_another_tracking_function_of_ours_is_a_server_too(filled: Filled, platform: Platform, tmp_path: Path) -> None:
    first = bring(platform, filled.url, Choice(deleted=True))
    other = open_platform(Settings(provider="local", home=tmp_path))
    try:
        with served(platform) as url:
            second = bring(other, url, Choice(deleted=True))
        assert second.complete
        assert (second.here, second.model_files, second.versions) == (first.here, first.model_files, first.versions)
        there, here = tracking(platform).run(filled.run), tracking(other).run(filled.run)
        assert here == there
        assert registry(other).versions("flights") == registry(platform).versions("flights")
    finally:
        other.close()

"""The real client on the registry: what a notebook does with models by name, alias and number."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from adapters import open_platform
from loopwright.gate import Verdict
from loopwright.ports import Platform
from loopwright.registry import NewVersion, Registry
from loopwright.registry.values import UNTRACED
from loopwright.settings import Settings
from tests.mlflow.ours import served


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = open_platform(Settings(provider="memory"))
    yield platform
    platform.close()


@pytest.fixture
def client(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """A client of our server; so is what the library does by itself."""
    with served(platform) as url:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        mlflow.set_tracking_uri(url)
        yield MlflowClient(url)
        mlflow.set_tracking_uri(None)


@pytest.fixture
def logged(client: MlflowClient, tmp_path: Path) -> str:
    """The identity of a run that has logged a folder, `model`."""
    run = client.create_run(client.create_experiment("delays"))
    for name in ("MLmodel", "weights.txt"):
        (tmp_path / name).write_text(f"this is {name}\n")
    client.log_artifacts(run.info.run_id, str(tmp_path), "model")
    return str(run.info.run_id)


def test_what_a_notebook_has_registered_is_loaded_by_alias_number_and_latest(
    client: MlflowClient, logged: str, tmp_path: Path
) -> None:
    made = mlflow.register_model(f"runs:/{logged}/model", "churn", tags={"team": "ops"})
    assert (made.version, made.run_id, made.status, made.tags) == ("1", logged, "READY", {"team": "ops"})
    client.set_registered_model_alias("churn", "blue", "1")
    assert client.get_model_version_by_alias("churn", "blue").aliases == ["blue"]
    for number, uri in enumerate(("models:/churn@blue", "models:/churn/1", "models:/churn/latest")):
        into = tmp_path / str(number)
        into.mkdir()
        found = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(into)))
        assert (found / "weights.txt").read_text() == "this is weights.txt\n"


def test_models_are_made_found_renamed_and_deleted(client: MlflowClient) -> None:
    client.create_registered_model("churn", tags={"team": "ops"}, description="who leaves")
    client.update_registered_model("churn", "who stays")
    client.set_registered_model_tag("churn", "kind", "forest")
    client.delete_registered_model_tag("churn", "team")
    for number in range(3):
        client.create_model_version("churn", f"s3://models/{number}", description="a try")
    client.update_model_version("churn", "2", "a better try")
    client.set_model_version_tag("churn", "2", "note", "see page 4")
    client.delete_model_version("churn", "1")
    client.rename_registered_model("churn", "loyalty")
    model = client.get_registered_model("loyalty")
    assert (model.name, model.description, model.tags) == ("loyalty", "who stays", {"kind": "forest"})
    (found,) = client.search_registered_models("tags.kind = 'forest'")
    assert [one.version for one in found.latest_versions] == ["3"]
    versions = client.search_model_versions("name = 'loyalty'", order_by=["version_number ASC"])
    assert [(one.version, one.description, one.tags) for one in versions] == [
        ("2", "a better try", {"note": "see page 4"}),
        ("3", "a try", {}),
    ]
    client.delete_registered_model("loyalty")
    assert client.search_registered_models() == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_stages_are_aliases(client: MlflowClient) -> None:
    client.create_registered_model("churn")
    for number in range(2):
        client.create_model_version("churn", f"s3://models/{number}")
    client.transition_model_version_stage("churn", "1", "Staging")
    client.transition_model_version_stage("churn", "2", "Staging", archive_existing_versions=True)
    assert client.get_model_version_by_alias("churn", "challenger").version == "2"
    assert {one.current_stage: one.version for one in client.get_latest_versions("churn")} == {
        "Archived": "1",
        "Staging": "2",
    }


def test_the_gate_says_what_to_do_instead(client: MlflowClient) -> None:
    client.create_registered_model("churn")
    client.create_model_version("churn", "s3://models/1")
    with pytest.raises(MlflowException, match="loopwright adopt churn 1") as caught:
        client.set_registered_model_alias("churn", "champion", "1")
    assert caught.value.error_code == "PERMISSION_DENIED"


def test_a_package_of_the_project_is_read_like_any_other_version(
    client: MlflowClient, platform: Platform, tmp_path: Path
) -> None:
    platform.blobs.put("runs/run1/artifacts/source/model.onnx", b"not really one")
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    registry.register(
        NewVersion(
            model="late flights",
            run_id="run1",
            source="runs/run1/artifacts/source",
            digest="sha256:1",
            features_digest="sha256:2",
            lineage=UNTRACED,
            verdict=Verdict(passed=True, reasons=(), rows=900),
        )
    )
    registry.promote("late flights", 1, expected=None, who="ann", why="first")
    assert client.get_model_version_by_alias("late flights", "champion").tags["loopwright.gate"] == "passed"
    found = Path(mlflow.artifacts.download_artifacts("models:/late flights@champion", dst_path=str(tmp_path)))
    assert (found / "model.onnx").read_bytes() == b"not really one"

"""Versions and runs as Google's own client shows them on a Vertex AI of this machine."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.tokens import Nobody
from adapters.gcp.vertex import VertexMirror
from adapters.gcp.vertex_client import opened
from loopwright.errors import CapabilityError, UnavailableError
from loopwright.ports.mirror import MirroredRun, MirroredVersion
from tests.clouds.google.throwaway import PROJECT, REGION
from tests.clouds.google.world import google
from tests.clouds.tools import ROOT as ROOT_FOLDER

ROOT = f"/v1/projects/{PROJECT}/locations/{REGION}"


@pytest.fixture
def place() -> GcpPlace:
    name = f"t{secrets.token_hex(6)}"
    return GcpPlace(
        PROJECT, REGION, f"{name}-bucket", name, name, serving_image="serve:1", endpoint=google("run-jobs", "vertex")
    )


@pytest.fixture
def api(place: GcpPlace) -> Iterator[Api]:
    api = Api("", endpoint=place.endpoint, tokens=Nobody())
    yield api
    api.close()


@pytest.fixture
def mirror(place: GcpPlace) -> VertexMirror:
    return VertexMirror(place)


def version(number: int, *aliases: str, run_id: str = "r1") -> MirroredVersion:
    lineage = {"commit": "4f2c", "data-flights": "7-sha256:ABC", "features": "x" * 100}
    return MirroredVersion(number, run_id, f"runs/{run_id}/artifacts/model", aliases, lineage, f"version {number}")


def versions(api: Api, place: GcpPlace) -> dict[str, set[str]]:
    """By the number of ours, the aliases there."""
    found = api.call("GET", f"{ROOT}/models/{place.queues}-my-delays:listVersions")["models"]
    return {one["labels"]["loopwright-version"]: set(one["versionAliases"]) for one in found}


def test_a_version_is_there_with_its_package_its_image_and_where_it_comes_from(
    mirror: VertexMirror, api: Api, place: GcpPlace
) -> None:
    mirror.show_versions("my_delays", [version(7, "champion")])
    found = api.call("GET", f"{ROOT}/models/{place.queues}-my-delays")
    assert found["artifactUri"] == f"gs://{place.bucket}/blobs/runs/r1/artifacts/model"
    assert found["containerSpec"]["imageUri"] == "serve:1"
    assert found["versionDescription"] == "version 7"
    assert set(found["versionAliases"]) == {"champion", "default", "loopwright-7"}
    labels = found["labels"]
    assert labels["loopwright-run"] == "r1"
    assert labels["data-flights"] == "7-sha256-abc"
    assert labels["features"] == "x" * 63


def test_what_is_told_again_is_there_once(mirror: VertexMirror, api: Api, place: GcpPlace) -> None:
    for _ in range(2):
        mirror.show_versions("my_delays", [version(1, "champion"), version(2, "challenger")])
    VertexMirror(place).show_versions("my_delays", [version(1, "champion"), version(2, "challenger")])
    assert versions(api, place) == {
        "1": {"champion", "default", "loopwright-1"},
        "2": {"challenger", "loopwright-2"},
    }


def test_aliases_move_forth_and_back_and_away(mirror: VertexMirror, api: Api, place: GcpPlace) -> None:
    mirror.show_versions("my_delays", [version(1, "champion", "Best_one")])
    mirror.show_versions("my_delays", [version(2, "champion")])
    assert versions(api, place) == {"1": {"loopwright-1"}, "2": {"champion", "default", "loopwright-2"}}
    mirror.show_versions("my_delays", [version(1, "champion"), version(2, "x", "3")])
    assert versions(api, place) == {
        "1": {"champion", "default", "loopwright-1"},
        "2": {"alias-x", "alias-3", "loopwright-2"},
    }


def test_a_model_that_nobody_leads_to_is_not_there(mirror: VertexMirror, api: Api, place: GcpPlace) -> None:
    mirror.show_versions("my_delays", [])
    shown = [one["name"] for one in api.call("GET", f"{ROOT}/models")["models"]]
    assert not [name for name in shown if place.queues in name]


def test_without_an_image_it_is_told_what_to_set(place: GcpPlace) -> None:
    with pytest.raises(CapabilityError, match="LOOPWRIGHT_GCP_SERVING_IMAGE"):
        VertexMirror(replace(place, serving_image="")).show_versions("my_delays", [version(1, "champion")])


@pytest.mark.parametrize("gone", [("google.api_core", "google.cloud"), ("google.cloud.aiplatform",)])
def test_where_the_library_is_not_installed_it_is_told_what_to_install(gone: tuple[str, ...]) -> None:
    code = f"""
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.startswith({gone!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Gone())
for name in [one for one in sys.modules if one.startswith({gone!r})]:
    del sys.modules[name]
from adapters.gcp.place import GcpPlace
from adapters.gcp.vertex import VertexMirror
from loopwright.errors import CapabilityError
from loopwright.ports.mirror import MirroredRun
try:
    VertexMirror(GcpPlace("p", "r", "b", "d", "q")).show_run(MirroredRun("r1", "m", "finished", {{}}, {{}}))
except CapabilityError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT_FOLDER, capture_output=True, text=True, check=True)
    assert "install google-cloud-aiplatform" in done.stdout


def test_a_run_is_in_the_experiment_of_its_model(mirror: VertexMirror, api: Api, place: GcpPlace) -> None:
    run = MirroredRun("0123abcd", "my_delays", "running", {"depth": "3"}, {})
    mirror.show_run(run)
    mirror.show_run(replace(run, state="finished", metrics={"roc_auc": 0.75}))
    mirror.show_run(replace(run, state="finished", metrics={"roc_auc": 0.75}))
    contexts = f"{ROOT}/metadataStores/default/contexts"
    experiment = f"{place.queues}-my-delays"
    assert api.call("GET", f"{contexts}/{experiment}")["schemaTitle"] == "system.Experiment"
    found = api.call("GET", f"{contexts}/{experiment}-0123abcd")
    assert found["schemaTitle"] == "system.ExperimentRun"
    assert found["metadata"] == {"_params": {"depth": "3"}, "_metrics": {"roc_auc": 0.75}, "_state": "COMPLETE"}
    assert found["parentContexts"] == [f"{contexts.removeprefix('/v1/')}/{experiment}"]


def test_googles_own_table_of_an_experiment_has_the_run(mirror: VertexMirror, place: GcpPlace) -> None:
    mirror.show_run(MirroredRun("r-1", "my_delays", "failed", {"depth": "3"}, {"roc_auc": 0.5}))
    with opened(place, "look") as library:
        (run,) = library.ExperimentRun.list(experiment=f"{place.queues}-my-delays")
        assert (run.name, run.get_params(), run.get_metrics()) == ("r-1", {"depth": "3"}, {"roc_auc": 0.5})
        assert run.get_state() == "FAILED"


def test_a_vertex_ai_that_does_not_answer_is_not_available(place: GcpPlace) -> None:
    nowhere = VertexMirror(replace(place, endpoint="http://127.0.0.1:9"))
    with pytest.raises(UnavailableError, match="show versions of my_delays"):
        nowhere.show_versions("my_delays", [version(1, "champion")])

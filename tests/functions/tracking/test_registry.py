"""MLflow's calls on the registry: what they answer of the project's versions, and what they leave to the gate."""

from collections.abc import Mapping
from contextlib import suppress

import pytest

from loopwright.gate import Finding, Verdict
from loopwright.ports import Platform
from loopwright.registry import DatasetPin, Lineage, NewVersion, Registry
from tests.functions.tracking.api import Api, RefusedError, Told

PASSED = Verdict(passed=True, reasons=(Finding("rows", passed=True, wanted="500", got="900"),), rows=900)
REFUSED = Verdict(
    passed=False, reasons=(Finding("minimum", passed=False, wanted="roc_auc >= 0.65", got="0.61"),), rows=900
)
LINEAGE = Lineage(
    code_commit="4f2c",
    code_dirty=False,
    code_digest="sha256:code",
    datasets=(DatasetPin("flights", 7, "sha256:rows"),),
    parameters={"depth": 3},
    environment_digest="sha256:lock",
)


@pytest.fixture
def registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)


@pytest.fixture
def delays(registry: Registry) -> Registry:
    """The registry with versions 1 (passed), 2 (refused) and 3 (passed) of the project's model."""
    for number, verdict in enumerate((PASSED, REFUSED, PASSED), 1):
        registry.register(
            NewVersion(
                model="delays",
                run_id=f"run{number}",
                source=f"runs/run{number}/artifacts/model",
                digest=f"sha256:{number}",
                features_digest="sha256:features",
                lineage=LINEAGE,
                metrics={"roc_auc": 0.71},
                tags={"who": "ann", "team": "ops"},
                verdict=verdict,
            )
        )
    return registry


def noted(api: Api, model: str = "churn", **more: Told) -> Told:
    """Register a notebook's version, and its model if there is none yet."""
    with suppress(RefusedError):
        api.post("registered-models/create", name=model)
    return api.post("model-versions/create", name=model, **{"source": "s3://models/1", **more})["model_version"]


def tags(shown: Mapping[str, Told]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in shown.get("tags", [])}


def test_a_version_of_the_project_shows_what_it_is_made_of(api: Api, delays: Registry) -> None:
    delays.promote("delays", 1, expected=None, who="ann", why="first")
    shown = api.get("model-versions/get", name="delays", version="1")["model_version"]
    assert tags(shown) == {
        "who": "ann",
        "team": "ops",
        "loopwright.commit": "4f2c",
        "loopwright.dirty": "false",
        "loopwright.code": "sha256:code",
        "loopwright.environment": "sha256:lock",
        "loopwright.features": "sha256:features",
        "loopwright.digest": "sha256:1",
        "loopwright.dataset.flights": "7@sha256:rows",
        "loopwright.gate": "passed",
    }
    assert (shown["run_id"], shown["user_id"], shown["status"]) == ("run1", "ann", "READY")
    assert (shown["current_stage"], shown["aliases"]) == ("Production", ["champion"])
    assert shown["source"] == "mlflow-artifacts:/packages/delays/1"
    assert [(one["key"], one["value"]) for one in shown["model_metrics"]] == [("roc_auc", 0.71)]
    assert shown["model_params"] == [{"name": "depth", "value": "3"}]
    uri = api.get("model-versions/get-download-uri", name="delays", version="1")
    assert uri == {"artifact_uri": "mlflow-artifacts:/packages/delays/1"}


def test_what_the_gate_has_said_can_be_searched_for(api: Api, delays: Registry) -> None:
    noted(api)
    assert delays.models()
    for said, wanted in (("passed", ["3", "1"]), ("refused", ["2"])):
        found = api.get("model-versions/search", filter=f"tags.`loopwright.gate` = '{said}'")["model_versions"]
        assert sorted((one["version"] for one in found), reverse=True) == wanted
    refused = api.get("model-versions/search", filter="tags.`loopwright.gate.refusals` LIKE '%roc_auc%'")
    assert [one["version"] for one in refused["model_versions"]] == ["2"]


def test_the_champion_is_moved_by_the_gate_alone(api: Api, delays: Registry) -> None:
    noted(api)
    for model, version, why in (
        ("churn", "1", "loopwright adopt churn 1"),
        ("delays", "2", "did not pass the gate"),
    ):
        for path, told in (
            ("registered-models/alias", {"alias": "champion"}),
            ("model-versions/transition-stage", {"stage": "Production"}),
        ):
            with pytest.raises(RefusedError, match=why) as caught:
                api.post(path, name=model, version=version, **told)
            assert (caught.value.status, caught.value.code) == (403, "PERMISSION_DENIED")
        assert delays.alias(model, "champion") is None


@pytest.mark.parametrize("by", ["alias", "stage"])
def test_a_version_that_has_earned_it_is_promoted_over_mlflow(
    api: Api, platform: Platform, delays: Registry, by: str
) -> None:
    delays.promote("delays", 1, expected=None, who="ann", why="first")
    delays.set_canary("delays", 3, 0.1, who="ann", why="try")
    if by == "alias":
        api.post("registered-models/alias", name="delays", alias="champion", version="3")
    else:
        api.post("model-versions/transition-stage", name="delays", version="3", stage="Production")
    assert delays.routing("delays").champion == 3
    assert delays.routing("delays").canary is None
    last = delays.alias_history("delays", "champion")[-1]
    assert (last.kind, last.old, last.new, last.why.endswith("over MLflow")) == ("promotion", 1, 3, True)
    (event,) = platform.events.recent()
    assert (event.id, event.type, event.subject) == (last.id, "loopwright.registry.promoted", "delays")
    assert event.data == {"version": 3, "replaced": 1, "who": last.who}
    assert delays.rollback("delays", who="ann", why="worse") == 1


def test_the_champion_is_not_taken_away(api: Api, delays: Registry) -> None:
    delays.promote("delays", 1, expected=None, who="ann", why="first")
    for method, path, told in (
        ("DELETE", "registered-models/alias", {"name": "delays", "alias": "champion"}),
        ("POST", "model-versions/transition-stage", {"name": "delays", "version": "1", "stage": "Archived"}),
        ("DELETE", "model-versions/delete", {"name": "delays", "version": "1"}),
        ("DELETE", "registered-models/delete", {"name": "delays"}),
        ("POST", "registered-models/rename", {"name": "delays", "new_name": "lateness"}),
    ):
        assert api.refusal(method, path, **told) == (403, "PERMISSION_DENIED")
    assert delays.routing("delays").champion == 1


def test_aliases_keep_who_moved_them_and_how(api: Api, registry: Registry) -> None:
    noted(api)
    noted(api)
    api.post("registered-models/alias", name="churn", alias="blue", version="1")
    api.post("registered-models/alias", name="churn", alias="blue", version="2")
    api.call("DELETE", "registered-models/alias", name="churn", alias="blue")
    told = [(change.new, change.why) for change in registry.alias_history("churn", "blue")]
    assert told == [(1, "set over MLflow"), (2, "set over MLflow"), (None, "removed over MLflow")]
    assert api.refusal("GET", "registered-models/alias", name="churn", alias="blue") == (400, "INVALID_PARAMETER_VALUE")


def test_a_version_goes_with_its_aliases(api: Api, registry: Registry) -> None:
    noted(api)
    api.post("registered-models/alias", name="churn", alias="blue", version="1")
    api.call("DELETE", "model-versions/delete", name="churn", version="1")
    assert registry.routing("churn").aliases == {}
    assert registry.alias_history("churn", "blue")[-1].why == "deleted over MLflow"
    assert noted(api)["version"] == "2"


def test_a_model_is_renamed_with_all_that_it_has(api: Api) -> None:
    noted(api, tags=[{"key": "team", "value": "ops"}])
    api.post("registered-models/alias", name="churn", alias="blue", version="1")
    made = api.post("registered-models/rename", name="churn", new_name="loyalty")["registered_model"]
    assert (made["name"], made["aliases"]) == ("loyalty", [{"alias": "blue", "version": "1"}])
    found = api.get("registered-models/alias", name="loyalty", alias="blue")["model_version"]
    assert (found["name"], tags(found)) == ("loyalty", {"team": "ops"})
    assert api.refusal("GET", "registered-models/get", name="churn") == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_logged_model_is_registered_and_knows_it(api: Api) -> None:
    experiment = api.experiment()
    run_id = api.run(experiment)
    model = api.post("logged-models", experiment_id=experiment, name="forest", source_run_id=run_id)["model"]["info"]
    source = f"models:/{model['model_id']}"
    made = noted(api, source=source, model_id=model["model_id"])
    assert (made["source"], made["run_id"]) == (source, run_id)
    noted(api, "loyalty", source=source, model_id=model["model_id"])
    uri = api.get("model-versions/get-download-uri", name="churn", version="1")["artifact_uri"]
    assert uri == model["artifact_uri"]
    info = api.get(f"logged-models/{model['model_id']}")["model"]["info"]
    assert tags(info)["mlflow.modelVersions"].replace(" ", "") == (
        '[{"name":"churn","version":1},{"name":"loyalty","version":1}]'
    )
    copy = noted(api, "copy", source="models:/churn/1")
    info = api.get(f"logged-models/{model['model_id']}")["model"]["info"]
    assert "copy" not in tags(info)["mlflow.modelVersions"]
    assert (copy["source"], copy["run_id"]) == ("models:/churn/1", run_id)
    assert api.get("model-versions/get-download-uri", name="copy", version="1")["artifact_uri"] == uri


def test_a_source_is_in_what_the_request_names(api: Api) -> None:
    experiment = api.experiment()
    mine, other = api.run(experiment), api.run(experiment)
    logged = api.post("logged-models", experiment_id=experiment, name="forest")["model"]["info"]
    root = f"mlflow-artifacts:/{experiment}"
    noted(api, source=f"{root}/{mine}/artifacts/model", run_id=mine)
    noted(api, source=f"runs:/{mine}/model", run_id=mine)
    noted(api, source=logged["artifact_uri"], model_id=logged["model_id"])
    for source, named in (
        (f"{root}/{mine}/artifacts/model", {}),
        (f"{root}/{mine}/artifacts/model", {"run_id": other}),
        (f"{root}/{mine}/artifacts/../../{other}/artifacts", {"run_id": mine}),
        (f"{root}/{mine}/artifacts/%2e%2e/%252e%252e/x", {"run_id": mine}),
        (f"{root}/{mine}/artifactsx", {"run_id": mine}),
        (f"{root}/{mine}/artifacts/model", {"run_id": "nobody"}),
        (f"runs:/{mine}/model", {"run_id": other}),
        (f"runs:/{mine}/model", {}),
        (f"models:/{logged['model_id']}", {}),
        (f"models:/{logged['model_id']}", {"model_id": "m-other"}),
        (logged["artifact_uri"], {"run_id": mine}),
        ("mlflow-artifacts://elsewhere/0/run/artifacts", {"run_id": mine}),
        ("https://example.org/model", {}),
        ("/etc/passwd", {"run_id": mine}),
        ("file:///etc/passwd", {}),
        ("models:/a/b/c", {}),
        ("models:/a@", {}),
        ("models:/a/ ", {}),
        ("models:///", {}),
        ("mlflow-artifacts:/packages/delays/1", {"run_id": mine}),
    ):
        refused = api.refusal("POST", "model-versions/create", name="churn", source=source, **named)
        assert refused == (400, "INVALID_PARAMETER_VALUE"), source


def test_versions_are_found_by_stage_alias_and_number_as_sources(api: Api) -> None:
    for number in (1, 2, 3):
        noted(api, source=f"s3://models/{number}")
    api.post("registered-models/alias", name="churn", alias="blue", version="1")
    api.post("model-versions/transition-stage", name="churn", version="2", stage="Staging")
    for source, wanted in (
        ("models:/churn@blue", "models:/churn/1"),
        ("models:/churn/staging", "models:/churn/2"),
        ("models:/churn/latest", "models:/churn/3"),
        ("models:/churn/2", "models:/churn/2"),
    ):
        made = noted(api, "copy", source=source)
        assert made["source"] == wanted
        uri = api.get("model-versions/get-download-uri", name="copy", version=made["version"])["artifact_uri"]
        assert uri == f"s3://models/{wanted[-1]}"
    for source, refused in (
        ("models:/churn@green", (400, "INVALID_PARAMETER_VALUE")),
        ("models:/churn/Production", (400, "INVALID_PARAMETER_VALUE")),
        ("models:/churn/Testing", (400, "INVALID_PARAMETER_VALUE")),
        ("models:/churn/9", (404, "RESOURCE_DOES_NOT_EXIST")),
        ("models:/nobody/1", (404, "RESOURCE_DOES_NOT_EXIST")),
    ):
        assert api.refusal("POST", "model-versions/create", name="copy", source=source) == refused, source


def test_prompts_are_told_to_those_who_ask_for_prompts(api: Api) -> None:
    prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    api.post("registered-models/create", name="greeting", tags=[prompt])
    text = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}
    api.post("model-versions/create", name="greeting", source="dummy-source", tags=[prompt, text])
    assert api.refusal("POST", "model-versions/create", name="greeting", source="s3://x", tags=[prompt])[0] == 400
    noted(api)
    for path, listed in (("registered-models", "registered_models"), ("model-versions", "model_versions")):
        for asked, wanted in (
            ("", ["churn"]),
            ("tags.`mlflow.prompt.is_prompt` = 'false'", ["churn"]),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", ["greeting"]),
        ):
            found = api.get(f"{path}/search", filter=asked)[listed]
            assert [one["name"] for one in found] == wanted


def test_pages_go_on_where_the_last_one_ended_whatever_was_made_since(api: Api) -> None:
    for name in ("b", "d", "f"):
        noted(api, name)
    first = api.get("registered-models/search", max_results=2)
    noted(api, "a")
    rest = api.get("registered-models/search", max_results=2, page_token=first["next_page_token"])
    assert [one["name"] for one in (*first["registered_models"], *rest["registered_models"])] == ["b", "d", "f"]
    assert "next_page_token" not in rest
    odd = {"page_token": "odd"}
    assert api.refusal("GET", "registered-models/search", **odd) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("area", ["registered-models", "model-versions"])
@pytest.mark.parametrize("size", [0, -1, 200_001])
def test_a_page_has_a_size(api: Api, area: str, size: int) -> None:
    assert api.refusal("GET", f"{area}/search", max_results=size) == (400, "INVALID_PARAMETER_VALUE")


def test_versions_are_found_by_the_runs_that_made_them(api: Api, delays: Registry) -> None:
    noted(api, run_id="run1")
    noted(api, run_id="elsewhere")
    noted(api)
    assert len(delays.models()) == 2
    for asked, wanted in (
        ("run_id = 'run1'", {("delays", "1"), ("churn", "1")}),
        ("run_id IN ('run1', 'run2', 'nobody')", {("delays", "1"), ("delays", "2"), ("churn", "1")}),
        ("run_id = 'run1' AND name = 'churn'", {("churn", "1")}),
        ("run_id = 'run1' AND name LIKE 'd%'", {("delays", "1")}),
        ("run_id = 'run1' AND run_id = 'run2'", set()),
        ("run_id = ''", {("churn", "3")}),
        (f"name = '{'x' * 600}'", set()),
        (f"run_id = '{'x' * 2_000}'", set()),
        ("run_id != 'run1' AND name IN ('churn')", {("churn", "2"), ("churn", "3")}),
        ("name IN ('churn', 'delays', 'nobody') AND version_number = 1", {("delays", "1"), ("churn", "1")}),
        ("run_id LIKE 'run%' AND tags.`loopwright.gate` = 'passed'", {("delays", "1"), ("delays", "3")}),
    ):
        shown = api.get("model-versions/search", filter=asked).get("model_versions", [])
        assert {(one["name"], one["version"]) for one in shown} == wanted, asked

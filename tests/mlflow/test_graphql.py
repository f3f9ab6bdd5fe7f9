"""What the UI's pages ask over GraphQL: by the pages' own queries, of a stock server and of ours."""

import json
import math
import re
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from adapters import open_platform
from loopwright.definitions import Access, Grant, Project
from loopwright.settings import Settings
from tests.clouds.tools import MissingToolError
from tests.mlflow import bundle
from tests.mlflow.ours import served

EXPERIMENT = "MlflowGetExperimentQuery"


def said(url: str, query: str, *, operation: str | None = None, **variables: object) -> dict[str, Any]:
    body = {"operationName": operation, "query": query, "variables": variables}
    answer = httpx.post(f"{url}/graphql", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def page_query(name: str) -> str:
    try:
        return bundle.query(name)
    except MissingToolError as error:
        pytest.skip(f"MLflow is not to be had: {error}")


def created(url: str, name: str) -> str:
    answer = httpx.post(
        f"{url}/api/2.0/mlflow/experiments/create", json={"name": name, "tags": [{"key": "a", "value": "b"}]}
    )
    identity: str = answer.json()["experiment_id"]
    return identity


def test_an_experiments_page_is_told_the_same(stock: str, ours: str) -> None:
    query = page_query(EXPERIMENT)
    answers = []
    for url in (stock, ours):
        identity = created(url, "graphql")
        told = said(url, query, operation=EXPERIMENT, input={"experimentId": identity})
        experiment = told["data"]["mlflowGetExperiment"]["experiment"]
        assert experiment.pop("experimentId") == identity
        assert experiment.pop("artifactLocation") == f"mlflow-artifacts:/{identity}"
        assert int(experiment.pop("creationTime")) <= int(experiment.pop("lastUpdateTime"))
        answers.append(told)
    assert answers[0] == answers[1]


def filled(url: str) -> tuple[str, str]:
    """Log the same run wherever it is; return the identities of its experiment and of itself."""
    client = MlflowClient(url)
    name = f"graphql runs {len(client.search_experiments())}"
    experiment = client.create_experiment(name, tags={"kind": "test"})
    run = client.create_run(experiment, start_time=1_700_000_000_000, run_name="a run", tags={"mlflow.user": "ada"})
    identity: str = run.info.run_id
    metrics = [Metric("auc", 0.5 + step / 100, 1_700_000_000_000 + step, step) for step in range(5)]
    metrics += [Metric("none", math.nan, 1_700_000_000_000, 0)]
    client.log_batch(identity, metrics, [Param("depth", "seventeen")], [RunTag("team", "ops")])
    data = Dataset("flights", "5eed", "local", '{"uri": "a.csv"}', schema="{}")
    client.log_inputs(identity, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    client.create_registered_model(name)
    client.create_model_version(name, f"runs:/{identity}/model", identity, await_creation_for=0)
    client.set_terminated(identity, end_time=1_700_000_060_000)
    return experiment, identity


def without(told: object, experiment: str, run: str) -> object:
    """Return an answer with what differs between servers taken out: identities, moments, names with numbers."""
    text = json.dumps(told, sort_keys=True).replace(run, "<run>")
    text = re.sub(rf'((?:"experimentId": "|:/)){experiment}(?=["/])', r"\1<experiment>", text)
    text = re.sub(r"graphql runs \d+", "<name>", text)
    return json.loads(re.sub(r'"(lastUpdateTime|creationTimestamp)": "\d+"', r'"\1": "<moment>"', text))


def run_by_run(run: dict[str, Any]) -> dict[str, Any]:
    for one in ("metrics", "params", "tags"):
        run["data"][one].sort(key=lambda item: item["key"])
    return run


def test_a_runs_page_is_told_the_same(stock: str, ours: str) -> None:
    query, answers = page_query("GetRun"), []
    for url in (stock, ours):
        experiment, run = filled(url)
        told = said(url, query, operation="GetRun", data={"runId": run})
        found = run_by_run(told["data"]["mlflowGetRun"]["run"])
        assert found["modelVersions"]
        answers.append(without(told, experiment, run))
    assert answers[0] == answers[1]


def test_searching_and_courses_of_metrics_are_told_the_same(stock: str, ours: str) -> None:
    answers = []
    for url in (stock, ours):
        experiment, run = filled(url)
        asked = {"experimentIds": [experiment], "filter": "params.depth = 'seventeen'"}
        found = said(url, page_query("SearchRuns"), data=asked)
        for one in found["data"]["mlflowSearchRuns"]["runs"]:
            run_by_run(one)
        course = {"runIds": [run], "metricKey": "auc", "maxResults": 100}
        points = said(url, page_query("GetMetricHistoryBulkInterval"), data=course)
        assert len(points["data"]["mlflowGetMetricHistoryBulkInterval"]["metrics"]) == 5
        listing = f'mlflowListArtifacts(input: {{runId: "{run}"}})'
        files = said(url, f"{{ {listing} {{ rootUri files {{ path isDir fileSize }} }} }}")
        answers.append(without([found, points, files], experiment, run))
    assert answers[0] == answers[1]


def test_nobody_is_told_over_graphql_what_he_may_not_read() -> None:
    platform = open_platform(Settings(provider="memory"))
    hers = Project("notebooks", (), access=Access(experiments=(Grant("*", manage=("ann",), others="none"),)))
    keys = {"LOOPWRIGHT_API_KEYS": "ann:the-key-of-ann-0123456789,bob:the-key-of-bob-0123456789"}
    with served(platform, hers, keys) as url:
        ann, bob = (("", f"the-key-of-{name}-0123456789") for name in ("ann", "bob"))
        made = httpx.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": "a secret"}, auth=ann)
        experiment = made.json()["experiment_id"]
        body = {"query": page_query(EXPERIMENT), "variables": {"input": {"experimentId": experiment}}}
        assert "a secret" in httpx.post(f"{url}/graphql", json=body, auth=ann).text
        refused = httpx.post(f"{url}/graphql", json=body, auth=bob)
        assert "a secret" not in refused.text
        answer = refused.json()["data"]["mlflowGetExperiment"]
        assert (answer["experiment"], answer["apiError"]["code"]) == (None, "PERMISSION_DENIED")
    platform.close()


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query { mlflowNothing { a } }", {}),
        ('query { mlflowGetExperiment(input: {experimentId: "99999"}) { experiment { nothing } } }', {}),
        ('query { mlflowGetExperiment(input: {experimentId: "99999"}) { experiment { name } } }', {}),
        ('query { mlflowGetExperiment(input: {experimentId: "99999"}) { experiment } }', {}),
        ('query { mlflowGetExperiment(input: {experimentId: "99999"}) { experiment { name { a } } } }', {}),
        ("query A($a: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $a) { experiment { name } } }", {}),
        ("query A { __typename } query B { __typename }", {}),
        ("{ __typename other: __typename }", {}),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_same_form(
    stock: str, ours: str, query: str, variables: dict[str, object]
) -> None:
    theirs, told = said(stock, query, **variables), said(ours, query, **variables)
    assert told["data"] == theirs["data"]
    assert len(told["errors"] or []) == len(theirs["errors"] or [])
    assert all(isinstance(error, str) for error in told["errors"] or [])


def test_a_run_that_is_not_there_is_told_by_the_code_that_the_page_knows(ours: str) -> None:
    told = said(ours, page_query("GetRun"), operation="GetRun", data={"runId": "0" * 32})
    answer = told["data"]["mlflowGetRun"]
    assert (told["errors"], answer["run"], answer["__typename"]) == (None, None, "MlflowGetRunResponse")
    assert answer["apiError"]["code"] == "RESOURCE_DOES_NOT_EXIST"
    assert "0" * 32 in answer["apiError"]["message"]


def test_a_field_that_is_selected_twice_is_answered_once_with_all_of_it(ours: str) -> None:
    identity = created(ours, "twice")
    told = said(
        ours,
        f'{{ one: mlflowGetExperiment(input: {{experimentId: "{identity}"}}) '
        "{ experiment { n: name } ...F experiment { tags { key } } } } "
        "fragment F on MlflowGetExperimentResponse { experiment { __typename lifecycleStage } }",
    )
    experiment = {"n": "twice", "__typename": "MlflowExperiment", "lifecycleStage": "active", "tags": [{"key": "a"}]}
    assert told == {"data": {"one": {"experiment": experiment}}, "errors": None}


def test_a_body_that_is_no_request_is_told_as_clients_read_it(ours: str) -> None:
    for body in (b"nothing", b"{}", b'{"query": 1}'):
        answer = httpx.post(f"{ours}/graphql", content=body)
        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_document_that_is_nested_without_end_is_refused(ours: str) -> None:
    told = said(ours, "{ a(b: " + "[" * 100_000 + "}")
    assert told == {"data": None, "errors": ["Syntax Error: the document is nested too deep."]}

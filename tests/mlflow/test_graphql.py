"""What the UI's pages ask over GraphQL: by the pages' own queries, of a stock server and of ours."""

from typing import Any

import httpx
import pytest

from tests.clouds.tools import MissingToolError
from tests.mlflow import bundle

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

"""Any query over what our GraphQL knows is answered by a stock server and by ours in the same way."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.tracking.graphql_types import DECLARED
from tests.mlflow.ours import our_server
from tests.mlflow.test_graphql import filled, said

ROOTS: Final = {
    "mlflowGetExperiment": ("MlflowGetExperimentResponse", '{{experimentId: "{experiment}"}}'),
    "mlflowGetRun": ("MlflowGetRunResponse", '{{runId: "{run}"}}'),
    "mlflowSearchRuns": ("MlflowSearchRunsResponse", '{{experimentIds: ["{experiment}"]}}'),
    "mlflowListArtifacts": ("MlflowListArtifactsResponse", '{{runId: "{run}", path: ""}}'),
    "mlflowSearchModelVersions": ("MlflowSearchModelVersionsResponse", "{{filter: \"run_id = '{run}'\"}}"),
}
MOMENTS: Final = re.compile(r"Time$|Timestamp$")
UNLIKE: Final = frozenset({"workspace"})
"""A stock server tells which of its workspaces it is, and there are none here."""


@st.composite
def selections(draw: st.DrawFn, kind: str) -> str:
    """A selection of a type's fields, some of them under other names, some in fragments."""
    fields = {name: inner or "String" for name, _, inner in (one.partition(":") for one in DECLARED[kind].split())}
    chosen = draw(st.lists(st.sampled_from(sorted(set(fields) - UNLIKE)), min_size=1, max_size=6, unique=True))
    words = ["__typename"] if draw(st.booleans()) else []
    for name in chosen:
        single = fields[name].strip("[]")
        within = f" {draw(selections(single))}" if single in DECLARED else ""
        # The end of a name says how it is compared.
        words.append(f"{draw(st.sampled_from(['', 'other_']))}{name}: {name}{within}")
    text = " ".join(words)
    return f"{{ ... {{ {text} }} }}" if draw(st.booleans()) else f"{{ {text} }}"


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, str]:
    root = draw(st.sampled_from(sorted(ROOTS)))
    kind, asked = ROOTS[root]
    return f"{root}(input: {asked})", draw(selections(kind))


@pytest.fixture(scope="module")
def servers(stock: str) -> Iterator[list[tuple[str, str, str]]]:
    with our_server() as ours:
        yield [(url, *filled(url)) for url in (stock, ours)]


def comparable(value: Any, experiment: str, run: str) -> Any:  # noqa: ANN401 - JSON
    """Return an answer without identities and moments; lists whose order is nobody's word are sorted."""
    match value:
        case dict():
            return {name: _field(name, one, experiment, run) for name, one in value.items()}
        case list():
            return sorted((comparable(one, experiment, run) for one in value), key=_written)
        case str():
            text = value.replace(run, "<run>").replace(f":/{experiment}", ":/<experiment>")
            return re.sub(r"graphql runs \d+", "<name>", text)
        case _:
            return value


def _field(name: str, value: Any, experiment: str, run: str) -> Any:  # noqa: ANN401
    if name.endswith("experimentId"):
        assert value == experiment
        return "<experiment>"
    return "<moment>" if MOMENTS.search(name) and value != "0" else comparable(value, experiment, run)


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=queries())
def test_any_query_is_answered_as_by_a_stock_server(
    servers: list[tuple[str, str, str]], asked: tuple[str, str]
) -> None:
    root, selected = asked
    theirs, ours = (
        comparable(said(url, f"{{ {root.format(experiment=experiment, run=run)} {selected} }}"), experiment, run)
        for url, experiment, run in servers
    )
    assert ours == theirs


def test_a_query_over_everything_is_answered_as_by_a_stock_server(servers: list[tuple[str, str, str]]) -> None:
    for root, (kind, asked) in ROOTS.items():
        answers = []
        for url, experiment, run in servers:
            text = f"{{ {root}(input: {asked.format(experiment=experiment, run=run)}) {everything(kind)} }}"
            answers.append(comparable(said(url, text), experiment, run))
        assert answers[0] == answers[1], root
        assert answers[1]["errors"] is None


def everything(kind: str) -> str:
    words = ["__typename"]
    for one in DECLARED[kind].split():
        name, _, inner = one.partition(":")
        single = inner.strip("[]")
        if name not in UNLIKE:
            words.append(f"{name} {everything(single)}" if single in DECLARED else name)
    return f"{{ {' '.join(words)} }}"

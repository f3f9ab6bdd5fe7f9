"""Each call of the protocol by each role; and that whoever may not read an experiment reads nothing of it anywhere."""

import re
from collections.abc import Mapping
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import open_platform
from functions.callers import ANONYMOUS, Caller
from functions.tracking.app import Services, routes
from functions.tracking.needs import NEEDS, Need, Needed, OfVersion
from functions.tracking.requests import Acting, Route
from loopwright.definitions.access import ROLES, Role, suffices
from loopwright.settings import Settings
from tests.functions.permitting import CANARY, FILE, GUEST, ROOT, Server, Team, tells, world

WHO: Mapping[Role, Caller] = {
    "none": GUEST,
    "read": Caller("visitor", "token"),
    "write": Caller("clerk", "platform"),
    "manage": Caller("chief", "key"),
}
ROUTES = routes(Services.over(open_platform(Settings(provider="memory"))))
KINDS = {(one.method, one.path): one.act.kind for one in ROUTES if isinstance(one.act, Acting)}


@cache
def shared() -> tuple[Server, Team, Team]:
    """One world for all that changes nothing."""
    return world()


def values(team: Team) -> Mapping[str, str]:
    """What fields of requests would tell of a team."""
    return {
        "experiment_id": team.experiment_id,
        "experiment_ids": team.experiment_id,
        "experiment_name": team.experiment,
        "run_id": team.run_id,
        "run_uuid": team.run_id,
        "run_ids": team.run_id,
        "model_id": team.model_id,
        "artifact_path": team.path,
        "path": FILE,
        "artifact_file_path": FILE,
        "source": team.source,
        "version": "1",
        "alias": "best",
        "stage": "Archived",
    }


def asked_of(route: Route, team: Team) -> dict[str, object]:
    """A request of a route that is about a team."""
    told = values(team)
    name = team.model if "registered-models" in route.path or "model-versions" in route.path else team.experiment
    fields: dict[str, object] = {**told, "name": name, "new_name": f"{name}-anew", "key": "k", "metric_key": CANARY}
    fields |= {"value": "0.5", "timestamp": 1, "tag_key": CANARY, "status": 2, "model_json": "{}", "models": []}
    fields |= {"upload_id": "u", "parts": []} | ({"path": team.path} if "-artifacts/artifacts" in route.path else {})
    kind = KINDS.get((route.method, route.path))
    if kind is None:
        return {**fields}
    found: dict[str, object] = {}
    for one in msgspec.structs.fields(kind):
        if one.encode_name in fields:
            value = fields[one.encode_name]
            listed = str(one.type).startswith("list") and not isinstance(value, list)
            found[one.encode_name] = [value] if listed else value
    return found


def address(route: Route, fields: Mapping[str, object]) -> str:
    filled = re.sub(r"\{(\w+)(:path)?\}", lambda found: str(fields.get(found[1], "k")), route.path)
    return f"/{filled}" if getattr(route, "prefixes", ("/api/",)) == ("/",) else f"/api/{filled}"


def wanted(needs: tuple[Needed, ...]) -> Role | None:
    roles: list[Role] = ["read" for one in needs if isinstance(one, OfVersion)]
    roles += [one.role for one in needs if isinstance(one, Need)]
    return max(roles, key=ROLES.index) if roles else None


def denied(server: Server, caller: Caller, route: Route, team: Team) -> str:
    fields = asked_of(route, team)
    data = b"" if (route.method, route.path) in KINDS else b"raw"
    answer = server.ask(caller, route.method, address(route, fields), fields, data)
    return answer.body["message"] if answer.status == 403 else ""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_a_call_is_done_for_who_has_the_role_that_it_wants_and_for_nobody_else(route: Route, role: Role) -> None:
    server, _, closed = shared() if route.method == "GET" else world()
    wants = wanted(tuple(NEEDS[route.method, route.path]))
    refused = denied(server, WHO[role], route, closed)
    assert bool(refused) == (wants is not None and not suffices(role, wants)), refused
    assert CANARY not in refused


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_admins_and_whoever_sits_at_the_machine_may_do_everything(route: Route) -> None:
    server, _, closed = shared() if route.method == "GET" else world()
    for caller in (ROOT, Caller("ann", "machine")):
        assert not denied(server, caller, route, closed)


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_where_nothing_is_declared_whoever_gets_in_may_do_everything(route: Route) -> None:
    server, _, closed = world()
    assert not denied(Server(server.platform, None), ANONYMOUS, route, closed)


def test_a_refusal_says_who_may_not_do_what_and_whom_to_ask() -> None:
    server, _, closed = shared()
    answer = server.ask(GUEST, "GET", "/api/2.0/mlflow/runs/get", {"run_id": closed.run_id})
    assert (answer.status, answer.body) == (
        403,
        {
            "error_code": "PERMISSION_DENIED",
            "message": f"guest@x.example may not read run '{closed.run_id}': the role there is 'none', and this wants "
            "'read'. Ask chief, root@x.example",
        },
    )
    answer = server.ask(ANONYMOUS, "GET", "/api/2.0/mlflow/runs/get", {"run_id": closed.run_id})
    assert "somebody without a name may not read run" in answer.body["message"]


def test_a_page_is_full_though_much_lies_between_that_may_not_be_read() -> None:
    server, _, _ = world()
    for number in range(12):
        for name in (f"closed-{number}", f"open-{number}" if number % 4 == 0 else f"closed+{number}"):
            server.done(ROOT, "POST", "experiments/create", name=name)
            server.done(ROOT, "POST", "registered-models/create", name=name)
    for call, listed in (("experiments/search", "experiments"), ("registered-models/search", "registered_models")):
        pages: list[list[str]] = []
        token = ""
        while not pages or token:
            found = server.done(GUEST, "GET", call, max_results=2, page_token=token)
            pages.append([one["name"] for one in found.get(listed, [])])
            token = found.get("next_page_token", "")
        assert [len(page) for page in pages if page] == [2, 2], pages
        names = {name for page in pages for name in page}
        assert names >= {"open-0", "open-4", "open-8"}
        assert len(names) == 4


def test_what_leads_to_a_version_protects_it_from_being_moved_by_whatever_call() -> None:
    server, opened, _ = world()
    name = {"name": opened.model}
    server.done(ROOT, "POST", "registered-models/alias", **name, alias="challenger", version="1")
    for method, call, fields in (
        ("POST", "registered-models/alias", {"alias": "challenger", "version": "1"}),
        ("DELETE", "registered-models/alias", {"alias": "challenger"}),
        ("POST", "registered-models/alias", {"alias": "champion", "version": "1"}),
        ("POST", "model-versions/transition-stage", {"version": "1", "stage": "Staging"}),
        ("POST", "model-versions/transition-stage", {"version": "1", "stage": "production"}),
        ("POST", "model-versions/transition-stage", {"version": "1", "stage": "Archived"}),
        ("DELETE", "model-versions/delete", {"version": "1"}),
        ("DELETE", "model-versions/delete", {"version": "01"}),
        ("DELETE", "model-versions/delete", {"version": " 1"}),
        ("DELETE", "registered-models/delete", {}),
        ("POST", "registered-models/rename", {"new_name": "open-anew"}),
    ):
        answer = server.ask(GUEST, method, f"/api/2.0/mlflow/{call}", {**name, **fields})
        assert answer.status == 403, (call, fields, answer)
        assert "guest@x.example may not move the protected alias" in answer.body["message"]
        assert "Ask an approver: chief, root@x.example" in answer.body["message"]
    server.done(GUEST, "POST", "registered-models/alias", **name, alias="best", version="1")


def test_searches_tell_what_may_be_read() -> None:
    server, opened, closed = shared()
    visitor = WHO["read"]
    both = {"experiment_ids": [opened.experiment_id, closed.experiment_id], "max_results": 10}
    for caller, team in ((GUEST, opened), (visitor, closed)):
        found = server.done(caller, "POST", "runs/search", **both)
        assert [one["info"]["run_id"] for one in found["runs"]] == [team.run_id]
        found = server.done(caller, "POST", "logged-models/search", **both)
        assert [one["info"]["model_id"] for one in found["models"]] == [team.model_id]
        found = server.done(caller, "POST", "experiments/search", max_results=10)
        assert [one["name"] for one in found["experiments"]] == [team.experiment]
        found = server.done(caller, "GET", "registered-models/search")
        assert [one["name"] for one in found["registered_models"]] == [team.model]
        found = server.done(caller, "GET", "model-versions/search")
        assert [one["name"] for one in found["model_versions"]] == [team.model]
    nobody = server.done(Caller("nobody", "key"), "POST", "runs/search", **both)
    assert nobody.get("runs", []) == []


TOLD = tuple(values(shared()[1]))
WORDS = ("", "1", "loss", "Staging", "best", FILE, "model", "models:/closed-model/1", "models:/closed-model@best")
OF_RUN = "info { runName } data { tags { key } metrics { value } } modelVersions { description }"
OPTIONAL = (
    "view_type",
    "run_view_type",
    "allow_deleted",
    "filter",
    "order_by",
    "page_token",
    "artifact_location",
    "run_link",
)
"""With these, most of what could be drawn is refused."""


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, object]]:
    """Any call, with fields that tell of either team, or of nothing; what the teams have is filled in later."""
    method, path = call = draw(st.sampled_from(sorted(CALLS)))
    fields = {
        name: draw(_value(name, kind))
        for name, kind in CALLS[call].items()
        if name not in OPTIONAL and draw(st.integers(0, 5))
    }
    return method, re.sub(r"\{(\w+)(:path)?\}", lambda found: draw(_value(found[1], "str")), path), fields


def _value(name: str, kind: str) -> st.SearchStrategy[object]:
    if kind == "graphql":
        return st.sampled_from(GRAPHQL)
    if kind.startswith("list") and "str" not in kind:
        return st.just([])
    if "str" not in kind:
        return st.sampled_from([1, 2, 3])
    if name == "metric_key":
        return st.just("loss")
    likely = {"name": ["experiment", "model"], "new_name": ["experiment", "model"]}.get(name, [name])
    own = [f"{team}.{one}" for team in ("closed", "closed", "opened") for one in likely]
    text = st.sampled_from([*own * 4, *WORDS] if name in TOLD or name in {"name", "new_name"} else WORDS)
    return st.lists(text, min_size=1, max_size=2) if kind.startswith("list") else text


CALLS: Mapping[tuple[str, str], Mapping[str, str]] = {
    (one.method, f"/ajax-api/{one.path}"): {
        field.encode_name: str(field.type) for field in msgspec.structs.fields(KINDS[one.method, one.path])
    }
    if (one.method, one.path) in KINDS
    else dict.fromkeys(TOLD, "str")
    for one in ROUTES
}


CALLS = {**CALLS, ("POST", "/graphql"): {"query": "graphql"}}
GRAPHQL = tuple(
    f"{kind} {{ mlflow{name}(input: {{ {given} }}) {{ {wanted} }} }}"
    for kind, name, given, wanted in (
        ("query", "GetRun", 'runId: "closed.run_id"', f"run {{ {OF_RUN} experiment {{ tags {{ key }} }} }}"),
        ("query", "GetExperiment", 'experimentId: "closed.experiment_id"', "experiment { tags { key } }"),
        (
            "query",
            "SearchRuns",
            'experimentIds: ["opened.experiment_id", "closed.experiment_id"]',
            f"runs {{ {OF_RUN} }}",
        ),
        ("query", "SearchModelVersions", "", "modelVersions { description }"),
        ("query", "ListArtifacts", 'runId: "closed.run_id", path: "model"', "files { path }"),
        ("mutation", "SearchDatasets", 'experimentIds: ["closed.experiment_id"]', "datasetSummaries { name digest }"),
        (
            "query",
            "GetMetricHistoryBulkInterval",
            'runIds: ["opened.run_id", "closed.run_id"], metricKey: "loss"',
            "metrics { value }",
        ),
    )
)


def filled(told: object, teams: Mapping[str, Team]) -> object:
    """Put what the teams have into a request."""
    if isinstance(told, list):
        return [filled(one, teams) for one in told]
    if not isinstance(told, str):
        return told

    def there(found: re.Match[str]) -> str:
        team = teams[found[1]]
        return {**values(team), "experiment": team.experiment, "model": team.model}[found[2]]

    return re.sub(r"(opened|closed)\.(\w+)", there, told)


@settings(max_examples=100, deadline=None)
@given(st.lists(requests(), min_size=10, max_size=40))
def test_whoever_may_not_read_an_experiment_sees_nothing_of_it_whatever_he_asks(
    asked: list[tuple[str, str, dict[str, object]]],
) -> None:
    server, opened, closed = world()
    teams = {"opened": opened, "closed": closed}
    for method, path, fields in asked:
        where = str(filled(path, teams))
        answer = server.ask(GUEST, method, where, {name: filled(one, teams) for name, one in fields.items()})
        assert not tells(answer), (method, where, fields, answer)
        assert answer.status != 500, (method, where, fields, answer)
    unharmed = server.done(ROOT, "GET", "runs/get", run_id=closed.run_id)["run"]
    assert (unharmed["info"]["lifecycle_stage"], len(unharmed["data"]["tags"])) == ("active", 2)


def test_graphql_tells_those_who_may_read() -> None:
    server, opened, closed = shared()
    for query in GRAPHQL:
        asked = {"query": filled(query, {"opened": opened, "closed": closed})}
        for caller, may in ((ROOT, True), (GUEST, False)):
            answer = server.ask(caller, "POST", "/graphql", asked)
            assert answer.status == 200
            assert tells(answer) == (may and "ListArtifacts" not in query), (query, answer)

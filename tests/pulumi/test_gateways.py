"""A stack whose callers have a key, then tokens: the APIs in front of its functions as `pulumi up` makes them.

The AWS on this machine checks keys and tokens as AWS does, so callers are really let in and refused. It asks nobody
whether an API may call a function, and cuts no path by what a stage was published with: that much is looked up in what
was made. Each step goes on where the last one of its test ended.
"""

import gzip
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clouds.aws import ACCOUNT, REGION
from tests.clouds.issuer import Issuer, issuing
from tests.clouds.ministack import running
from tests.clouds.tools import ROOT, MissingToolError
from tests.pipelines import ui
from tests.pulumi.command_line import command_line
from tests.pulumi.deployed import Answered
from tests.pulumi.doors import LABELS, World, left
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import Stack, aws_at

COMMAND = Path(sys.executable).with_name("loopwright")
FOLDER = Path(__file__).parent / "umbrella"
PREFIX = "umbrella-doors"
ALICE = "0123456789abcdef" * 2
ROUTES = {
    "GET /health": "predict",
    "GET /health/ready": "predict",
    "GET /openapi.json": "predict",
    "POST /features/{view}/push": "features",
    "POST /features/{view}/read": "features",
    "POST /models/{model}/labels": "labels",
    "POST /models/{model}/predict": "predict",
    "POST /models/{model}/retrain": "retrain",
}
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
FUNCTIONS = frozenset(ROUTES.values())
DEFAULT = "GET /api/2.0/mlflow/experiments/get?experiment_id=0"

Step = Callable[[World], None]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("doors")
    try:
        command_line()
        python = newest_python()
        with (
            issuing(folder) as issuer,
            running(auth=True, variables={"SSL_CERT_FILE": str(issuer.certificate)}) as aws,
        ):
            stack = Stack("doors", aws_at(aws.endpoint), folder)
            project = str(FOLDER.relative_to(ROOT))
            stack.create(aws__region=REGION, protect="false", project=project, pythonVersion=python)
            yield World(stack, aws, issuer)
    except MissingToolError as error:
        pytest.skip(str(error))


def who_has_the_key_is_answered_and_nobody_else(world: World) -> None:
    world.stack.configure(auth="apikey")
    world.stack.up()
    door = world.door()
    assert door.asked("GET /health", x_api_key=door.key).status == 200
    told = door.asked("POST /models/rain/labels", LABELS, x_api_key=door.key)
    assert told == Answered(200, {"accepted": 1})
    for headers in ({}, {"x_api_key": f"{door.key}0"}, {"x_api_key": ""}):
        refused = door.asked("POST /models/rain/labels", LABELS, **headers)
        assert refused == Answered(403, {"message": "Forbidden"})


def every_route_wants_a_key_and_is_answered_by_its_function(world: World) -> None:
    (api,) = world.api("apigateway").get_rest_apis()["items"]
    found = {}
    for resource in world.api("apigateway").get_resources(restApiId=api["id"], limit=500)["items"]:
        for method in resource.get("resourceMethods", {}):
            made = world.api("apigateway").get_method(restApiId=api["id"], resourceId=resource["id"], httpMethod=method)
            assert made["apiKeyRequired"], resource["path"]
            uri = made["methodIntegration"]["uri"]
            found[f"{method} {resource['path']}"] = uri.split(":function:")[1].split("/")[0].removeprefix(f"{PREFIX}-")
    assert found == ROUTES


def tracking_asks_for_the_key_as_a_token_or_a_password(world: World) -> None:
    """MLflow's clients send it so; names are free, for it is the key of all endpoints."""
    door = world.door("trackingUrl")
    for header in (f"Bearer {door.key}", f"Basic {b64encode(f'apikey:{door.key}'.encode()).decode()}"):
        answer = door.asked(DEFAULT, authorization=header)
        assert (answer.status, answer.body["experiment"]["name"]) == (200, "Default")
    for header in ({}, {"authorization": f"Bearer {door.key}0"}, {"authorization": "Basic YTpi"}):
        refused = door.asked(DEFAULT, **header)
        assert (refused.status, refused.body["error_code"]) == (401, "UNAUTHENTICATED")


def files_come_through_the_api_unharmed_whatever_is_in_them(world: World) -> None:
    door = world.door("trackingUrl")
    key = {"authorization": f"Bearer {door.key}"}
    run = door.asked("POST /api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1}, **key).body["run"]
    where = f"{ARTIFACTS}/{run['info']['artifact_uri'].removeprefix('mlflow-artifacts:/')}"
    contents = {"model.bin": bytes(range(256)) * 4_000, "a%20note.txt": "Grüße\n".encode(), "empty": b""}
    for name, content in contents.items():
        kind = "text/plain" if name.endswith(".txt") else "application/octet-stream"
        assert door.sent(f"PUT {where}/{name}", content, content_type=kind, **key) == (200, b"{}")
        assert door.sent(f"GET {where}/{name}", **key) == (200, content)
    assert door.sent(f"GET {where}/model.bin")[0] == 401


def mlflows_pages_come_through_the_api_once_they_have_been_put_there(world: World) -> None:
    door = world.door("trackingUrl")
    key = {"authorization": f"Bearer {door.key}"}
    status, page = door.sent("GET /", **key)
    assert (status, b"loopwright ui" in page) == (404, True)
    bundle = ui.folder(world.stack.folder / "mlflow")
    environment = {**os.environ, **world.stack.cloud, **world.stack.outputs()["environment"]}
    subprocess.run([COMMAND, "ui", "--from", bundle], env=environment, cwd=ROOT, check=True, capture_output=True)
    for path, content in {
        "": ui.FILES["index.html"],
        **{f"static-files/{one}": ui.FILES[one] for one in ui.FILES},
    }.items():
        status, plain = door.sent(f"GET /{path}", **key)
        assert (status, plain) == (200, content)
        status, packed = door.sent(f"GET /{path}", accept_encoding="gzip", **key)
        assert (status, gzip.decompress(packed)) == (200, content)
    assert door.sent("GET /")[0] == 401


def a_person_has_a_key_of_his_own_for_tracking_alone(world: World) -> None:
    world.stack.run("config", "set", "--secret", "apiKeys", "--", f"alice:{ALICE}", stack=True)
    said = world.stack.up()
    assert "aws:lambda:Function umbrella-doors-tracking updated" in said
    assert world.door("trackingUrl").asked(DEFAULT, authorization=f"Bearer {ALICE}").status == 200
    assert world.door().asked("GET /health", x_api_key=ALICE).status == 403
    told = world.api("lambda").get_function_configuration(FunctionName=f"{PREFIX}-tracking")
    assert ALICE not in json.dumps(told["Environment"])
    world.stack.run("config", "rm", "apiKeys", stack=True)


def only_this_api_may_call_the_functions(world: World) -> None:
    _only_by(world, world.api("apigateway").get_rest_apis()["items"][0]["id"])


def _only_by(world: World, api: str, functions: Collection[str] = FUNCTIONS, **qualifier: str) -> None:
    for name in functions:
        qualified = qualifier if name == "predict" else {}
        policy = world.api("lambda").get_policy(FunctionName=f"{PREFIX}-{name}", **qualified)["Policy"]
        (statement,) = json.loads(policy)["Statement"]
        assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        origin = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/*"
        assert origin in json.dumps(statement["Condition"])


def the_key_is_a_secret(world: World) -> None:
    key = world.door().key
    assert key not in world.stack.run("stack", "output", stack=True)
    written = [one for one in world.stack.folder.rglob("*") if one.is_file() and key.encode() in one.read_bytes()]
    assert written == []


def a_change_of_the_api_is_published_and_the_key_stays(world: World) -> None:
    """With an instance kept warm, predict is called by an alias: the API changes, and is published again."""
    before = world.door()
    world.stack.configure(provisionedConcurrency="1")
    said = world.stack.up()
    assert "unchanged" in world.stack.preview("--expect-no-changes")
    assert "aws:apigateway:RestApi umbrella-doors-api updated" in said
    assert world.door() == before
    api = urlsplit(before.url).netloc.partition(".")[0]
    (deployment,) = world.api("apigateway").get_deployments(restApiId=api)["items"]
    (stage,) = world.api("apigateway").get_stages(restApiId=api)["item"]
    assert stage["deploymentId"] == deployment["id"]
    _only_by(world, api, Qualifier="live")
    assert before.asked("GET /health", x_api_key=before.key).status == 200
    assert before.asked("GET /health").status == 403


def another_key_shuts_out_the_first(world: World) -> None:
    before = world.door()
    (urn,) = [one["urn"] for one in world.stack.resources() if one["type"] == "aws:apigateway/apiKey:ApiKey"]
    world.stack.up("--replace", urn)
    door = world.door()
    assert door.asked("GET /health", x_api_key=before.key).status == 403
    assert door.asked("GET /health", x_api_key=door.key).status == 200


def who_has_a_token_of_the_issuer_is_answered_and_nobody_else(world: World) -> None:
    """If there was an API for keys, it goes with its keys and plan."""
    issuer = world.issuer
    world.stack.configure(auth="jwt", provisionedConcurrency="0", jwtIssuer=issuer.address, jwtAudience="weather")
    world.stack.up()
    assert left(world).keys() == {"HTTP APIs"}
    door, good = world.door(), issuer.token(audience="weather")
    assert door.with_token(good) == Answered(200, {"accepted": 1})
    assert door.asked("GET /health", authorization=f"Bearer {good}").status == 200
    stranger = Issuer(issuer.address, issuer.certificate)
    refused = {
        "none": door.asked("POST /models/rain/labels", LABELS),
        "another issuer": door.with_token(issuer.token(audience="weather", iss="https://elsewhere.example.org")),
        "another audience": door.with_token(issuer.token(audience="climate")),
        "too old": door.with_token(issuer.token(audience="weather", exp=1)),
        "another signature": door.with_token(stranger.token(audience="weather")),
        "no signature": door.with_token(good.rpartition(".")[0] + "."),
    }
    assert {why: answer.status for why, answer in refused.items()} == dict.fromkeys(refused, 401)


def every_route_wants_a_token_and_is_answered_by_its_function(world: World) -> None:
    api = world.http_api()
    there = {"ApiId": api}
    (authorizer,) = world.api("apigatewayv2").get_authorizers(**there)["Items"]
    targets = {
        f"integrations/{one['IntegrationId']}": one["IntegrationUri"].split(f":function:{PREFIX}-")[1].split("/")[0]
        for one in world.api("apigatewayv2").get_integrations(**there)["Items"]
    }
    routes = world.api("apigatewayv2").get_routes(**there)["Items"]
    assert {one["AuthorizationType"] for one in routes} == {"JWT"}
    assert {one["AuthorizerId"] for one in routes} == {authorizer["AuthorizerId"]}
    assert {one["RouteKey"]: targets[one["Target"]].partition(":")[0] for one in routes} == ROUTES
    _only_by(world, api)


def tracking_is_answered_under_a_token_too(world: World) -> None:
    door = world.door("trackingUrl")
    good = door.asked(DEFAULT, authorization=f"Bearer {world.issuer.token(audience='weather')}")
    assert (good.status, good.body["experiment"]["name"]) == (200, "Default")
    assert door.asked(DEFAULT).status == 401
    assert door.asked(DEFAULT, authorization=f"Bearer {world.issuer.token(audience='climate')}").status == 401
    _only_by(world, world.http_api("tracking-api"), {"tracking"})


def another_audience_is_a_change_in_place(world: World) -> None:
    door = world.door()
    world.stack.configure(jwtAudience="climate")
    said = world.stack.up()
    assert "aws:apigatewayv2:Authorizer umbrella-doors-api updated" in said
    assert world.door() == door
    assert "unchanged" in world.stack.preview("--expect-no-changes")
    assert door.with_token(world.issuer.token(audience="climate")).status == 200
    assert door.with_token(world.issuer.token(audience="weather")).status == 401


def refresh_finds_a_route_that_was_opened_behind_its_back(world: World) -> None:
    door = world.door()
    api = world.http_api()
    route = next(
        one
        for one in world.api("apigatewayv2").get_routes(ApiId=api)["Items"]
        if one["RouteKey"] == "POST /models/{model}/labels"
    )
    world.api("apigatewayv2").update_route(
        ApiId=api, RouteId=route["RouteId"], AuthorizationType="NONE", AuthorizerId=""
    )
    assert door.asked("POST /models/rain/labels", LABELS).status == 200
    world.stack.run("up", "--yes", "--skip-preview", "--refresh", stack=True)
    assert door.asked("POST /models/rain/labels", LABELS).status == 401


def destroy_leaves_nothing(world: World) -> None:
    world.stack.destroy()
    assert left(world) == {}
    assert world.stack.resources() == []
    assert world.api("lambda").list_functions()["Functions"] == []


KEYS: tuple[Step, ...] = (
    who_has_the_key_is_answered_and_nobody_else,
    every_route_wants_a_key_and_is_answered_by_its_function,
    tracking_asks_for_the_key_as_a_token_or_a_password,
    files_come_through_the_api_unharmed_whatever_is_in_them,
    mlflows_pages_come_through_the_api_once_they_have_been_put_there,
    a_person_has_a_key_of_his_own_for_tracking_alone,
    only_this_api_may_call_the_functions,
    the_key_is_a_secret,
    a_change_of_the_api_is_published_and_the_key_stays,
    another_key_shuts_out_the_first,
)
TOKENS: tuple[Step, ...] = (
    who_has_a_token_of_the_issuer_is_answered_and_nobody_else,
    every_route_wants_a_token_and_is_answered_by_its_function,
    tracking_is_answered_under_a_token_too,
    another_audience_is_a_change_in_place,
    refresh_finds_a_route_that_was_opened_behind_its_back,
    destroy_leaves_nothing,
)


@pytest.mark.timeout(600)
def test_callers_prove_who_they_are_by_a_key(world: World, subtests: pytest.Subtests) -> None:
    for step in KEYS:
        with subtests.test(step.__name__):
            step(world)


@pytest.mark.timeout(600)
def test_callers_prove_who_they_are_by_a_token(world: World, subtests: pytest.Subtests) -> None:
    for step in TOKENS:
        with subtests.test(step.__name__):
            step(world)

"""The whole program, run up to the provider: what it asks for, in every way to configure it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.aws.place import AwsPlace
from adapters.aws.training_jobs import name_of
from infra import aws
from infra.aws.roles import training_prefix
from infra.plan import plan
from infra.policy.access import WITHOUT_RESOURCE
from infra.spec import EVERYTHING, Consume, Publish, Read, Send, StackSpec, StartJobs, Write
from loopwright.definitions import Resources
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from tests.infra.conftest import CLOSED, VARIANTS
from tests.infra.stacks import ACCOUNT, IMAGE, REGION, ROOT, EmptyArtifacts, Made, configured, listed, run

Stack = Callable[[str], Made]

FUNCTION = "lambda/function:Function"
ROLE_POLICY = "iam/rolePolicy:RolePolicy"
FLIGHTS = load_project(ROOT / "examples/flights")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A stack whose training does not fit a function."""
    model = replace(FLIGHTS.models[0], resources=Resources(memory_mb=32_000))
    spec = plan(replace(FLIGHTS, models=(model,)), configured(image=IMAGE))
    return run(lambda: aws.build(spec, EmptyArtifacts(tmp_path_factory.mktemp("large"))) and None)


def spec_of(variant: str) -> StackSpec:
    return plan(FLIGHTS, configured(**VARIANTS[variant]))


def allowed(made: Made, role: str) -> dict[str, list[str]]:
    """Return by action on what a role may do it."""
    found: dict[str, list[str]] = {}
    for statement in json.loads(made.of(ROLE_POLICY)[f"flights-dev-{role}"]["policy"])["Statement"]:
        for action in listed(statement["Action"]):
            found.setdefault(action, []).extend(listed(statement["Resource"]))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_allowed_by_a_wildcard(stack: Stack, variant: str) -> None:
    looked_at = 0
    for kind, name, statement in stack(variant).policies():
        if statement["Effect"] == "Deny":
            continue
        looked_at += 1
        actions = listed(statement["Action"])
        assert not [one for one in actions if "*" in one], (kind, name)
        if "*" in listed(statement.get("Resource", [])) and kind != "aws:kms/key:Key":
            assert set(actions) <= set(WITHOUT_RESOURCE), (kind, name)
    assert looked_at > 40


@pytest.mark.parametrize("variant", CLOSED)
def test_nobody_is_let_in_who_says_not_who_it_is(stack: Stack, variant: str) -> None:
    made = stack(variant)
    assert all(url["authorizationType"] == "AWS_IAM" for url in made.of("lambda/functionUrl:FunctionUrl").values())
    assert all(one["principal"] != "*" for one in made.of("lambda/permission:Permission").values())
    for _, name, statement in made.policies():
        assert statement["Effect"] == "Deny" or statement.get("Principal") != "*", name


def test_an_open_stack_is_called_by_its_urls_and_the_api_of_tracking_and_by_nothing_else(stack: Stack) -> None:
    permissions = stack("open").of("lambda/permission:Permission")
    by_api = permissions.pop("flights-dev-tracking-api")
    assert by_api["principal"] == "apigateway.amazonaws.com"
    actions = Counter(one["action"] for one in permissions.values())
    assert actions == {"lambda:InvokeFunctionUrl": 4, "lambda:InvokeFunction": 4}
    for one in permissions.values():
        assert one.get("functionUrlAuthType") == "NONE" or one.get("invokedViaFunctionUrl") is True


def test_every_route_of_an_api_wants_a_token_of_the_configured_issuer(stack: Stack) -> None:
    made = stack("tokens")
    routes = made.of("apigatewayv2/route:Route").values()
    assert {one["routeKey"] for one in routes} == routes_of("tokens") | {"ANY /", "ANY /{proxy+}"}
    assert all(one["authorizationType"] == "JWT" and one["authorizerId"] for one in routes)
    for authorizer in made.of("apigatewayv2/authorizer:Authorizer").values():
        assert authorizer["jwtConfiguration"] == {"issuer": "https://issuer.example.org/", "audiences": ["flights"]}
    assert len(made.of("apigatewayv2/authorizer:Authorizer")) == 2
    assert not made.of("lambda/functionUrl:FunctionUrl")


def routes_of(variant: str) -> set[str]:
    return {route for one in spec_of(variant).functions for route in one.routes} - {EVERYTHING}


def test_tracking_has_an_address_of_its_own_where_requests_are_signed_as_mlflow_signs_them(stack: Stack) -> None:
    made = stack("plain")
    routes = made.of("apigatewayv2/route:Route").values()
    assert {(one["routeKey"], one["authorizationType"]) for one in routes} == {
        ("ANY /", "AWS_IAM"),
        ("ANY /{proxy+}", "AWS_IAM"),
    }
    assert "flights-dev-tracking" not in made.of("lambda/functionUrl:FunctionUrl")
    assert made.outputs["trackingUrl"] == "https://flights-dev-tracking-api//"
    (integration,) = made.of("apigatewayv2/integration:Integration").values()
    assert integration["payloadFormatVersion"] == "2.0"  # binary bodies come and go in base64


def test_where_callers_have_a_key_tracking_asks_for_it_itself_and_knows_its_digest(stack: Stack) -> None:
    made = stack("image")
    assert {one["authorizationType"] for one in made.of("apigatewayv2/route:Route").values()} == {"NONE"}
    known = {"apikey": "a secret", "alice": "0123456789abcdef" * 2}
    told = ",".join(f"{name}:sha256={sha256(key.encode()).hexdigest()}" for name, key in known.items())
    assert checks(made, "tracking") == {"LOOPWRIGHT_AUTH": "apikey", "LOOPWRIGHT_API_KEYS": told}
    assert not checks(made, "predict")


@pytest.mark.parametrize(
    ("variant", "auth"), [("plain", "iam"), ("tokens", "iam"), ("open", "public-without-any-check")]
)
def test_tracking_is_told_who_sees_to_its_callers(stack: Stack, variant: str, auth: str) -> None:
    assert checks(stack(variant), "tracking") == {"LOOPWRIGHT_AUTH": auth}


def checks(made: Made, function: str) -> dict[str, str]:
    """Return the variables by which a function knows who may call."""
    variables = made.of(FUNCTION)[f"flights-dev-{function}"]["environment"]["variables"]
    return {key: one for key, one in variables.items() if key.startswith(("LOOPWRIGHT_AUTH", "LOOPWRIGHT_API"))}


def test_every_route_of_an_api_wants_a_key(stack: Stack) -> None:
    made = stack("image")
    (api,) = made.of("apigateway/restApi:RestApi").values()
    paths = json.loads(api["body"])["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert routes == routes_of("image")
    assert all(told["security"] == [{"key": []}] for methods in paths.values() for told in methods.values())
    assert made.of("apigateway/usagePlanKey:UsagePlanKey")
    assert made.outputs["apiKey"] == "a secret"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_part_of_the_specification_is_made(stack: Stack, variant: str) -> None:
    made, spec = stack(variant), spec_of(variant)
    names = {"flights-dev-" + one for one in ("image-builder",)} if not spec.config.image else set()
    functions = {f"flights-dev-{one.name}" for one in (*spec.functions, spec.jobs)}
    assert set(made.of(FUNCTION)) == functions | names
    queues = {f"flights-dev-{one.name}{end}" for one in spec.queues for end in ("", "-dead")}
    assert set(made.of("sqs/queue:Queue")) == queues | {"flights-dev-failures-dead"}
    assert set(made.of("scheduler/schedule:Schedule")) == {f"flights-dev-{one.name}" for one in spec.schedules}
    assert set(made.of("cloudwatch/eventRule:EventRule")) == {f"flights-dev-{one.name}" for one in spec.rules}
    feeds = {f"flights-dev-{one.name}-{feed.queue}" for one in spec.functions for feed in one.feeds}
    assert set(made.of("lambda/eventSourceMapping:EventSourceMapping")) == feeds
    assert len(made.of("cloudwatch/metricAlarm:MetricAlarm")) == len(spec.alarms)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_function_is_as_the_specification_says(stack: Stack, variant: str) -> None:
    made, spec = stack(variant), spec_of(variant)
    for one in spec.functions:
        found = made.of(FUNCTION)[f"flights-dev-{one.name}"]
        assert found["handler"] == f"functions.{one.name}.main.handler"
        assert (ROOT / "functions" / one.name / "main.py").is_file()
        assert (found["memorySize"], found["timeout"]) == (one.memory, one.timeout.total_seconds())
        assert found["architectures"] == [spec.config.architecture]
        assert found["runtime"] == "python3.13"
        assert found["s3Key"].startswith(f"packages/{one.package}-d1d1")
    jobs = made.of(FUNCTION)["flights-dev-jobs"]
    assert (jobs["packageType"], jobs["imageUri"]) == ("Image", IMAGE)
    assert jobs["imageConfig"] == {"commands": ["adapters.aws.job_runner.handler"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_function_has_a_role_and_a_log_of_its_own(stack: Stack, variant: str) -> None:
    functions = stack(variant).of(FUNCTION)
    assert len({one["role"] for one in functions.values()}) == len(functions)
    assert len({one["loggingConfig"]["logGroup"] for one in functions.values()}) == len(functions)


def test_every_function_finds_its_place_in_its_environment(stack: Stack) -> None:
    made = stack("plain")
    for name, function in made.of(FUNCTION).items():
        if name == "flights-dev-image-builder":
            continue
        variables = function["environment"]["variables"]
        assert "AWS_REGION" not in variables  # Lambda reserves it, and sets it
        settings, place = Settings.from_env(variables), AwsPlace.from_env({**variables, "AWS_REGION": REGION})
        assert (place.bucket, place.table) == ("flights-dev-bucket", "flights-dev-table")
        assert (place.queues, place.bus) == ("flights-dev", "flights-dev-events")
        starts = name in {"flights-dev-monitor", "flights-dev-retrain"}
        assert place.job_function == ("flights-dev-jobs" if starts else "")
        in_image = name == "flights-dev-jobs"
        assert settings.project == Path("/opt/loopwright/project" if in_image else "/var/task/project")


def test_the_environment_for_a_laptop_is_one_that_settings_read(stack: Stack) -> None:
    environment = stack("plain").outputs["environment"]
    settings, place = Settings.from_env(environment), AwsPlace.from_env(environment)
    assert place.job_function == "flights-dev-jobs"
    assert settings.project == Path("examples/flights")


def test_a_role_may_do_what_its_function_needs_and_no_more(stack: Stack) -> None:
    made = stack("plain")
    assert set(allowed(made, "labels")) == {
        "sqs:SendMessage",
        "sqs:GetQueueUrl",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    predict = allowed(made, "predict")
    assert not [one for one in predict if one.startswith(("dynamodb:Put", "s3:Put", "s3:Delete", "lambda:"))]
    assert [arn.rpartition(":")[2] for arn in predict["sqs:SendMessage"]] == ["flights-dev-predictions"]
    assert not [arn for arn in predict["s3:GetObject"] if "lake/" in arn]


def test_only_what_writes_a_store_may_write_it(stack: Stack) -> None:
    made, spec = stack("plain"), spec_of("plain")
    for one in (*spec.functions, spec.jobs):
        may = allowed(made, one.name)
        assert ("dynamodb:PutItem" in may) is (Write("table") in one.permissions)
        assert ("dynamodb:GetItem" in may) is (Read("table") in one.permissions)
        puts = " ".join(may.get("s3:PutObject", []))
        assert ("lake/*" in puts) is (Write("lake") in one.permissions)
        assert ("blobs/*" in puts) is (Write("blobs") in one.permissions)
        assert ("events:PutEvents" in may) is (Publish() in one.permissions)
        assert ("lambda:InvokeFunction" in may) is (StartJobs() in one.permissions)
        ends = {arn.rpartition(":flights-dev-")[2] for arn in may.get("sqs:ReceiveMessage", [])}
        assert ends == {permission.queue for permission in one.permissions if isinstance(permission, Consume)}
        ends = {arn.rpartition(":flights-dev-")[2] for arn in may.get("sqs:SendMessage", [])} - {"failures-dead"}
        assert ends == {permission.queue for permission in one.permissions if isinstance(permission, Send)}


def test_a_function_that_a_queue_calls_may_consume_it() -> None:
    for one in spec_of("plain").functions:
        assert {Consume(feed.queue) for feed in one.feeds} == {
            permission for permission in one.permissions if isinstance(permission, Consume)
        }


def test_containers_have_a_role_only_where_there_are_any(stack: Stack, large: Made) -> None:
    assert "flights-dev-training" not in stack("image").of("iam/role:Role")
    assert not [one for one in allowed(stack("image"), "retrain") if one.startswith(("sagemaker:", "iam:"))]
    retrain = allowed(large, "retrain")
    assert retrain["sagemaker:CreateTrainingJob"] == [
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/flights-dev-*"
    ]
    assert retrain["iam:PassRole"] == [f"arn:aws:iam::{ACCOUNT}:role/flights-dev-training"]
    training = allowed(large, "training")
    assert training["ecr:BatchGetImage"] == [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/loopwright"]
    assert set(allowed(large, "jobs")) - set(training) == {"sqs:SendMessage"}
    variables = large.of(FUNCTION)["flights-dev-retrain"]["environment"]["variables"]
    assert variables["LOOPWRIGHT_AWS_TRAINING_IMAGE"] == IMAGE
    assert variables["LOOPWRIGHT_AWS_TRAINING_ROLE"].endswith("flights-dev-training")


@pytest.mark.parametrize("prefix", ["flights-dev", "a-rather-long-project-dev", "nineteen-characters-dev"])
def test_training_jobs_are_named_so_that_who_starts_them_may(prefix: str) -> None:
    assert name_of(prefix, "train-delays-1", "0123456789abcdef").startswith(f"{training_prefix(prefix)}-")

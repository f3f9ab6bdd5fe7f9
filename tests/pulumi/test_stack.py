"""One stack, taken by the real `pulumi` through what stacks go through: each step goes on where the last one ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clouds.aws import ACCOUNT, REGION, client
from tests.clouds.ministack import Ministack, running
from tests.clouds.tools import ROOT, MissingToolError
from tests.pulumi.command_line import command_line
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import PulumiError, Stack, aws_at, changes

PROGRAM = Path(__file__).parent / "program"
SECRET = "nobody-may-read-this"  # noqa: S105 - not anybody's
PREFIX = "airport-dev"

Step = Callable[[Stack, Ministack], None]


@pytest.fixture(scope="module")
def aws() -> Iterator[Ministack]:
    try:
        command_line()
        newest_python()
        with running(auth=True) as started:
            yield started
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def stack(aws: Ministack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder = tmp_path_factory.mktemp("stack")
    made = Stack("dev", aws_at(aws.endpoint), folder, PROGRAM, extra={"LOOPWRIGHT_PLACEHOLDERS": str(folder)})
    made.create(
        aws__region=REGION,
        protect="false",
        project="tests/airport",
        pythonVersion=newest_python(),
        alarmEmail="one@example.org",
        monthlyBudget="50",
    )
    made.run("config", "set", "--secret", "note", "--", SECRET, stack=True)
    return made


def a_preview_makes_nothing(stack: Stack, aws: Ministack) -> None:
    assert set(changes(stack.preview())) == {"create"}
    assert left(aws) == {}


def a_failed_up_is_run_again_and_goes_on(stack: Stack, aws: Ministack) -> None:
    client(aws.endpoint, "iam").create_role(RoleName=f"{PREFIX}-collect", AssumeRolePolicyDocument="{}")
    with pytest.raises(PulumiError, match=f"{PREFIX}-collect"):
        stack.up()
    assert left(aws)["queues"]
    client(aws.endpoint, "iam").delete_role(RoleName=f"{PREFIX}-collect")
    assert set(changes(stack.up())) == {"created"}


def after_up_there_is_nothing_to_do(stack: Stack, aws: Ministack) -> None:
    assert "unchanged" in stack.preview("--expect-no-changes")


def the_functions_have_what_the_settings_read(stack: Stack, aws: Ministack) -> None:
    outputs = stack.outputs()
    found = client(aws.endpoint, "lambda").get_function_configuration(FunctionName=f"{PREFIX}-retrain")
    variables = found["Environment"]["Variables"]
    assert variables["LOOPWRIGHT_AWS_BUCKET"] == outputs["bucket"]
    assert variables["LOOPWRIGHT_AWS_TABLE"] == outputs["table"]
    assert variables["LOOPWRIGHT_AWS_JOB_FUNCTION"] == f"{PREFIX}-jobs"


def the_training_image_was_built_once(stack: Stack, aws: Ministack) -> None:
    builds = client(aws.endpoint, "codebuild")
    (build,) = builds.batch_get_builds(ids=builds.list_builds()["ids"])["builds"]
    image = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}["IMAGE"]
    digest = build["source"]["location"].rpartition("training-")[2].removesuffix(".zip")
    assert image.endswith(f"{PREFIX}-training:{digest}")


def a_secret_reaches_aws_and_is_nowhere_else_to_be_read(stack: Stack, aws: Ministack) -> None:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:note"
    tags = client(aws.endpoint, "logs").list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags["note"] == SECRET
    assert stack.outputs()["note"] == SECRET
    assert SECRET not in stack.run("stack", "output", stack=True)
    written = [path for path in stack.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert written == []


def more_memory_is_an_update_in_place(stack: Stack, aws: Ministack) -> None:
    stack.configure(predictMemory="1536", retentionDays="30")
    assert set(changes(stack.up())) == {"updated"}
    found = client(aws.endpoint, "lambda").get_function_configuration(FunctionName=f"{PREFIX}-predict")
    assert found["MemorySize"] == 1536


def refresh_finds_what_was_changed_behind_its_back(stack: Stack, aws: Ministack) -> None:
    queue = stack.outputs()["queues"]["labels"]
    sqs, role = client(aws.endpoint, "sqs"), f"{PREFIX}-predict"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    (policy,) = client(aws.endpoint, "iam").list_role_policies(RoleName=role)["PolicyNames"]
    client(aws.endpoint, "iam").delete_role_policy(RoleName=role, PolicyName=policy)
    assert "visibilityTimeoutSeconds" in stack.refresh()
    assert set(changes(stack.up())) == {"created", "updated"}
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found["VisibilityTimeout"] != "7"
    assert len(client(aws.endpoint, "iam").list_role_policies(RoleName=role)["PolicyNames"]) == 1


def the_policy_pack_lets_the_stack_through_and_stops_a_bad_one(stack: Stack, aws: Ministack) -> None:
    assert "unchanged" in stack.preview("--policy-pack", str(ROOT / "infra" / "policy"), "--expect-no-changes")
    before = left(aws)
    stack.configure(bad="true")
    with pytest.raises(PulumiError, match="loses-what-it-has has no dead letters"):
        stack.run("up", "--yes", "--policy-pack", str(ROOT / "infra" / "policy"), stack=True)
    stack.configure(bad="false")
    assert left(aws) == before


def another_address_is_another_subscription(stack: Stack, aws: Ministack) -> None:
    """An address cannot be changed: the new subscription replaces the old one, and all else stays."""
    stack.configure(alarmEmail="another@example.org", monthlyBudget="0")
    assert changes(stack.up()) == {"replaced": 1, "deleted": 1}
    (found,) = client(aws.endpoint, "sns").list_subscriptions()["Subscriptions"]
    assert found["Endpoint"] == "another@example.org"


def destroy_leaves_nothing(stack: Stack, aws: Ministack) -> None:
    client(aws.endpoint, "s3").put_object(Bucket=stack.outputs()["bucket"], Key="blobs/model", Body=b"weights")
    stack.destroy()
    assert left(aws) == {}
    assert stack.resources() == []


def left(aws: Ministack) -> dict[str, list[str]]:
    """Return everything that there is, by kind; kinds of which there is nothing are left out."""

    def names(service: str, call: str, key: str, name: str = "") -> list[str]:
        answer = getattr(client(aws.endpoint, service), call)()
        return [one[name] if name else one for one in answer.get(key, [])]

    found = {
        "alarms": names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "buckets": names("s3", "list_buckets", "Buckets", "Name"),
        "buses": [one for one in names("events", "list_event_buses", "EventBuses", "Name") if one != "default"],
        "dashboards": names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "functions": names("lambda", "list_functions", "Functions", "FunctionName"),
        "logs": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "mappings": names("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "projects": names("codebuild", "list_projects", "projects"),
        "queues": names("sqs", "list_queues", "QueueUrls"),
        "repositories": names("ecr", "describe_repositories", "repositories", "repositoryName"),
        "roles": names("iam", "list_roles", "Roles", "RoleName"),
        "schedules": names("scheduler", "list_schedules", "Schedules", "Name"),
        "subscriptions": names("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
        "tables": names("dynamodb", "list_tables", "TableNames"),
        "topics": names("sns", "list_topics", "Topics", "TopicArn"),
    }
    return {kind: some for kind, some in found.items() if some}


STEPS: tuple[Step, ...] = (
    a_preview_makes_nothing,
    a_failed_up_is_run_again_and_goes_on,
    after_up_there_is_nothing_to_do,
    the_functions_have_what_the_settings_read,
    the_training_image_was_built_once,
    a_secret_reaches_aws_and_is_nowhere_else_to_be_read,
    more_memory_is_an_update_in_place,
    refresh_finds_what_was_changed_behind_its_back,
    the_policy_pack_lets_the_stack_through_and_stops_a_bad_one,
    another_address_is_another_subscription,
    destroy_leaves_nothing,
)


@pytest.mark.timeout(900)
def test_a_stack_lives_its_life(stack: Stack, aws: Ministack, subtests: pytest.Subtests) -> None:
    for step in STEPS:
        with subtests.test(step.__name__):
            step(stack, aws)

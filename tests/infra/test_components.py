"""What each component promises, seen in what it asks the provider for."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.aws.alarms import MEASURES
from tests.infra.conftest import VARIANTS
from tests.infra.stacks import ACCOUNT, REGION, Made, listed

Stack = Callable[[str], Made]

BUCKET = "s3/bucket:Bucket"
TABLE = "dynamodb/table:Table"
QUEUE = "sqs/queue:Queue"


def statements(inputs: Mapping[str, Any], key: str = "policy") -> list[dict[str, Any]]:
    return json.loads(inputs[key])["Statement"]


@pytest.mark.parametrize(("variant", "protected"), [("plain", True), ("image", False)])
def test_state_is_protected_unless_the_configuration_says_otherwise(
    stack: Stack, variant: str, protected: object
) -> None:
    made = stack(variant)
    flags = {one.type: one.protect for one in made.registrations}
    assert flags[f"aws:{BUCKET}"] is flags[f"aws:{TABLE}"] is protected
    (table,) = made.of(TABLE).values()
    assert table["deletionProtectionEnabled"] is protected
    (bucket,) = made.of(BUCKET).values()
    assert bucket["forceDestroy"] is not protected
    # What guards the bucket is protected like it; packages are not, as each deployment replaces them.
    guarded = [one for one in made.registrations if one.protect]
    assert all(one.type == f"aws:{TABLE}" or one.name == "flights-dev-bucket" for one in guarded)


def test_the_table_has_the_keys_that_its_adapter_reads(stack: Stack) -> None:
    (table,) = stack("plain").of(TABLE).values()
    assert (table["hashKey"], table["rangeKey"]) == ("pk", "sk")
    assert {(one["name"], one["type"]) for one in table["attributes"]} == {("pk", "S"), ("sk", "S")}
    assert table["ttl"] == {"attributeName": "ttl", "enabled": True}
    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["pointInTimeRecovery"]["enabled"] is True


def test_what_is_overwritten_in_the_bucket_can_be_brought_back_for_a_while(stack: Stack) -> None:
    made = stack("plain")
    (versioning,) = made.of("s3/bucketVersioning:BucketVersioning").values()
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    (lifecycle,) = made.of("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").values()
    rules = {one["filter"]["prefix"]: one for one in lifecycle["rules"]}
    assert rules[""]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert rules["overflow/"]["noncurrentVersionExpiration"] == {"noncurrentDays": 1}
    # What is current never goes away by its age: models, lake and items are all in use until somebody deletes them.
    assert all("expiration" not in one for one in rules.values())


def test_uploads_that_nobody_ends_are_cleared_away(stack: Stack) -> None:
    (lifecycle,) = stack("plain").of("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").values()
    (all_of_it,) = [one for one in lifecycle["rules"] if one["filter"]["prefix"] == ""]
    assert all_of_it["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
    (bucket,) = stack("google").of("storage/bucket:Bucket").values()
    rules = [one["condition"] for one in bucket["lifecycleRules"] if "Incomplete" in one["action"]["type"]]
    assert rules == [{"age": 1}]


def test_a_message_that_fails_five_times_is_kept_for_two_weeks(stack: Stack) -> None:
    queues = stack("plain").of(QUEUE)
    for name, queue in queues.items():
        assert queue["messageRetentionSeconds"] == 14 * 86_400
        if name.endswith("-dead"):
            assert "redrivePolicy" not in queue
            continue
        redrive = json.loads(queue["redrivePolicy"])
        assert redrive == {
            "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-dead",
            "maxReceiveCount": 5,
        }


def test_alerts_go_into_the_queue_of_triggers_as_the_events_they_are(stack: Stack) -> None:
    made = stack("plain")
    rules = made.of("cloudwatch/eventRule:EventRule")
    patterns = {name: json.loads(one["eventPattern"]) for name, one in rules.items()}
    assert patterns == {
        "flights-dev-drift": {"detail-type": [{"prefix": "loopwright.drift."}]},
        "flights-dev-performance": {"detail-type": [{"prefix": "loopwright.performance."}]},
    }
    for target in made.of("cloudwatch/eventTarget:EventTarget").values():
        assert target["inputPath"] == "$.detail"
        assert target["arn"].endswith(":flights-dev-triggers")
        assert target["deadLetterConfig"]["arn"].endswith(":flights-dev-failures-dead")


def test_only_the_rules_may_send_into_a_queue_from_outside(stack: Stack) -> None:
    open_to = {}
    for name, policy in stack("plain").of("sqs/queuePolicy:QueuePolicy").items():
        for statement in statements(policy):
            if statement["Effect"] == "Allow":
                open_to[name] = statement
    assert set(open_to) == {"flights-dev-triggers", "flights-dev-failures-dead"}
    for statement in open_to.values():
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert {arn.rpartition(":")[2] for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]} == {
            "flights-dev-drift",
            "flights-dev-performance",
        }


def test_queues_call_functions_which_say_what_has_to_come_back(stack: Stack) -> None:
    for mapping in stack("plain").of("lambda/eventSourceMapping:EventSourceMapping").values():
        assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["scalingConfig"]["maximumConcurrency"] >= 2  # AWS takes no less
        assert mapping["batchSize"] <= 10 or mapping["maximumBatchingWindowInSeconds"] >= 1


def test_schedules_may_call_the_functions_that_they_call_and_nothing_else(stack: Stack) -> None:
    made = stack("plain")
    called = {one["target"]["arn"] for one in made.of("scheduler/schedule:Schedule").values()}
    allowed = {
        action: listed(statement["Resource"])
        for statement in statements(made.of("iam/rolePolicy:RolePolicy")["flights-dev-schedules"])
        for action in statement["Action"]
    }
    assert set(allowed["lambda:InvokeFunction"]) == called
    assert set(allowed) == {"lambda:InvokeFunction", "sqs:SendMessage"}
    due = {json.loads(one["target"]["input"])["loopwright"] for one in made.of("scheduler/schedule:Schedule").values()}
    assert due == {"monitor", "materialize", "schedules", "housekeeping"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_role_is_taken_on_by_one_service_for_this_account(stack: Stack, variant: str) -> None:
    for name, role in stack(variant).of("iam/role:Role").items():
        (trust,) = statements(role, "assumeRolePolicy")
        service = trust["Principal"]["Service"]
        if service != "lambda.amazonaws.com":
            assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, name


def test_predict_is_called_by_an_alias_where_it_is_kept_warm_or_starts_from_a_snapshot(stack: Stack) -> None:
    for variant in ("plain", "image"):
        assert not stack(variant).of("lambda/alias:Alias")
    for variant in ("tokens", "open"):
        assert set(stack(variant).of("lambda/alias:Alias")) == {"flights-dev-predict"}
    urls = stack("open").of("lambda/functionUrl:FunctionUrl")
    assert {name: url.get("qualifier") for name, url in urls.items()} == {
        "flights-dev-predict": "live",
        "flights-dev-labels": None,
        "flights-dev-features": None,
        "flights-dev-retrain": None,
    }
    (warm,) = stack("open").of("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig").values()
    assert (warm["qualifier"], warm["provisionedConcurrentExecutions"]) == ("live", 2)
    functions = stack("tokens").of("lambda/function:Function")
    assert functions["flights-dev-predict"]["snapStart"] == {"applyOn": "PublishedVersions"}
    assert [name for name, one in functions.items() if one.get("publish")] == ["flights-dev-predict"]


def test_the_image_is_built_from_the_archive_under_its_digest(stack: Stack) -> None:
    made = stack("open")
    (project,) = made.of("codebuild/project:Project").values()
    assert project["source"]["location"].endswith("/packages/training-" + "d1" * 16 + ".zip")
    assert project["environment"]["type"] == "ARM_CONTAINER"
    (variable,) = project["environment"]["environmentVariables"]
    assert variable["value"].endswith(":" + "d1" * 16)
    (call,) = made.of("lambda/invocation:Invocation").values()
    assert set(json.loads(call["input"])) == {"project", "repository", "uri", "tag"}
    assert not stack("image").of("codebuild/project:Project")


def test_somebody_is_told_where_somebody_is_named(stack: Stack) -> None:
    assert not stack("plain").of("sns/topic:Topic")
    assert all(not one.get("alarmActions") for one in stack("plain").of("cloudwatch/metricAlarm:MetricAlarm").values())
    made = stack("image")
    (topic,) = made.of("sns/topic:Topic")
    for alarm in made.of("cloudwatch/metricAlarm:MetricAlarm").values():
        assert [arn.rpartition(":")[2] for arn in alarm["alarmActions"]] == [topic]
    (subscription,) = made.of("sns/topicSubscription:TopicSubscription").values()
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "someone@example.org")
    (budget,) = made.of("budgets/budget:Budget").values()
    assert budget["limitAmount"] == "20"
    assert not stack("plain").of("budgets/budget:Budget")


def test_an_alarm_looks_at_a_thing_of_the_stack(stack: Stack) -> None:
    made = stack("plain")
    known = {one["name"] for kind in (QUEUE, "lambda/function:Function") for one in made.of(kind).values()}
    for name, alarm in made.of("cloudwatch/metricAlarm:MetricAlarm").items():
        assert set(alarm["dimensions"].values()) <= known, name
        assert ("statistic" in alarm) is not ("extendedStatistic" in alarm), name
    ends = {name.rpartition("-")[2] for name in made.of("cloudwatch/metricAlarm:MetricAlarm")}
    assert ends == set(MEASURES)


def test_the_dashboard_shows_things_of_the_stack(stack: Stack) -> None:
    made = stack("plain")
    known = {one["name"] for kind in (QUEUE, "lambda/function:Function") for one in made.of(kind).values()}
    (page,) = made.of("cloudwatch/dashboard:Dashboard").values()
    widgets = json.loads(page["dashboardBody"])["widgets"]
    places = {(one["x"], one["y"]) for one in widgets}
    assert len(places) == len(widgets)
    for widget in widgets:
        assert widget["properties"]["region"] == REGION
        assert {metric[3] for metric in widget["properties"]["metrics"]} <= known


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_that_can_have_a_tag_has_it(stack: Stack, variant: str) -> None:
    resources = [one for one in stack(variant).resources if "tags" in one.inputs]
    assert len(resources) > 50
    assert all(one.inputs["tags"]["loopwright:stack"] == "flights-dev" for one in resources)


def test_logs_are_kept_for_as_long_as_configured(stack: Stack) -> None:
    made = stack("plain")
    assert {one["retentionInDays"] for one in made.of("cloudwatch/logGroup:LogGroup").values()} == {90}
    logs = {one["name"] for one in made.of("cloudwatch/logGroup:LogGroup").values()}
    assert {one["loggingConfig"]["logGroup"] for one in made.of("lambda/function:Function").values()} <= logs


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_asynchronous_function_says_where_calls_go_that_fail(stack: Stack, variant: str) -> None:
    configs = stack(variant).of("lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    assert set(configs) == {f"flights-dev-{one}" for one in ("monitor", "materialize", "jobs")}
    for one in configs.values():
        assert one["destinationConfig"]["onFailure"]["destination"].endswith(":flights-dev-failures-dead")

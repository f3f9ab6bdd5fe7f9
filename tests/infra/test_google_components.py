"""What each component promises on Google Cloud, seen in what it asks the provider for."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.gcp import documents
from adapters.gcp.topics import filter_of
from infra.gcp.measurements import MEASUREMENTS
from infra.gcp.measures import MEASURES
from infra.gcp.schedules import cron
from infra.gcp.sizes import limits
from loopwright.logs import measurement
from loopwright.settings import DEFAULT_SUBSCRIPTIONS
from tests.infra.conftest import ALL, GOOGLE
from tests.infra.stacks import GOOGLE_IMAGE, GOOGLE_REGION, NUMBER, PROJECT, ROOT, Made

Stack = Callable[[str], Made]

BUCKET = "storage/bucket:Bucket"
DATABASE = "firestore/database:Database"
SUBSCRIPTION = "pubsub/subscription:Subscription"
SCHEDULE = "cloudscheduler/job:Job"
SERVICE = "cloudrunv2/service:Service"
SINK = "logging/projectSink:ProjectSink"

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(("variant", "protected"), [("google", True), ("google-key", False)])
def test_state_is_protected_unless_the_configuration_says_otherwise(
    stack: Stack, variant: str, protected: object
) -> None:
    made = stack(variant)
    flags = {one.type: one.protect for one in made.registrations}
    assert flags[f"gcp:{BUCKET}"] is flags[f"gcp:{DATABASE}"] is protected
    (database,) = made.of(DATABASE).values()
    enabled = database["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED"
    assert enabled is protected
    # Left to itself the provider forgets a database instead of deleting it.
    assert database["deletionPolicy"] == "DELETE"
    (bucket,) = made.of(BUCKET).values()
    assert bucket["forceDestroy"] is not protected
    guarded = {one.type for one in made.registrations if one.protect}
    assert guarded <= {f"gcp:{BUCKET}", f"gcp:{DATABASE}"}


def test_the_bucket_is_private_and_what_is_overwritten_comes_back_for_a_while(stack: Stack) -> None:
    (bucket,) = stack("google").of(BUCKET).values()
    assert bucket["publicAccessPrevention"] == "enforced"
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["location"] == GOOGLE_REGION
    deletions = [one["condition"] for one in bucket["lifecycleRules"] if one["action"]["type"] == "Delete"]
    # What is current never goes away by its age: models, lake and items are all in use until somebody deletes them.
    assert deletions == [
        {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"},
        {"daysSinceNoncurrentTime": 1, "withState": "ARCHIVED", "matchesPrefixes": ["overflow/"]},
    ]


def test_the_database_is_one_for_the_stack_and_indexes_what_is_read_from_the_end(stack: Stack) -> None:
    made = stack("google")
    (database,) = made.of(DATABASE).values()
    assert (database["name"], database["type"]) == ("flights-dev-table", "FIRESTORE_NATIVE")
    assert database["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    fields = {one["field"]: one for one in made.of("firestore/field:Field").values()}
    # As the adapter writes them.
    assert set(fields) == {"*", documents.EXPIRY, documents.SORT}
    assert {name: one["indexConfig"]["indexes"] for name, one in fields.items()} == {
        "*": [],
        "expires": [],
        "s": [{"order": "DESCENDING", "queryScope": "COLLECTION"}],
    }
    assert {name for name, one in fields.items() if "ttlConfig" in one} == {"expires"}
    assert {one["collection"] for one in fields.values()} == {"items"}


def test_a_message_that_fails_five_times_is_kept_for_two_weeks(stack: Stack) -> None:
    made = stack("google")
    assert all(10 <= one["ackDeadlineSeconds"] <= 600 for one in made.of(SUBSCRIPTION).values())
    topics = {one["topic"] for name, one in made.of(SUBSCRIPTION).items() if name.endswith("-dead")}
    for name, one in made.of(SUBSCRIPTION).items():
        assert one["messageRetentionDuration"] == f"{14 * 86_400}s"
        assert one["expirationPolicy"] == {"ttl": ""}
        if name.endswith("-dead"):
            assert "deadLetterPolicy" not in one
            continue
        dead = f"projects/{PROJECT}/topics/{name}-dead"
        assert one["deadLetterPolicy"] == {"deadLetterTopic": dead, "maxDeliveryAttempts": 5}
        assert dead in topics


def test_pubsub_may_take_what_failed_out_of_a_queue_and_put_it_away(stack: Stack) -> None:
    made = stack("google")
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
    takes = {
        one["subscription"]
        for one in made.of("pubsub/subscriptionIAMMember:SubscriptionIAMMember").values()
        if (one["member"], one["role"]) == (agent, "roles/pubsub.subscriber")
    }
    puts = {
        one["topic"]
        for one in made.of("pubsub/topicIAMMember:TopicIAMMember").values()
        if (one["member"], one["role"]) == (agent, "roles/pubsub.publisher")
    }
    alive = {name for name in made.of(SUBSCRIPTION) if not name.endswith("-dead")}
    assert takes == alive
    assert puts == {f"{name}-dead" for name in alive}


def test_alerts_go_into_the_queue_of_triggers_as_do_its_own_messages(stack: Stack) -> None:
    subscriptions = stack("google").of(SUBSCRIPTION)
    triggers = subscriptions["flights-dev-triggers"]
    assert triggers["topic"] == f"projects/{PROJECT}/topics/flights-dev-events"
    assert triggers["filter"] == (
        'attributes.queue = "triggers"'
        ' OR hasPrefix(attributes."ce-type", "loopwright.drift.")'
        ' OR hasPrefix(attributes."ce-type", "loopwright.performance.")'
    )
    prefixes = [one.prefix for one in DEFAULT_SUBSCRIPTIONS]
    assert triggers["filter"] == filter_of("triggers", prefixes)
    assert len(triggers["filter"].encode()) <= 256
    assert {name for name, one in subscriptions.items() if "filter" in one} == {"flights-dev-triggers"}


def test_triggers_are_pushed_and_what_is_collected_is_taken_every_minute(stack: Stack) -> None:
    made = stack("google")
    pushed = {name: one["pushConfig"] for name, one in made.of(SUBSCRIPTION).items() if "pushConfig" in one}
    callers = f"flights-dev-callers@{PROJECT}.iam.gserviceaccount.com"
    assert pushed == {
        "flights-dev-triggers": {
            "pushEndpoint": "https://flights-dev-retrain.run.app/messages",
            "oidcToken": {"serviceAccountEmail": callers, "audience": "flights-dev-retrain"},
        }
    }
    collect = made.of(SCHEDULE)["flights-dev-collect"]
    assert (collect["schedule"], collect["httpTarget"]["uri"]) == (
        "* * * * *",
        "https://flights-dev-collect.run.app/due/collect",
    )


@pytest.mark.parametrize("variant", GOOGLE)
def test_a_call_says_who_it_is_to_a_function_that_takes_it_for_nobody_else(stack: Stack, variant: str) -> None:
    made = stack(variant)
    audiences = {one["name"]: one["customAudiences"] for one in made.of(SERVICE).values()}
    for one in made.of(SCHEDULE).values():
        target = one["httpTarget"]
        function = target["uri"].removeprefix("https://").partition(".")[0]
        assert target["oidcToken"]["serviceAccountEmail"] == f"flights-dev-callers@{PROJECT}.iam.gserviceaccount.com"
        assert [target["oidcToken"]["audience"]] == audiences[function] == [function]
        assert target["httpMethod"] == "POST"


def test_schedules_call_what_is_due_and_wait_for_as_long_as_it_may_take(stack: Stack) -> None:
    made = stack("google")
    due = {name: one["httpTarget"]["uri"].partition(".run.app")[2] for name, one in made.of(SCHEDULE).items()}
    assert due == {
        **{f"flights-dev-{what}": f"/due/{what}" for what in ("monitor", "materialize", "schedules", "housekeeping")},
        "flights-dev-collect": "/due/collect",
    }
    services = made.of(SERVICE)
    for one in made.of(SCHEDULE).values():
        function = one["httpTarget"]["oidcToken"]["audience"]
        assert one["attemptDeadline"] == services[function]["template"]["timeout"]


@pytest.mark.parametrize(
    ("every", "offset", "words"),
    [
        (DAY, timedelta(hours=2, minutes=30), "30 2 * * *"),
        (HOUR, 10 * MINUTE, "10 * * * *"),
        (6 * HOUR, 5 * MINUTE, "5 0,6,12,18 * * *"),
        (6 * HOUR, 65 * MINUTE, "5 1,7,13,19 * * *"),
        (15 * MINUTE, 0 * MINUTE, "0,15,30,45 * * * *"),
        (15 * MINUTE, 5 * MINUTE, "5,20,35,50 * * * *"),
        (MINUTE, 0 * MINUTE, "* * * * *"),
        # What cron cannot tell comes more often.
        (7 * MINUTE, 0 * MINUTE, "0,6,12,18,24,30,36,42,48,54 * * * *"),
        (90 * MINUTE, 0 * MINUTE, "0 * * * *"),
        (5 * HOUR, 0 * MINUTE, "0 0,4,8,12,16,20 * * *"),
        (7 * DAY, 5 * MINUTE, "5 0 * * *"),
    ],
)
def test_a_schedule_is_told_by_the_clock(every: timedelta, offset: timedelta, words: str) -> None:
    assert cron(every, offset) == words


@pytest.mark.parametrize(
    ("memory", "cpu", "size"),
    [
        (512, 0, ("1", "512Mi")),
        (4096, 0, ("1", "4096Mi")),
        (4097, 0, ("2", "4097Mi")),
        (2048, 1.5, ("2", "2048Mi")),
        (1024, 4, ("4", "2048Mi")),
        (20_000, 1, ("6", "20000Mi")),
        (32_768, 8, ("8", "32768Mi")),
    ],
)
def test_processors_come_with_memory_and_memory_with_processors(memory: int, cpu: float, size: tuple[str, str]) -> None:
    assert limits(memory, cpu) == {"cpu": size[0], "memory": size[1]}


def test_what_no_container_has_is_refused() -> None:
    with pytest.raises(ValueError, match="64000 MB"):
        limits(64_000)


def test_the_image_is_built_once_for_every_upload_of_its_archive(stack: Stack) -> None:
    made, tag = stack("google"), "d1" * 16
    builder = made.of("cloudrunv2/job:Job")["flights-dev-image-builder"]
    assert builder["runExecutionToken"] == "1795000000000000"
    assert len(f"{'p' * 30}-image-builder-{builder['runExecutionToken']}") < 63
    (container,) = builder["template"]["template"]["containers"]
    told = {one["name"]: one["value"] for one in container["envs"]}
    assert told["IMAGE"] == f"{GOOGLE_REGION}-docker.pkg.dev/{PROJECT}/flights-dev/loopwright:{tag}"
    assert told["OBJECT"] == f"packages/image-{tag}.zip"
    (archive,) = made.of("storage/bucketObject:BucketObject").values()
    assert archive["name"] == told["OBJECT"]
    compile(container["commands"][2], "image_builder.py", "exec")
    images = {one["template"]["containers"][0]["image"] for one in made.of(SERVICE).values()}
    assert images == {told["IMAGE"]}
    policies = {
        one["id"]: one["action"]
        for one in made.of("artifactregistry/repository:Repository")["flights-dev-image"]["cleanupPolicies"]
    }
    assert policies == {"newest": "KEEP", "old": "DELETE"}


def test_a_configured_image_is_run_as_it_is(stack: Stack) -> None:
    made = stack("google-key")
    assert not made.of("artifactregistry/repository:Repository")
    images = {one["template"]["containers"][0]["image"] for one in made.of(SERVICE).values()}
    (job,) = made.of("cloudrunv2/job:Job").values()
    assert images == {GOOGLE_IMAGE} == {job["template"]["template"]["containers"][0]["image"]}


def test_a_job_is_tried_once_and_has_a_day(stack: Stack) -> None:
    job = stack("google").of("cloudrunv2/job:Job")["flights-dev-jobs"]["template"]["template"]
    assert (job["maxRetries"], job["timeout"]) == (0, "86400s")
    (container,) = job["containers"]
    assert container["commands"] == ["python", "-m", "adapters.gcp.job_runner"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2048Mi"}


def test_logs_are_kept_for_as_long_as_configured_and_only_once(stack: Stack) -> None:
    made = stack("google")
    (kept,) = made.of("logging/projectBucketConfig:ProjectBucketConfig").values()
    # The name of a log bucket is taken for a week after it has gone: it is the bucket's, which is never given twice.
    assert (kept["retentionDays"], kept["bucketId"]) == (90, "flights-dev-bucket")
    sink = made.of(SINK)["flights-dev-logs"]
    (exclusion,) = made.of("logging/projectExclusion:ProjectExclusion").values()
    assert sink["filter"] == exclusion["filter"]
    names = [*made.of(SERVICE), *made.of("cloudrunv2/job:Job")]
    assert all(f'"{name}"' in sink["filter"] for name in names)


def test_what_is_measured_becomes_metrics(stack: Stack) -> None:
    metrics = stack("google").of("logging/metric:Metric")
    assert {one["name"] for one in metrics.values()} == {f"flights-dev/{name}" for name in MEASUREMENTS}
    for one in metrics.values():
        name = one["name"].removeprefix("flights-dev/")
        line = {"jsonPayload": json.loads(measurement(name, 2.5, dict.fromkeys(MEASUREMENTS[name], "x"), 0.0))}
        assert one["filter"].startswith(f'jsonPayload.measurement.name="{name}" AND resource.labels.location=')
        assert extracted(line, one["valueExtractor"]) == 2.5
        assert {key: extracted(line, path) for key, path in one["labelExtractors"].items()} == dict.fromkeys(
            MEASUREMENTS[name], "x"
        )
        assert [label["key"] for label in one["metricDescriptor"].get("labels", [])] == list(MEASUREMENTS[name])


def extracted(line: dict[str, Any], words: str) -> object:
    found: Any = line
    for key in words.removeprefix("EXTRACT(").removesuffix(")").split("."):
        found = found[key]
    return found


def test_everything_that_is_measured_where_there_is_no_worker_has_a_metric() -> None:
    measured = {
        (found["name"], tuple(re.findall(r"(\w+)=", found["labels"])))
        for folder in ("functions", "loopwright", "pipelines")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.parent.name != "worker"
        for found in _MEASURED.finditer(path.read_text("utf-8"))
    }
    assert measured == {(name, tuple(labels)) for name, labels in MEASUREMENTS.items()}


_MEASURED = re.compile(r'telemetry\.(count|observe)\("(?P<name>\w+)"(?P<labels>.*)')


def test_calls_of_schedules_that_fail_are_kept_with_the_dead_letters(stack: Stack) -> None:
    made = stack("google")
    sink = made.of(SINK)["flights-dev-failures"]
    assert sink["destination"] == f"pubsub.googleapis.com/projects/{PROJECT}/topics/flights-dev-failures-dead"
    assert all(f'"{name}"' in sink["filter"] for name in made.of(SCHEDULE))
    writers = [
        one["member"]
        for one in made.of("pubsub/topicIAMMember:TopicIAMMember").values()
        if one["topic"] == "flights-dev-failures-dead"
    ]
    assert writers == ["serviceAccount:flights-dev-failures-writer@example.org"]


def test_somebody_is_told_where_somebody_is_named(stack: Stack) -> None:
    assert not stack("google").of("monitoring/notificationChannel:NotificationChannel")
    made = stack("google-key")
    (channel,) = made.of("monitoring/notificationChannel:NotificationChannel").values()
    # These say how the channel reaches people; ours are apart.
    assert channel["labels"] == {"email_address": "someone@example.org"}
    for alarm in made.of("monitoring/alertPolicy:AlertPolicy").values():
        assert alarm["notificationChannels"] == ["flights-dev-alarms"]
    (budget,) = made.of("billing/budget:Budget").values()
    assert budget["amount"]["specifiedAmount"] == {"units": "20"}
    assert budget["budgetFilter"]["projects"] == [f"projects/{NUMBER}"]
    assert not stack("google").of("billing/budget:Budget")


def _things(made: Made) -> set[str]:
    kinds = (SERVICE, "cloudrunv2/job:Job", SUBSCRIPTION)
    return {one["name"] for kind in kinds for one in made.of(kind).values()}


def _named(words: str) -> str:
    (found,) = [part.split('"')[1] for part in words.split(" AND ") if part.partition(".")[2].startswith(_LABELS)]
    return found


_LABELS = ("labels.service_name", "labels.job_name", "labels.subscription_id")


def test_an_alarm_looks_at_a_thing_of_the_stack(stack: Stack) -> None:
    made = stack("google")
    for name, alarm in made.of("monitoring/alertPolicy:AlertPolicy").items():
        (condition,) = alarm["conditions"]
        assert _named(condition["conditionThreshold"]["filter"]) in _things(made), name
    ends = {name.rpartition("-")[2] for name in made.of("monitoring/alertPolicy:AlertPolicy")}
    assert ends == set(MEASURES)


def test_the_dashboard_shows_things_of_the_stack(stack: Stack) -> None:
    made = stack("google")
    (page,) = made.of("monitoring/dashboard:Dashboard").values()
    layout: dict[str, Any] = json.loads(page["dashboardJson"])["mosaicLayout"]
    places = {(one["xPos"], one["yPos"]) for one in layout["tiles"]}
    assert len(places) == len(layout["tiles"])
    assert all(one["xPos"] + one["width"] <= layout["columns"] for one in layout["tiles"])
    for tile in layout["tiles"]:
        for shown in tile["widget"]["xyChart"]["dataSets"]:
            assert _named(shown["timeSeriesQuery"]["timeSeriesFilter"]["filter"]) in _things(made)


@pytest.mark.parametrize("variant", GOOGLE)
def test_everything_that_can_have_a_label_has_it(stack: Stack, variant: str) -> None:
    made = stack(variant)
    own = [one for one in made.resources if "userLabels" in one.inputs]
    assert all(one.inputs["userLabels"] == {"loopwright-stack": "flights-dev"} for one in own)
    plain = [one for one in made.resources if "labels" in one.inputs and "userLabels" not in one.inputs]
    assert all(one.inputs["labels"] == {"loopwright-stack": "flights-dev"} for one in plain)
    assert len(own) + len(plain) > 45


def test_there_is_a_stack_of_each_provider_for_every_way_to_say_who_one_is() -> None:
    for provider in ("aws", "gcp"):
        ways = {values.get("auth", "iam") for values in ALL.values() if values.get("provider", "aws") == provider}
        assert ways == {"iam", "apikey", "jwt", "public-without-any-check"}

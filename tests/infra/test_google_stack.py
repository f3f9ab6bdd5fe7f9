"""The whole program on Google Cloud, run up to the provider: what it asks for, in every way to configure it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from adapters.gcp.place import GcpPlace
from functions.access import Access
from infra import gcp
from infra.gcp.place import Place
from infra.plan import plan
from infra.policy.google_access import PROJECT_WIDE
from infra.spec import Consume, Publish, Read, Send, StackSpec, StartJobs, Write
from loopwright.definitions import Resources
from loopwright.definitions.project import load_project
from loopwright.errors import DefinitionError
from loopwright.settings import Settings
from tests.infra.conftest import ALL, GOOGLE, GOOGLE_CLOSED
from tests.infra.stacks import GOOGLE_IMAGE, GOOGLE_REGION, PROJECT, ROOT, EmptyArtifacts, Made, configured, run

Stack = Callable[[str], Made]

SERVICE = "cloudrunv2/service:Service"
JOB = "cloudrunv2/job:Job"
FLIGHTS = load_project(ROOT / "examples/flights")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A stack whose training does not fit a job of Cloud Run."""
    model = replace(FLIGHTS.models[0], resources=Resources(memory_mb=64_000))
    spec = plan(replace(FLIGHTS, models=(model,)), configured(provider="gcp", image=GOOGLE_IMAGE))
    return run(lambda: gcp.build(spec, EmptyArtifacts(tmp_path_factory.mktemp("large"))) and None)


def spec_of(variant: str) -> StackSpec:
    return plan(FLIGHTS, configured(**ALL[variant]))


def grants(made: Made) -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    """Yield every grant: who, the role, the type and the name of what it is on, and the grant itself."""
    for one in made.resources:
        if one.typ.lower().endswith("iammember"):
            on = next((one.inputs[key] for key in _ON if key in one.inputs), "")
            yield one.inputs["member"], one.inputs["role"], one.typ, on, one.inputs


_ON = ("bucket", "topic", "subscription", "repository", "secretId", "serviceAccountId", "name", "project")


def allowed(made: Made, function: str) -> set[tuple[str, str]]:
    """Return the roles that a function has, each with the name of what it has it on."""
    member = f"serviceAccount:flights-dev-{function}@{PROJECT}.iam.gserviceaccount.com"
    return {(role, on.removeprefix("flights-dev-")) for who, role, _, on, _ in grants(made) if who == member}


def variables(made: Made, function: str) -> dict[str, str]:
    (container,) = made.of(SERVICE)[f"flights-dev-{function}"]["template"]["containers"]
    return {one["name"]: one.get("value", "a secret of some length") for one in container["envs"]}


@pytest.mark.parametrize("variant", GOOGLE)
def test_every_part_of_the_specification_is_made(stack: Stack, variant: str) -> None:
    made, spec = stack(variant), spec_of(variant)
    assert set(made.of(SERVICE)) == {f"flights-dev-{one.name}" for one in spec.functions}
    builder = set() if spec.config.image else {"flights-dev-image-builder"}
    assert set(made.of(JOB)) == {"flights-dev-jobs"} | builder
    queues = {f"flights-dev-{one.name}{end}" for one in spec.queues for end in ("", "-dead")}
    assert set(made.of("pubsub/subscription:Subscription")) == queues | {"flights-dev-failures-dead"}
    fed = {f"flights-dev-{rule.queue}" for rule in spec.rules}
    topics = (queues - fed) | {"flights-dev-failures-dead", "flights-dev-events"}
    assert set(made.of("pubsub/topic:Topic")) == topics
    schedules = {f"flights-dev-{one.name}" for one in spec.schedules} | {"flights-dev-collect"}
    assert set(made.of("cloudscheduler/job:Job")) == schedules
    assert len(made.of("monitoring/alertPolicy:AlertPolicy")) == len(spec.alarms)


@pytest.mark.parametrize("variant", GOOGLE)
def test_a_function_is_as_the_specification_says(stack: Stack, variant: str) -> None:
    made, spec = stack(variant), spec_of(variant)
    for one in spec.functions:
        service = made.of(SERVICE)[f"flights-dev-{one.name}"]
        template = service["template"]
        (container,) = template["containers"]
        assert (container["commands"], container["args"]) == (["python", "-m", "functions.container"], [one.name])
        assert (ROOT / "functions" / one.name / "main.py").is_file()
        assert container["resources"]["limits"] == {"cpu": "1", "memory": f"{one.memory}Mi"}
        assert template["timeout"] == f"{one.timeout.total_seconds():g}s"
        assert template["scaling"]["minInstanceCount"] == one.warm
        assert container["startupProbe"]["httpGet"]["path"] == "/health"
        assert service["deletionProtection"] is False
        assert service["ingress"] == ("INGRESS_TRAFFIC_ALL" if one.routes else "INGRESS_TRAFFIC_INTERNAL_ONLY")


def test_endpoints_grow_as_far_as_configured_and_everything_else_is_called_once_at_a_time(stack: Stack) -> None:
    services = stack("google-open").of(SERVICE)
    most = {name: one["template"]["scaling"]["maxInstanceCount"] for name, one in services.items()}
    assert most == {
        **{f"flights-dev-{name}": 7 for name in ("predict", "labels", "features", "retrain", "tracking")},
        **{f"flights-dev-{name}": 1 for name in ("monitor", "materialize")},
        "flights-dev-collect": 2,
    }
    assert services["flights-dev-monitor"]["template"]["maxInstanceRequestConcurrency"] == 1
    # One that computes for minutes cannot say that it is alive.
    assert "livenessProbe" not in services["flights-dev-monitor"]["template"]["containers"][0]
    assert "livenessProbe" in services["flights-dev-predict"]["template"]["containers"][0]


@pytest.mark.parametrize("variant", GOOGLE)
def test_every_function_and_job_has_an_account_of_its_own(stack: Stack, variant: str) -> None:
    made = stack(variant)
    accounts = [one["template"]["serviceAccount"] for one in made.of(SERVICE).values()]
    accounts += [one["template"]["template"]["serviceAccount"] for one in made.of(JOB).values()]
    assert len(set(accounts)) == len(accounts) == len(made.of(SERVICE)) + len(made.of(JOB))


@pytest.mark.parametrize("variant", GOOGLE)
def test_no_grant_is_wider_than_it_must_be(stack: Stack, variant: str) -> None:
    looked_at = 0
    for who, role, kind, on, grant in grants(stack(variant)):
        looked_at += 1
        assert who.startswith("serviceAccount:"), (role, who)
        assert role not in {"roles/owner", "roles/editor", "roles/viewer"}
        assert "admin" not in role.lower()
        if kind == "gcp:projects/iAMMember:IAMMember":
            assert role in PROJECT_WIDE, (who, role)
            assert ("condition" in grant) is role.startswith("roles/datastore."), (who, role)
        if kind == "gcp:storage/bucketIAMMember:BucketIAMMember":
            assert grant["condition"]["expression"].count(f"buckets/{on}/objects/") == 1
    assert looked_at > 40


@pytest.mark.parametrize("variant", GOOGLE)
def test_a_condition_names_the_prefix_of_a_store_or_the_database(stack: Stack, variant: str) -> None:
    made = stack(variant)
    for grant in made.of("storage/bucketIAMMember:BucketIAMMember").values():
        prefix = grant["condition"]["title"].removeprefix("under ")
        assert prefix in {"blobs/", "lake/", "overflow/", "packages/"}
        words = grant["condition"]["expression"]
        assert words.startswith(f'resource.name.startsWith("projects/_/buckets/flights-dev-bucket/objects/{prefix}")')
        # Listing is asked of the bucket: only for that, and under the same prefix.
        assert words.endswith(
            '(resource.type == "storage.googleapis.com/Bucket" && api.getAttribute('
            f'"storage.googleapis.com/objectListPrefix", "{prefix}").startsWith("{prefix}"))'
        )
    for grant in made.of("projects/iAMMember:IAMMember").values():
        if grant["role"].startswith("roles/datastore."):
            wanted = f'resource.name == "projects/{PROJECT}/databases/flights-dev-table"'
            assert grant["condition"]["expression"] == wanted


def test_a_function_may_do_what_it_needs_and_no_more(stack: Stack) -> None:
    made = stack("google")
    assert allowed(made, "labels") == {("roles/pubsub.publisher", "labels")}
    assert allowed(made, "predict") == {
        ("roles/storage.objectViewer", "bucket"),
        ("roles/datastore.viewer", PROJECT),
        ("roles/pubsub.publisher", "predictions"),
    }
    assert allowed(made, "retrain") == {
        ("roles/storage.objectUser", "bucket"),
        ("roles/datastore.user", PROJECT),
        ("roles/run.jobsExecutorWithOverrides", "jobs"),
        ("roles/run.viewer", "jobs"),
    }
    assert allowed(made, "callers") == {
        ("roles/run.invoker", name) for name in ("collect", "materialize", "monitor", "retrain")
    }


def test_tracking_alone_signs_urls_and_only_as_itself(stack: Stack) -> None:
    made = stack("google")
    email = f"flights-dev-tracking@{PROJECT}.iam.gserviceaccount.com"
    assert allowed(made, "tracking") == {
        ("roles/storage.objectUser", "bucket"),
        ("roles/datastore.user", PROJECT),
        ("roles/pubsub.publisher", "events"),
        ("roles/iam.serviceAccountTokenCreator", f"projects/{PROJECT}/serviceAccounts/{email}"),
    }
    signers = [who for who, role, *_ in grants(made) if role == "roles/iam.serviceAccountTokenCreator"]
    assert signers == [f"serviceAccount:{email}"]
    assert "iamcredentials.googleapis.com" in {one["service"] for one in made.of("projects/service:Service").values()}


def test_tracking_knows_by_what_its_callers_are_named(stack: Stack) -> None:
    assert variables(stack("google"), "tracking")["LOOPWRIGHT_AUTH_FRONT"] == "cloud-run"
    assert "LOOPWRIGHT_AUTH_FRONT" not in variables(stack("google-key"), "tracking")
    people = {"alice": "0123456789abcdef" * 2, "bob@example.org": "fedcba9876543210" * 2}
    told = ",".join(f"{name}:sha256={sha256(key.encode()).hexdigest()}" for name, key in people.items())
    assert variables(stack("google-key"), "tracking")["LOOPWRIGHT_API_KEYS"] == told


def test_only_what_shows_models_elsewhere_may_use_vertex(stack: Stack) -> None:
    assert allowed(stack("google-tokens"), "mirror") == {
        ("roles/storage.objectViewer", "bucket"),
        ("roles/datastore.viewer", PROJECT),
        ("roles/aiplatform.user", PROJECT),
    }
    for variant in GOOGLE:
        users = {who for who, role, *_ in grants(stack(variant)) if role == "roles/aiplatform.user"}
        assert len(users) == (variant == "google-tokens")


def test_only_what_writes_a_store_may_write_it(stack: Stack) -> None:
    made, spec = stack("google"), spec_of("google")
    for one in (*spec.functions, spec.jobs):
        may = allowed(made, one.name)
        assert (("roles/datastore.user", PROJECT) in may) is (Write("table") in one.permissions)
        reads = Read("table") in one.permissions and Write("table") not in one.permissions
        assert (("roles/datastore.viewer", PROJECT) in may) is reads
        sends = {permission.queue for permission in one.permissions if isinstance(permission, Send)}
        sends |= {"events" for permission in one.permissions if permission == Publish()}
        assert {on for role, on in may if role == "roles/pubsub.publisher"} == sends
        takes = {permission.queue for permission in one.permissions if isinstance(permission, Consume)} - {"triggers"}
        assert {on for role, on in may if role == "roles/pubsub.subscriber"} == takes
        assert (("roles/run.jobsExecutorWithOverrides", "jobs") in may) is (StartJobs() in one.permissions)


def test_objects_are_written_only_under_the_prefixes_that_are_permitted(stack: Stack) -> None:
    made, spec = stack("google"), spec_of("google")
    prefixes = {"blobs": "blobs/", "lake": "lake/", "table": "overflow/"}
    for one in (*spec.functions, spec.jobs):
        member = f"serviceAccount:flights-dev-{one.name}@{PROJECT}.iam.gserviceaccount.com"
        found = {
            grant["condition"]["title"].removeprefix("under "): grant["role"]
            for grant in made.of("storage/bucketIAMMember:BucketIAMMember").values()
            if grant["member"] == member
        }
        wanted = {
            prefixes[permission.store]: "roles/storage.objectViewer"
            for permission in one.permissions
            if isinstance(permission, Read)
        }
        wanted |= {
            prefixes[permission.store]: "roles/storage.objectUser"
            for permission in one.permissions
            if isinstance(permission, Write)
        }
        assert found == wanted


@pytest.mark.parametrize("variant", GOOGLE)
def test_every_function_finds_its_place_in_its_environment(stack: Stack, variant: str) -> None:
    made = stack(variant)
    for one in spec_of(variant).functions:
        told = variables(made, one.name)
        place = GcpPlace.from_env(told)
        starts = any(isinstance(permission, StartJobs) for permission in one.permissions)
        assert place == GcpPlace(
            PROJECT,
            GOOGLE_REGION,
            "flights-dev-bucket",
            "flights-dev-table",
            "flights-dev",
            job="flights-dev-jobs" if starts else "",
            serving_image=place.serving_image,
            vertex="true" if one.name == "mirror" else "",
        )
        (container,) = made.of(SERVICE)[f"flights-dev-{one.name}"]["template"]["containers"]
        assert place.serving_image == (container["image"] if one.name == "mirror" else "")
        settings = Settings.from_env(told)
        assert (settings.provider, settings.project) == ("gcp", Path("/opt/loopwright/project"))
        known = {
            "LOOPWRIGHT_PROVIDER",
            "LOOPWRIGHT_PROJECT",
            "LOOPWRIGHT_AUTH",
            "LOOPWRIGHT_API_KEY",
            "LOOPWRIGHT_LOGS",
        }
        known |= {"LOOPWRIGHT_API_KEYS", "LOOPWRIGHT_AUTH_FRONT"} if one.name == "tracking" else set()
        known |= set(place.to_env())
        assert {name for name in told if not name.startswith(("LOOPWRIGHT_CALLERS_", "LOOPWRIGHT_JWT_"))} <= known


def test_the_environment_for_a_laptop_is_one_that_settings_read(stack: Stack) -> None:
    environment = stack("google").outputs["environment"]
    settings, place = Settings.from_env(environment), GcpPlace.from_env(environment)
    assert (settings.provider, settings.project) == ("gcp", Path("examples/flights"))
    assert place.job == "flights-dev-jobs"
    assert not place.vertex
    assert GcpPlace.from_env(stack("google-tokens").outputs["environment"]).vertex == "true"


@pytest.mark.parametrize("variant", GOOGLE)
def test_every_function_knows_who_may_call_it(stack: Stack, variant: str) -> None:
    made, spec = stack(variant), spec_of(variant)
    called = {one.function for one in spec.schedules} | {one.name for one in spec.functions if one.feeds}
    for one in spec.functions:
        access = Access.from_env(variables(made, one.name))
        assert access.auth == (spec.config.auth if one.routes else "iam")
        assert (access.callers is not None) is (one.name in called)
        if access.callers:
            assert access.callers.issuer.audience == f"flights-dev-{one.name}"
            assert access.callers.emails == {f"flights-dev-callers@{PROJECT}.iam.gserviceaccount.com"}
            # Cloud Run takes a signature away only where it has checked it, and lets in nobody else.
            service = made.of(SERVICE)[f"flights-dev-{one.name}"]
            assert access.callers.issuer.front is not service["invokerIamDisabled"]


@pytest.mark.parametrize("variant", GOOGLE_CLOSED)
def test_nobody_is_let_in_who_says_not_who_it_is(stack: Stack, variant: str) -> None:
    made, config = stack(variant), spec_of(variant).config
    for one in spec_of(variant).functions:
        service = made.of(SERVICE)[f"flights-dev-{one.name}"]
        open_to_the_network = bool(one.routes) and config.auth != "iam"
        assert service["invokerIamDisabled"] is open_to_the_network
        assert Access.from_env(variables(made, one.name)).auth != "public-without-any-check"


def test_the_key_is_a_secret_that_only_endpoints_may_read(stack: Stack) -> None:
    made = stack("google-key")
    (secret,) = made.of("secretmanager/secret:Secret").values()
    assert secret["secretId"] == "flights-dev-api-key"
    for one in spec_of("google-key").functions:
        (container,) = made.of(SERVICE)[f"flights-dev-{one.name}"]["template"]["containers"]
        keys = [env["valueSource"] for env in container["envs"] if env["name"] == "LOOPWRIGHT_API_KEY"]
        wanted = [{"secretKeyRef": {"secret": "flights-dev-api-key", "version": "1"}}] if one.routes else []
        assert keys == wanted
        reads = ("roles/secretmanager.secretAccessor", "api-key") in allowed(made, one.name)
        assert reads is bool(one.routes)
    assert made.outputs["apiKey"] == "0123456789abcdef" * 4
    assert "apiKey" not in stack("google").outputs


def test_everything_on_google_waits_until_its_services_are_on(stack: Stack) -> None:
    made = stack("google")
    names = {one["service"].removesuffix(".googleapis.com") for one in made.of("projects/service:Service").values()}
    assert {"run", "firestore", "pubsub", "cloudscheduler", "cloudbuild", "secretmanager", "storage"} <= names
    assert all(one["disableOnDestroy"] is False for one in made.of("projects/service:Service").values())
    assert "cloudbuild" not in {
        one["service"].partition(".")[0] for one in stack("google-key").of("projects/service:Service").values()
    }
    on = {one.urn for one in made.registrations if one.type == "gcp:projects/service:Service"}
    others = [one for one in made.registrations if one.type.startswith("gcp:") and one.urn not in on]
    assert len(others) > 100
    assert all(on <= set(one.waits_for) for one in others)


def test_containers_have_an_account_only_where_there_are_any(stack: Stack, large: Made) -> None:
    assert "flights-dev-training" not in stack("google").of("serviceaccount/account:Account")
    retrain = allowed(large, "retrain") - allowed(stack("google"), "retrain")
    assert retrain == {
        (f"projects/{PROJECT}/roles/flights_dev_custom_jobs", PROJECT),
        (
            "roles/iam.serviceAccountUser",
            f"projects/{PROJECT}/serviceAccounts/flights-dev-training@{PROJECT}.iam.gserviceaccount.com",
        ),
    }
    (role,) = large.of("projects/iAMCustomRole:IAMCustomRole").values()
    assert all(one.startswith("aiplatform.customJobs.") for one in role["permissions"])
    assert allowed(large, "training") == allowed(large, "jobs")
    place = GcpPlace.from_env(variables(large, "retrain"))
    assert place.training_image == GOOGLE_IMAGE
    assert place.training_account == f"flights-dev-training@{PROJECT}.iam.gserviceaccount.com"
    assert not GcpPlace.from_env(variables(large, "predict")).training_image


@pytest.mark.parametrize("key", ["project", "region"])
def test_a_place_that_is_not_configured_is_asked_for_by_the_command_that_sets_it(key: str, tmp_path: Path) -> None:
    spec = plan(FLIGHTS, configured(provider="gcp", image=GOOGLE_IMAGE))
    with pytest.raises(DefinitionError, match=f"pulumi config set gcp:{key} <"):
        run(lambda: gcp.build(spec, EmptyArtifacts(tmp_path)) and None, {f"gcp:{key}": ""})


@pytest.mark.parametrize("prefix", ["flights-dev", "a-rather-long-project-name-dev", "another-long-project-name-dev"])
def test_names_of_accounts_are_short_and_no_two_stacks_share_one(prefix: str) -> None:
    place = Place(prefix, PROJECT, GOOGLE_REGION)
    for name in ("predict", "materialize", "image-builder"):
        assert 6 <= len(place.account(name)) <= 30
        assert place.account(name).endswith(f"-{name}")
        assert place.account(name) != Place(f"{prefix[:-1]}x", PROJECT, GOOGLE_REGION).account(name)

"""MLflow's client with a token, a password, and signatures of AWS; and the pages in a browser that is asked for one."""

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from adapters import open_platform
from functions.handlers import Handler
from functions.tracking.app import create_app, fronted
from loopwright.definitions import Access, Grant, Project
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.functions.issuer import AUDIENCE, issuing
from tests.mlflow.gateway import REGION, Person, gateway
from tests.mlflow.ours import served

ANN, BOB = "the-key-of-ann-0123456789", "the-key-of-bob-0123456789"
KEYS = {"LOOPWRIGHT_API_KEYS": f"ann:{ANN},bob:{BOB}"}
ARN = "arn:aws:sts::123456789012:assumed-role/scientists/{}"
ACCESS = Access(
    experiments=(
        Grant("ours", manage=("ann", "ann@x.example", ARN.format("ann")), read=("bob", ARN.format("bob"))),
        Grant("hers", manage=("ann",)),
    ),
    models=(Grant("*", write=("ann", "bob")),),
    approvers=("bob",),
    protected=("best",),
)
PROJECT = Project("notebooks", (), access=ACCESS)


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = open_platform(Settings(provider="memory"))
    yield platform
    platform.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def works(client: MlflowClient) -> str:
    """Do what a notebook does, and return the run."""
    experiment = client.get_experiment_by_name("ours")
    identity = experiment.experiment_id if experiment else client.create_experiment("ours")
    run = client.create_run(identity)
    client.log_metric(run.info.run_id, "auc", 0.9)
    assert run.info.run_id in [one.info.run_id for one in client.search_runs([identity])]
    return run.info.run_id


def test_a_token_is_a_key(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(platform, PROJECT, KEYS) as url:
        client = MlflowClient(url)
        with pytest.raises(MlflowException, match="UNAUTHENTICATED: send the key"):
            client.search_experiments()
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", ANN)
        run_id = works(client)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", BOB)
        assert client.get_run(run_id).data.metrics == {"auc": 0.9}
        with pytest.raises(RestException, match=r"bob may not write to run .* Ask ann") as caught:
            client.log_param(run_id, "depth", 3)
        assert caught.value.error_code == "PERMISSION_DENIED"
        with pytest.raises(RestException, match="bob may not read experiment name 'hers'"):
            client.get_experiment_by_name("hers")
        assert [one.name for one in client.search_experiments()] == ["ours"]


def test_a_password_is_a_key_whatever_the_user_is_called(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(platform, PROJECT, KEYS) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ANN)
        works(MlflowClient(url))
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", f"{ANN}x")
        with pytest.raises(MlflowException, match="not the one that is wanted"):
            works(MlflowClient(url))


def test_a_token_of_an_issuer(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with issuing() as issuer:
        environment = {"LOOPWRIGHT_JWT_ISSUER": issuer.address, "LOOPWRIGHT_JWT_AUDIENCE": AUDIENCE}
        with served(platform, PROJECT, environment) as url:
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", issuer.token(email="ann@x.example"))
            works(MlflowClient(url))
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", issuer.token(email="eve@x.example"))
            with pytest.raises(RestException, match=r"eve@x.example may not read"):
                works(MlflowClient(url))


def test_requests_are_signed_by_mlflows_own_plug_in(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    app = fronted(create_app(platform, PROJECT), platform, {"LOOPWRIGHT_AUTH": "iam"})
    ann, bob = (Person(f"AKID{name}", f"secret of {name}", ARN.format(name)) for name in ("ann", "bob"))
    with gateway(Handler(app, platform.telemetry), [ann, bob]) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_AWS_SIGV4", "true")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        _as(monkeypatch, ann)
        run_id = works(MlflowClient(url))
        _as(monkeypatch, bob)
        assert MlflowClient(url).get_run(run_id).data.metrics == {"auc": 0.9}
        with pytest.raises(RestException, match="assumed-role/scientists/bob may not write to run"):
            MlflowClient(url).set_tag(run_id, "a", "b")
        _as(monkeypatch, Person("AKIDbob", "another secret", ""))
        with pytest.raises(MlflowException, match="Forbidden"):
            MlflowClient(url).get_run(run_id)


def _as(monkeypatch: pytest.MonkeyPatch, person: Person) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", person.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", person.secret)


def test_protected_aliases_and_whose_name_their_history_keeps(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loopwright.registry import Registry  # noqa: PLC0415

    with served(platform, PROJECT, KEYS) as url:
        client = MlflowClient(url)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", ANN)
        run_id = works(client)
        client.create_registered_model("delays")
        source = f"{client.get_run(run_id).info.artifact_uri}/model"
        client.create_model_version("delays", source, run_id)
        client.set_registered_model_alias("delays", "mine", 1)
        with pytest.raises(RestException, match=r"ann may not move the protected alias 'best'\. Ask an approver: bob"):
            client.set_registered_model_alias("delays", "best", 1)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", BOB)
        client.set_registered_model_alias("delays", "best", 1)
        with pytest.raises(RestException, match=r"package|verdict"):
            client.set_registered_model_alias("delays", "champion", 1)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", ANN)
        with pytest.raises(RestException, match="protected alias 'best'"):
            client.delete_registered_model_alias("delays", "best")
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    assert [(one.who, one.new) for one in registry.alias_history("delays", "best")] == [("bob", 1)]
    assert [(one.who, one.new) for one in registry.alias_history("delays", "mine")] == [("ann", 1)]

"""What a notebook and a pipeline have logged, for pages to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from loopwright.tracking import Tracking
from tests.pipelines.weather import World

NOTEBOOK: Final = "delays notebook"
MODEL: Final = "delays-from-a-notebook"
TEXT: Final = "what the third tree looks at first is the wind"


@dataclass(frozen=True, slots=True)
class Logged:
    """Where it is: the notebook's experiment and its runs, the pipeline's experiment and its run."""

    experiment: str
    runs: Sequence[str]
    pipeline_experiment: str
    pipeline_run: str


def logged(url: str, world: World) -> Logged:
    """Log from a notebook through the real client, and train in a pipeline over the same platform."""
    client = MlflowClient(url)
    experiment = client.create_experiment(NOTEBOOK, tags={"mlflow.note.content": "trees, tried by hand"})
    runs = [_run(client, experiment, number) for number in range(3)]
    client.create_registered_model(MODEL, {"owner": "ops"}, "how late a flight will be")
    for number in (0, 1):
        source = f"runs:/{runs[number]}/notes"
        client.create_model_version(MODEL, source, runs[number], description=f"try {number}", await_creation_for=0)
    client.set_registered_model_alias(MODEL, "candidate", "2")
    client.set_model_version_tag(MODEL, "2", "reviewed", "by hand")
    outcome = world.train()
    tracking = Tracking(
        world.platform.table, world.platform.blobs, clock=world.platform.clock, new_id=world.platform.new_id
    )
    return Logged(experiment, runs, tracking.run(outcome.run_id).experiment_id, outcome.run_id)


def _run(client: MlflowClient, experiment: str, number: int) -> str:
    run = client.create_run(experiment, run_name=f"try-{number}", tags={"mlflow.user": "ada"})
    identity: str = run.info.run_id
    points = [Metric("auc", 0.6 + 0.01 * step + 0.03 * number, 1_700_000_000_000 + step, step) for step in range(20)]
    client.log_batch(
        identity,
        [*points, Metric("loss", 0.4 - 0.1 * number, 1_700_000_000_000, 0)],
        [Param("depth", str(3 + number)), Param("rate", "0.1")],
        [RunTag("team", "ops"), RunTag("mlflow.note.content", "## A note\nthat explains it")],
    )
    data = Dataset(name="flights", digest="5eed", source_type="local", source='{"uri": "flights.csv"}')
    client.log_inputs(identity, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    client.log_text(identity, f"{TEXT}\n", "notes/tree.txt")
    client.log_dict(identity, {"depth": 3 + number}, "card.json")
    client.set_terminated(identity)
    return identity

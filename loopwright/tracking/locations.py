"""Under which URI artifacts are, for MLflow's clients: ours go through the tracking server."""

from loopwright.tracking.values import Experiment

SCHEME = "mlflow-artifacts:"
"""What the URIs of all begin with that the tracking server keeps."""


def experiment_location(experiment: Experiment) -> str:
    """Return the URI of all that belongs to the experiment."""
    return experiment.artifact_location or f"{SCHEME}/{experiment.id}"


def run_location(experiment: Experiment, run_id: str) -> str:
    """Return the URI of a run's artifacts."""
    return f"{experiment_location(experiment).rstrip('/')}/{run_id}/artifacts"


def model_location(experiment: Experiment, model_id: str) -> str:
    """Return the URI of a logged model's artifacts."""
    return f"{experiment_location(experiment).rstrip('/')}/models/{model_id}/artifacts"

"""Under which URI artifacts are, for MLflow's clients: ours go through the tracking server."""

from loopwright.tracking.values import Experiment

SCHEME = "mlflow-artifacts:"
"""What the URIs of all begin with that the tracking server keeps."""


def experiment_location(experiment: Experiment) -> str:
    """Return the URI of all that belongs to the experiment."""
    return experiment.artifact_location or f"{SCHEME}/{experiment.id}"


def run_location(experiment: Experiment, run_id: str) -> str:
    """Return the URI of a run's artifacts."""
    return _within(experiment_location(experiment), f"{run_id}/artifacts")


def model_location(experiment: Experiment, model_id: str) -> str:
    """Return the URI of a logged model's artifacts."""
    return _within(experiment_location(experiment), f"models/{model_id}/artifacts")


def _within(uri: str, path: str) -> str:
    """Return the URI of a path within another; a question mark and what is behind it stay behind."""
    place, mark, query = uri.partition("?")
    return f"{place.rstrip('/')}/{path}{mark}{query}"

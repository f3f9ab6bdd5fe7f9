"""Where tracking's items are; see `loopwright.tracking.tracking` for the design."""

import hashlib
from typing import Final

from loopwright.ports.table import Key

EXPERIMENTS: Final = "experiments"

BY_ID: Final = "id/"

RUNS: Final = "run/"

LOGGED_MODELS: Final = "model/"

DATASET_USES: Final = "use/"

_FAR: Final = 10**15 - 1
"""A moment in milliseconds that never comes: distances to it are in the order from new to old."""

MIXED: Final = "history/*/"
"""Chunks of calls that logged several metrics."""


def experiment_key(experiment_id: str) -> Key:
    """Return the place of an experiment."""
    return Key(EXPERIMENTS, f"{BY_ID}{experiment_id}")


def name_key(name: str) -> Key:
    """Return the place that says whose a name is; names are longer than places may be, so it is a digest."""
    return Key(EXPERIMENTS, f"name/{_digest(name)}")


def runs_partition(experiment_id: str) -> str:
    """Return the partition of an experiment's runs, which are ordered by their start."""
    return f"experiment/{experiment_id}"


def dataset_key(experiment_id: str, name: str, digest: str) -> Key:
    """Return the place of what is told at length of a data set."""
    return Key(runs_partition(experiment_id), f"dataset/{_digest(f'{len(name)}/{name}/{digest}')}")


def dataset_use_key(experiment_id: str, name: str, digest: str, context: str) -> Key:
    """Return the place that says that runs of the experiment read a data set for something."""
    told = f"{len(name)}/{name}/{len(digest)}/{digest}/{context}"
    return Key(runs_partition(experiment_id), f"{DATASET_USES}{_digest(told)}")


def run_sort(started: float, run_id: str) -> str:
    """Return where a run is in its experiment."""
    return f"{RUNS}{round(started * 1e6):020d}/{run_id}"


def run_partition(run_id: str) -> str:
    """Return the partition of what a run has besides its head."""
    return f"run/{run_id}"


def home_key(run_id: str) -> Key:
    """Return the place that says in which experiment, and where in it, a run is."""
    return Key(run_partition(run_id), "home")


def part_key(run_id: str, number: int) -> Key:
    """Return the place of a further part of a run's entries; the first is in its head."""
    return Key(run_partition(run_id), f"part/{number:06d}")


def history_prefix(metric: str) -> str:
    """Return what the places of chunks start with that hold this metric alone."""
    return f"history/{_digest(metric)[:32]}/"


def history_key(run_id: str, prefix: str, number: int) -> Key:
    """Return the place of a chunk of metric histories."""
    return Key(run_partition(run_id), f"{prefix}{number:010d}")


def logged_model_sort(created: float, model_id: str) -> str:
    """Return where a logged model is in its experiment: the newest first, those of one millisecond by identity."""
    return f"{LOGGED_MODELS}{_FAR - round(created * 1e3):015d}/{model_id}"


def logged_model_key(experiment_id: str, created: float, model_id: str) -> Key:
    """Return the place of a logged model's head."""
    return Key(runs_partition(experiment_id), logged_model_sort(created, model_id))


def model_home_key(model_id: str) -> Key:
    """Return the place that says in which experiment, and where in it, a logged model is."""
    return Key(f"logged-model/{model_id}", "home")


def model_part_key(model_id: str, number: int) -> Key:
    """Return the place of points that a logged model's head has no room for."""
    return Key(f"logged-model/{model_id}", f"part/{number:06d}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

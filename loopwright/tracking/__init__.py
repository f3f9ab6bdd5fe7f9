"""Experiments, runs, params, metric histories, tags, inputs and artifacts: MLflow's data model on a table and blobs."""

from loopwright.tracking.found import FoundRun
from loopwright.tracking.logged_model import LoggedModel, ModelMetric, ModelStatus
from loopwright.tracking.logged_models import LoggedModels
from loopwright.tracking.searches import ExperimentPage, RunPage
from loopwright.tracking.tracking import Tracking
from loopwright.tracking.values import (
    ArtifactInfo,
    DatasetInput,
    DatasetUse,
    Experiment,
    Metric,
    Param,
    Run,
    RunCursor,
    RunStatus,
    View,
)

__all__ = [
    "ArtifactInfo",
    "DatasetInput",
    "DatasetUse",
    "Experiment",
    "ExperimentPage",
    "FoundRun",
    "LoggedModel",
    "LoggedModels",
    "Metric",
    "ModelMetric",
    "ModelStatus",
    "Param",
    "Run",
    "RunCursor",
    "RunPage",
    "RunStatus",
    "Tracking",
    "View",
]

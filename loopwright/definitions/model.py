"""A model: what it predicts, from what, how it is trained, and the rules of its loop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from loopwright.definitions.features import Entity, FeatureView, Field, OnDemandTransformation
from loopwright.definitions.names import checked_name, no_repeats
from loopwright.definitions.rules import Gate, Monitors, Triggers
from loopwright.errors import DefinitionError

if TYPE_CHECKING:
    import pandas as pd

Task = Literal["binary", "multiclass", "regression"]

METRICS: Final[Mapping[Task, tuple[str, ...]]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier", "accuracy"),
    "multiclass": ("accuracy", "macro_f1", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics of each task; the first is the default."""

SMALLER_IS_BETTER: Final = frozenset({"log_loss", "brier", "rmse", "mae"})


@dataclass(frozen=True, slots=True)
class Label:
    """The truth that arrives later.

    Attributes:
        name: the column of the observations that holds it.
        positive: for a binary task, the value that counts as 1 when the column is text; otherwise numbers and truth
            values are read as they are.
        horizon: labels that land later than this after their prediction are kept but no longer scored.
        feedback: train on logged predictions with their labels as well as on the observations.
    """

    name: str
    positive: str | None = None
    horizon: timedelta = timedelta(days=45)
    feedback: bool = True


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job may use; a provider that cannot give it in a function uses a container."""

    memory_mb: int = 2048
    cpu: float = 1.0
    timeout: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What a training function gets besides the rows.

    Attributes:
        parameters: the model's parameters, perhaps changed for this run.
        seed: use it wherever chance is at work: the same run must give the same model.
        log_metric: call it as `log_metric(name, value, step)` to follow the training in the tracker.
    """

    parameters: Mapping[str, float | int | str | bool]
    seed: int
    log_metric: Callable[[str, float, int], None]


Train = Callable[["pd.DataFrame", "pd.Series", TrainingContext], object]
"""From features (a column each: float64, or str with "" for null) and target to a fitted scikit-learn estimator."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model and its whole loop.

    Attributes:
        name: lower-case snake case.
        task: binary, multiclass or regression.
        entity: what one prediction is about; its keys are part of every request and of the log.
        label: what is predicted.
        observations: the lake table of past cases: entity keys, request fields, `event_time` and the label.
        event_time: the observations' column that says at which moment the prediction had to be made.
        request: fields that the caller sends; the keys of the views' entities must be among these or the entity's keys.
        views: feature views that are looked up: point in time for training, online for serving.
        transformations: computed in this order.
        features: the columns that the model sees, in this order, out of all of the above.
        train: the training function.
        parameters: its parameters, logged with every run.
        seed: where chance is at work.
        metrics: what is measured; empty: all of the task's metrics.
        training_window: train on this much time before the cut, and read no older rows; None: on everything.
        holdout: the newest stretch of the training rows, held out for evaluation and the gate.
        gate, monitors, triggers, resources: see there.
    """

    name: str
    task: Task
    entity: Entity
    label: Label
    observations: str
    request: tuple[Field, ...]
    features: tuple[str, ...]
    train: Train
    gate: Gate
    views: tuple[FeatureView, ...] = ()
    transformations: tuple[OnDemandTransformation, ...] = ()
    event_time: str = "event_time"
    parameters: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    seed: int = 0
    metrics: tuple[str, ...] = ()
    training_window: timedelta | None = None
    holdout: timedelta = timedelta(days=14)
    monitors: Monitors = field(default_factory=Monitors)
    triggers: Triggers = field(default_factory=Triggers)
    resources: Resources = field(default_factory=Resources)

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        checked_name(self.name, "model")
        if not self.metrics:
            object.__setattr__(self, "metrics", METRICS[self.task])
        self._check_metrics()
        no_repeats((one.name for one in self._all_fields()), f"model {self.name!r}: column")
        self._check_columns()

    @property
    def inputs(self) -> tuple[Field, ...]:
        """What a request carries for a row: the entity's keys, then the request fields."""
        keys = tuple(key for key in self.entity.keys if key.name not in {one.name for one in self.request})
        return keys + self.request

    @property
    def feature_fields(self) -> tuple[Field, ...]:
        """The fields of the columns that the model sees, in its order."""
        known = {one.name: one for one in self._all_fields()}
        return tuple(known[name] for name in self.features)

    def _all_fields(self) -> Iterator[Field]:
        yield from self.inputs
        for view in self.views:
            yield from view.features
        for transformation in self.transformations:
            yield from transformation.outputs

    def _check_metrics(self) -> None:
        performance = self.monitors.performance
        named = [*self.metrics, self.gate.metric, *([performance.metric] if performance else [])]
        for metric in named:
            if metric not in METRICS[self.task]:
                choices = ", ".join(METRICS[self.task])
                raise DefinitionError(f"model {self.name!r}: {metric!r} is no metric for {self.task}: use {choices}")

    def _check_columns(self) -> None:
        available = {one.name for one in self.inputs}
        for view in self.views:
            if missing := [key for key in view.entity.key_names if key not in available]:
                raise DefinitionError(
                    f"model {self.name!r}: view {view.name!r} is looked up by {missing[0]!r}, "
                    "which no request carries: add it to the request fields"
                )
        available |= {name for view in self.views for name in view.feature_names} | {"event_time"}
        for transformation in self.transformations:
            if missing := [name for name in transformation.inputs if name not in available]:
                raise DefinitionError(
                    f"model {self.name!r}: transformation {transformation.name!r} wants {missing[0]!r}, "
                    "which nothing before it provides"
                )
            available |= {output.name for output in transformation.outputs}
        if not self.features:
            raise DefinitionError(f"model {self.name!r} has no features: name at least one column")
        no_repeats(self.features, f"model {self.name!r}: feature")
        known = {one.name: one for one in self._all_fields()}
        for name in self.features:
            if name not in known:
                raise DefinitionError(
                    f"model {self.name!r}: feature {name!r} is no request field, view feature or output"
                )
            if known[name].dtype == "time":
                raise DefinitionError(f"model {self.name!r}: feature {name!r} is a time; turn it into a number first")

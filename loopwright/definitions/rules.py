"""The rules of the loop: what earns promotion, what is watched, what starts a retraining."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from loopwright.errors import DefinitionError

DriftMeasure = Literal["psi", "ks", "kl", "js"]


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the held-out rows, where `column` equals `value`, on which the metric must not be under `minimum`.

    The metric is the gate's. Slices of fewer than `minimum_rows` rows are reported but decide nothing.
    """

    column: str
    value: str
    minimum: float
    minimum_rows: int = 200


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate must show on held-out rows to become champion.

    Attributes:
        metric: the metric that decides, one of the model's metrics.
        minimum: the candidate's metric must be at least (for an error: at most) this. None: no bound.
        margin: how much better than the champion it must be on the same rows; may be negative to allow ties.
        confidence: of the paired bootstrap: the share of resamples in which the candidate must beat champion + margin.
        resamples: of the paired bootstrap.
        slices: bounds on parts of the rows.
        minimum_rows: fewer held-out rows than this decide nothing: the gate refuses.
        maximum_latency_ms: of one row through the exported model, median. None: no bound.
        maximum_size_mb: of the exported model. None: no bound.
    """

    metric: str
    minimum: float | None = None
    margin: float = 0.0
    confidence: float = 0.95
    resamples: int = 500
    slices: tuple[Slice, ...] = ()
    minimum_rows: int = 500
    maximum_latency_ms: float | None = 50.0
    maximum_size_mb: float | None = 100.0

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0.5 <= self.confidence < 1:  # noqa: PLR2004 - a coin toss is the least that means anything
            raise DefinitionError(f"gate: confidence is between 0.5 and 1, not {self.confidence}")


@dataclass(frozen=True, slots=True)
class Drift:
    """When a live window's features count as drifted from the training profile.

    Attributes:
        measure: psi, ks, kl or js, over the profile's bins.
        threshold: a feature whose measure is at least this has drifted, if it is significant too.
        significance: false discovery rate over all features of a window (Benjamini–Hochberg).
        minimum_rows: windows with fewer rows say nothing.
        minimum_features: how many features must have drifted for the window to count as drifted.
        window: the stretch of prediction time over which live counts are merged before they are compared.
        features: which features to watch; empty: all of the model's.
    """

    measure: DriftMeasure = "psi"
    threshold: float = 0.2
    significance: float = 0.01
    minimum_rows: int = 500
    minimum_features: int = 1
    window: timedelta = timedelta(days=7)
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataQuality:
    """When a window's data counts as broken, apart from drift: shares of rows over which an alert is raised."""

    maximum_null_share: float = 0.05
    maximum_out_of_range_share: float = 0.01
    maximum_unknown_category_share: float = 0.05
    maximum_stale_share: float = 0.2
    minimum_rows: int = 100


@dataclass(frozen=True, slots=True)
class Performance:
    """When the measured quality counts as lost.

    Attributes:
        metric: one of the model's metrics.
        minimum: at least (for an error: at most) this is fine. None: only the drop decides.
        maximum_drop: how much worse than at training is still fine. None: only the minimum decides.
        minimum_labels: windows with fewer labels say nothing.
        minimum_coverage: windows with a smaller share of labelled predictions say nothing.
        window: the stretch of prediction time that is judged together.

    It counts as lost only if the whole bootstrap interval is on the wrong side.
    """

    metric: str
    minimum: float | None = None
    maximum_drop: float | None = 0.05
    minimum_labels: int = 500
    minimum_coverage: float = 0.5
    window: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Monitors:
    """What is watched. `window` is the smallest stretch of prediction time kept: an hour or a whole part of a day."""

    window: timedelta = timedelta(days=1)
    drift: Drift | None = field(default_factory=Drift)
    quality: DataQuality | None = field(default_factory=DataQuality)
    performance: Performance | None = None


@dataclass(frozen=True, slots=True)
class Triggers:
    """What starts a retraining. A person always may.

    Attributes:
        every: the schedule; None: no schedule.
        on_drift: retrain when a window has drifted.
        on_performance: retrain when performance is lost.
        cooldown: after a retraining started, nothing but a person starts another for this long.
        budget: at most this many retrainings in `budget_period`, a person's included.
        budget_period: see `budget`.
    """

    every: timedelta | None = None
    on_drift: bool = True
    on_performance: bool = True
    cooldown: timedelta = timedelta(days=7)
    budget: int = 12
    budget_period: timedelta = timedelta(days=90)

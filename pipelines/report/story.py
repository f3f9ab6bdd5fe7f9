"""What the report tells, gathered from the stores and from nowhere else."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from loopwright.definitions import Model, Project
from loopwright.definitions.model import SMALLER_IS_BETTER
from loopwright.errors import NotFoundError
from loopwright.monitoring import History, Monitor, WindowResult
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.performance import Measured, judged_metric
from loopwright.monitoring.windows import ALL_VERSIONS
from loopwright.ports import Platform
from loopwright.registry import CHAMPION, AliasChange, ModelVersion, Registry
from loopwright.triggers import LedgerEntry, Triggers

WEEK: Final = timedelta(days=7)

_NEARLY_ALL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Week:
    """A week of one arm: all versions that answered in it together.

    Attributes:
        start, end: moments.
        measured: the performance, from the labels that have landed; None: none has.
        estimated: what the scores promised, before any label.
    """

    start: float
    end: float
    measured: Measured | None
    estimated: float | None = None


@dataclass(frozen=True, slots=True)
class DriftCell:
    """How far one feature was from the training's at the end of a week, as the drift rule looks at it."""

    feature: str
    end: float
    value: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class QualityLine:
    """One kind of data problem over all weeks: the worst share, when, and in how many weeks it was over its limit."""

    name: str
    check: str
    worst: float
    worst_start: float
    limit: float
    weeks: int
    weeks_over: int


@dataclass(frozen=True, slots=True)
class Occasion:
    """An entry of the ledger, with the version that its training made, if it started one."""

    entry: LedgerEntry
    version: ModelVersion | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the report tells.

    Attributes:
        champion, shadow: weeks; the shadow is `shadow_version` all the time, empty without one.
        services: weekly windows of the champions, for latency and feature ages.
    """

    project: str
    model: Model
    metric: str
    start: float
    end: float
    predictions: int
    labels: int
    champion: tuple[Week, ...]
    shadow: tuple[Week, ...]
    shadow_version: int | None
    promotions: tuple[AliasChange, ...]
    versions: Mapping[int, ModelVersion]
    occasions: tuple[Occasion, ...]
    alerts: tuple[Alert, ...]
    drift: tuple[DriftCell, ...]
    quality: tuple[QualityLine, ...]
    services: tuple[WindowResult, ...]

    @property
    def smaller_is_better(self) -> bool:
        """Whether the metric is an error."""
        return self.metric in SMALLER_IS_BETTER


def gather(platform: Platform, project: Project, model_name: str) -> Story:
    """Read the stores.

    Raises:
        NotFoundError: there is no such model, or it has made no predictions yet.
    """
    model = project.model(model_name)
    history = Monitor(platform, project).history(model_name)
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    days = history.windows()
    served = [day for day in days if day.arm != "shadow"]
    if not served:
        raise NotFoundError(f"model {model_name!r} has made no predictions yet: there is nothing to report")
    start = served[0].start
    weeks = history.stretches(WEEK, since=start)
    shadow_version = min((day.version for day in days if day.arm == "shadow"), default=None)
    versions = {version.version: version for version in registry.versions(model_name)}
    ledger = tuple(reversed(Triggers(platform, project).ledger(model_name)))
    return Story(
        project=project.name,
        model=model,
        metric=judged_metric(model),
        start=start,
        end=max(day.end for day in served),
        predictions=sum(day.rows for day in served),
        labels=sum(day.performance.labels for day in served if day.performance),
        champion=tuple(_weeks(history, weeks, start, arm="champion", version=ALL_VERSIONS)),
        shadow=tuple(_weeks(history, weeks, start, arm="shadow", version=shadow_version)) if shadow_version else (),
        shadow_version=shadow_version,
        promotions=tuple(registry.alias_history(model_name, CHAMPION)),
        versions=versions,
        occasions=tuple(_occasions(ledger, versions)),
        alerts=tuple(history.alerts()),
        drift=tuple(_drift(history, model, weeks)),
        quality=tuple(_quality(weeks)),
        services=tuple(week for week in weeks if week.arm == "champion"),
    )


def _weeks(history: History, weeks: Sequence[WindowResult], since: float, *, arm: str, version: int) -> Iterator[Week]:
    found = {
        one.start: one.measured for one in history.performance(since=since) if one.arm == arm and one.version == version
    }
    metric = next(iter(found.values())).metric if found else ""
    promised: dict[float, list[WindowResult]] = {}
    for week in weeks:
        if week.arm == arm and version in {ALL_VERSIONS, week.version}:
            promised.setdefault(week.start, []).append(week)
    for start in sorted({*found, *promised}):
        parts = [part for part in promised.get(start, ()) if metric in part.estimated]
        rows = sum(part.rows for part in parts)
        estimated = sum(part.estimated[metric] * part.rows for part in parts) / rows if rows else None
        yield Week(start, start + WEEK.total_seconds(), found.get(start), estimated)


def _drift(history: History, model: Model, weeks: Sequence[WindowResult]) -> Iterator[DriftCell]:
    """Yield the drift of every feature at the end of each week, of the version that answered nearly all of it."""
    rule = model.monitors.drift
    if rule is None:
        return
    rows: Counter[float] = Counter()
    most: dict[float, WindowResult] = {}
    for week in weeks:
        if week.arm == "champion":
            rows[week.end] += week.rows
            most[week.end] = max(week, most.get(week.end, week), key=lambda one: one.rows)
    for end, week in most.items():
        # A few days after a promotion would say more about the days of the week than about drift.
        if week.rows < _NEARLY_ALL * rows[end]:
            continue
        seen = history.drift_until(end, arm="champion", version=week.version)
        for one in seen.features if seen else ():
            yield DriftCell(one.feature, end, one.measure(rule.measure), one.drifted)


def _quality(weeks: Sequence[WindowResult]) -> Iterator[QualityLine]:
    """Yield one line for every check of every feature that ever found something, the worst first."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for week in weeks:
        if week.arm == "champion" and week.quality and week.quality.enough:
            for one in week.quality.findings:
                found.setdefault((one.name, one.check), []).append((one.share, one.limit, week.start))
    lines = []
    for (name, check), shares in found.items():
        share, limit, start = max(shares)
        over = sum(one > bound for one, bound, _ in shares)
        lines.append(QualityLine(name, check, share, start, limit, len(shares), over))
    yield from sorted(lines, key=lambda line: line.worst / max(line.limit, 1e-9), reverse=True)


def _occasions(ledger: Sequence[LedgerEntry], versions: Mapping[int, ModelVersion]) -> Iterator[Occasion]:
    starts = [entry.at for entry in ledger if entry.decision.started]
    for entry in ledger:
        until = next((start for start in starts if start > entry.at), float("inf"))
        made = (version for version in versions.values() if entry.at <= version.created < until)
        yield Occasion(entry, next(made, None) if entry.decision.started else None)

"""The loop at a glance: who serves since when, how it does, what was decided last, what waits in the queues."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from loopwright.definitions import Model, Project
from loopwright.monitoring import Monitor
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.history import History, WindowResult
from loopwright.monitoring.performance import judged_metric
from loopwright.monitoring.windows import ALL_VERSIONS
from loopwright.ports import Platform
from loopwright.ports.queues import Depth
from loopwright.ports.table import Key
from loopwright.registry import CHAMPION, Registry, Routing
from loopwright.triggers import LedgerEntry, Triggers

QUEUES: Final = ("predictions", "labels", "features", "triggers")

HEARTBEAT: Final = Key("worker", "heartbeat")
"""Where the worker says up to which moment everything that was due has been done."""

_WEEKS: Final = 6
_DECISIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Week:
    """A week of the champions, in short.

    Attributes:
        start: its first moment.
        rows: predictions.
        versions: who answered.
        metric: what is measured.
        value, low, high: with its 95 % interval; None: no labels yet.
        coverage: the share of predictions with a label.
        drifted, broken: what the alerts of drift and of data quality that were raised in it are about.
    """

    start: float
    rows: int
    versions: tuple[int, ...]
    metric: str
    value: float | None
    low: float | None
    high: float | None
    coverage: float
    drifted: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelGlance:
    """One model's loop.

    Attributes:
        alerts: the newest of each kind.
        decisions: the newest, and the newest that started something.
    """

    name: str
    routing: Routing
    champion_since: float | None
    versions: int
    weeks: tuple[Week, ...]
    alerts: tuple[Alert, ...]
    decisions: tuple[LedgerEntry, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """A project's loop.

    Attributes:
        heartbeat: the moment up to which the worker has done all that was due; None: never ran.
        queues: how many messages wait in each.
        late: the queues were counted some minutes ago, and messages in hand count as ready.
    """

    project: str
    now: float
    heartbeat: float | None
    models: tuple[ModelGlance, ...]
    queues: Mapping[str, Depth]
    late: bool


def glance(platform: Platform, project: Project) -> Glance:
    """Look at the loop; nothing is changed."""
    beat = platform.table.get(HEARTBEAT)
    moment = beat.value.get("at") if beat else None
    return Glance(
        project=project.name,
        now=platform.clock(),
        heartbeat=float(moment) if isinstance(moment, int | float) else None,
        models=tuple(_model(platform, project, model) for model in project.models),
        queues={queue: platform.queue.depth(queue) for queue in QUEUES},
        late=not platform.capabilities.counts_in_flight,
    )


def _model(platform: Platform, project: Project, model: Model) -> ModelGlance:
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    changes = registry.alias_history(model.name, CHAMPION)
    history = Monitor(platform, project).history(model.name)
    alerts = history.alerts()
    ledger = Triggers(platform, project).ledger(model.name)
    started = [entry for entry in ledger[1:] if entry.decision.started]
    return ModelGlance(
        name=model.name,
        routing=registry.routing(model.name),
        champion_since=changes[-1].at if changes else None,
        versions=len(list(registry.versions(model.name))),
        weeks=tuple(_weeks(history, model, alerts, now=platform.clock())),
        alerts=tuple({alert.kind: alert for alert in alerts}.values()),
        decisions=tuple((ledger[:1] + started)[:_DECISIONS]),
    )


def _weeks(history: History, model: Model, alerts: Sequence[Alert], *, now: float) -> Iterator[Week]:
    week = timedelta(days=7)
    since = (now - _WEEKS * week.total_seconds()) // 86_400 * 86_400
    found: dict[float, list[WindowResult]] = {}
    for part in history.stretches(week, since=since):
        if part.arm == "champion":
            found.setdefault(part.start, []).append(part)
    measured = {
        one.start: one.measured
        for one in history.performance(since=since)
        if one.arm == "champion" and one.version == ALL_VERSIONS
    }
    for start, parts in found.items():
        whole = measured.get(start)
        raised = [alert for alert in alerts if start < alert.end <= parts[0].end]
        yield Week(
            start=start,
            rows=sum(part.rows for part in parts),
            versions=tuple(part.version for part in parts),
            metric=judged_metric(model),
            value=whole.value if whole else None,
            low=whole.low if whole else None,
            high=whole.high if whole else None,
            coverage=whole.coverage if whole else 0.0,
            drifted=_names(raised, "drift"),
            broken=_names(raised, "quality"),
        )


def _names(alerts: Sequence[Alert], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for alert in alerts if alert.kind == kind for name in alert.names))

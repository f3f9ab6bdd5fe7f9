"""How the loop looks at a glance."""

from typing import TYPE_CHECKING

from rich.markup import escape

from pipelines.cli.door import out
from pipelines.cli.forms import ago, date, few, moment, number, share, table

if TYPE_CHECKING:
    from loopwright.triggers import LedgerEntry
    from pipelines.glance import Glance, ModelGlance


def show(seen: "Glance", *, recorded: bool, worker: bool) -> None:
    """Print a glance; `recorded`: the time is told by a file; `worker`: there has to be one, for nothing else works."""
    note = " [dim](recorded time)[/]" if recorded else ""
    out.print(f"[bold]{seen.project}[/] at {moment(seen.now)} UTC{note}", highlight=False)
    for model in seen.models:
        _model(model, seen.now)
    waiting = ", ".join(f"{name} {depth.ready + depth.in_flight}" for name, depth in seen.queues.items())
    dead = sum(depth.dead for depth in seen.queues.values())
    told = f"; [red]{dead} dead messages: loopwright redrive[/]" if dead else ""
    late = " [dim](as of some minutes ago)[/]" if seen.late else ""
    out.print(f"\n[dim]queues[/]  {waiting}{late}{told}", highlight=False)
    if worker or seen.heartbeat is not None:
        beat = "never ran: loopwright up" if seen.heartbeat is None else f"all done up to {moment(seen.heartbeat)}"
        out.print(f"[dim]worker[/]  {beat}", highlight=False)


def _model(model: "ModelGlance", now: float) -> None:
    routing = model.routing
    out.print(f"\n[bold]{model.name}[/]: {_champion(model, now)}; {model.versions} versions", highlight=False)
    if routing.canary:
        told = f"version {routing.canary.version} for {share(routing.canary.weight)} of requests"
        out.print(f"  [dim]canary[/]   {told}", highlight=False)
    if routing.shadows:
        told = ", ".join(f"version {version}" for version in routing.shadows)
        out.print(f"  [dim]shadows[/]  {told}", highlight=False)
    if model.weeks:
        _weeks(model)
    for alert in model.alerts:
        out.print(f"  [yellow]alert[/]    {date(alert.end)} {alert.kind}: {escape(alert.detail)}", highlight=False)
    for entry in model.decisions:
        mark = "[green]retrained[/]" if entry.decision.started else f"not retrained, {escape(entry.decision.why)}"
        out.print(f"  [dim]decided[/]  {date(entry.at)} {mark}; {_occasion(entry)}", highlight=False)


def _occasion(entry: "LedgerEntry") -> str:
    return f"{entry.reason.kind}: {escape(entry.reason.detail)}"


def _champion(model: "ModelGlance", now: float) -> str:
    if model.routing.champion is None:
        return "[red]no champion[/]: loopwright train"
    since = model.champion_since or now
    return f"champion is version [bold]{model.routing.champion}[/] since {date(since)}, {ago(now - since)}"


def _weeks(model: "ModelGlance") -> None:
    metric = model.weeks[-1].metric
    rows = table("  week of", "rows", "by", metric, "95 %", "labelled", "drifted", "broken", loose=2)
    for week in model.weeks:
        bounds = "" if week.low is None or week.high is None else f"{week.low:.3f}–{week.high:.3f}"
        versions = ", ".join(f"v{version}" for version in week.versions)
        cells = [date(week.start), f"{week.rows:,}", versions, number(week.value), bounds, share(week.coverage)]
        rows.add_row(f"  {cells[0]}", *cells[1:], few(week.drifted), few(week.broken))
    out.print(rows)

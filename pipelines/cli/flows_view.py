"""How flows look while they run, and what they tell in the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from pipelines.cli.door import err, out
from pipelines.cli.forms import number, table

if TYPE_CHECKING:
    from loopwright.definitions import Model
    from loopwright.monitoring import MonitorReport
    from pipelines.reproduce import Reproduction
    from pipelines.steps import Progress, StepEvent
    from pipelines.training.course import TrainOutcome


@contextmanager
def steps(*, quiet: bool) -> "Iterator[Progress]":
    """Show which step of a pipeline is at work."""
    with err.status("starting") as status:

        def tell(event: "StepEvent") -> None:
            if not quiet:
                status.update(f"step {event.number} of {event.count}: {event.step}")

        yield tell


def parsed_parameters(texts: Sequence[str], model: "Model") -> dict[str, float | int | str | bool]:
    """Return `name=value` texts as parameters, each of the type that the model's own parameter has.

    Raises:
        InvalidInputError: one has no `=`, names no parameter, or its value is of another type.
    """
    from loopwright.errors import InvalidInputError  # noqa: PLC0415 - loopwright brings numpy

    found: dict[str, float | int | str | bool] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in model.parameters:
            names = ", ".join(model.parameters) or "none"
            raise InvalidInputError(f"--set {text}: wanted name=value with one of the model's parameters: {names}")
        kind = type(model.parameters[name])
        try:
            found[name] = value.lower() in {"true", "1", "yes"} if kind is bool else kind(value)
        except ValueError as error:
            raise InvalidInputError(
                f"--set {text}: wanted {kind.__name__}, such as {model.parameters[name]}"
            ) from error
    return found


def show_training(outcome: "TrainOutcome") -> None:
    """Print what became of a training."""
    out.print(f"run [bold]{outcome.run_id}[/] made version [bold]{outcome.version}[/]", highlight=False)
    verdict = outcome.verdict
    if verdict is None:
        return
    rows = table("", "check", "wanted", "got", loose=2)
    for finding in verdict.reasons:
        mark = "[green]✓[/]" if finding.passed else "[red]✗[/]" if finding.decides else "[dim]·[/]"
        rows.add_row(mark, finding.check, escape(finding.wanted), escape(finding.got))
    out.print(rows)
    for name, value in verdict.candidate.items():
        beside = f" (champion {number(verdict.champion.get(name))})" if verdict.champion else ""
        out.print(f"  {name} {number(value)}{beside}", highlight=False)
    told = "[green]promoted[/]: it serves now" if outcome.promoted else "[yellow]not promoted[/]"
    out.print(told)


def show_monitoring(seen: "MonitorReport") -> None:
    """Print what one run of the monitor saw."""
    out.print(f"{seen.rows:,} new predictions in {seen.slots} windows, {seen.labels:,} new labels", highlight=False)
    for alert in seen.raised:
        out.print(f"[yellow]alert[/] {alert.kind}: {escape(alert.detail)}", highlight=False)
    newest = seen.newest
    if newest and newest.loss:
        out.print(f"performance: {escape(newest.loss.why)}", highlight=False)
    if newest and newest.drift:
        drifted = ", ".join(newest.drift.drifted_features) or "nothing"
        out.print(f"drifted: {drifted} (over {newest.drift.rows:,} rows)", highlight=False)


def show_reproduction(found: "Reproduction") -> None:
    """Print whether the same came out, and what differs."""
    if found.identical:
        out.print(f"[green]identical[/]: run {found.run_id} made the same model again, {found.digest}", soft_wrap=True)
    else:
        told = "another model came out" if found.trained else "it could not be trained again"
        out.print(f"[red]not identical[/]: {told}")
    if found.differences:
        rows = table("differs", "then", "now", loose=3)
        for one in found.differences:
            what = f"[red]{escape(one.what)}[/]" if one.result else escape(one.what)
            rows.add_row(what, escape(one.then), escape(one.now))
        out.print(rows)


def show_redriven(dead: Mapping[str, int | None], alive: Mapping[str, int]) -> None:
    """Print by queue how many messages were dead (None: that is not known), and how many are ready again."""
    rows = table("queue", "dead", "ready again")
    for queue, count in dead.items():
        told = "?" if count is None else f"[red]{count:,}[/]" if count else "0"
        rows.add_row(queue, told, f"{alive[queue]:,}")
    out.print(rows)

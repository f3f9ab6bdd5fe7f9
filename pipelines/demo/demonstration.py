"""The demonstration from end to end: import the past, train, serve a recorded year, report."""

import shutil
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters import open_platform
from loopwright.clock import ReplayClock, isoformat
from loopwright.definitions import Project
from loopwright.definitions.project import load_project
from loopwright.errors import InvalidInputError, UnavailableError
from loopwright.features.materialize import materialize
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.settings import Settings
from loopwright.triggers import Reason, Triggers
from pipelines.demo.recording import Recording
from pipelines.demo.replay import Replay
from pipelines.demo.script import load_recording
from pipelines.demo.server import serving
from pipelines.report import write_report

MARKER: Final = "demonstration"
"""A file in the state of a demonstration: only such a state is thrown away to begin again."""

CLOCK: Final = "clock"

_DAY: Final = 86_400.0
_PAUSE: Final = 0.05
_WHO: Final = "the demonstration"


def demonstrate(folder: Path, report: Path | None, *, console: Console, days: int | None = None) -> Path:
    """Live through the recording of a project, or its first days, and return the report.

    Raises:
        InvalidInputError: the project has a state that no demonstration made.
        UnavailableError: a part of the loop did not do its work.
    """
    home = folder / ".loopwright"
    began = time.monotonic()
    _begin(home)
    project = load_project(folder)
    with console.status("reading the recording"):
        recording = load_recording(folder, project).until(days)
    clock = ReplayClock(home / CLOCK)
    clock.set(recording.start)
    platform = open_platform(Settings(home=home, project=folder, clock_file=home / CLOCK))
    try:
        _import_past(platform, project, recording, console)
        _train_first(platform, project, recording, console)
        with serving(Settings(home=home, project=folder, clock_file=home / CLOCK), home / "up.log") as connection:
            replay = Replay(platform, clock, connection)
            _play(platform, replay, recording, console)
        target = report or home / "report.html"
        with console.status("writing the report"):
            write_report(platform, project, recording.model, target)
    finally:
        platform.close()
    _tell_end(folder, target, time.monotonic() - began, console)
    return target


def _begin(home: Path) -> None:
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).is_file():
            raise InvalidInputError(f"{home} holds a state that no demonstration made: move it away, then start again")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


def _import_past(platform: Platform, project: Project, recording: Recording, console: Console) -> None:
    for name, table in recording.past.items():
        platform.lake.append(name, table.rows, schema=table.schema, transaction="past")
        rows = len(next(iter(table.rows.values())))
        console.print(f"[green]✓[/] imported {rows:,} rows into the lake table {name!r}", highlight=False)
    for view in project.views:
        done = materialize(platform, view, now=recording.start)
        console.print(f"[green]✓[/] put {done.rows_written:,} rows of {view.name} online", highlight=False)


def _train_first(platform: Platform, project: Project, recording: Recording, console: Console) -> None:
    """Train as a person would ask for it, and keep scoring this first version in the shadow from then on."""
    began = time.monotonic()
    reason = Reason("person", "the first model", event_id="demonstration/first", who=_WHO)
    decision = Triggers(platform, project).consider(recording.model, reason, now=recording.start)
    with console.status("training the first model"):
        _await_job(platform, decision.job)
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    champion = registry.routing(recording.model).champion
    if champion is None:
        raise UnavailableError("the first model did not pass the gate: see `loopwright models`")
    registry.set_shadows(recording.model, (champion,), who=_WHO, why="to compare with what retraining brings")
    metrics = registry.version(recording.model, champion).metrics
    metric = project.model(recording.model).gate.metric
    seconds = time.monotonic() - began
    console.print(
        f"[green]✓[/] trained version {champion} in {seconds:.0f} s: {metric} {metrics[metric]:.3f} on held-out rows; "
        "it serves, and stays in the shadow for comparison",
        highlight=False,
    )


def _await_job(platform: Platform, key: str | None) -> None:
    if key is None:
        raise UnavailableError("the first training was not started: see `loopwright status`")
    while (status := platform.jobs.status(key)) is not None and status.state == "running":
        time.sleep(_PAUSE)
    if status is None or status.state == "failed":
        raise UnavailableError(f"the first training failed: {status.detail if status else 'it is unknown'}")


def _play(platform: Platform, replay: Replay, recording: Recording, console: Console) -> None:
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("days"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        days = round((recording.end - recording.start) / _DAY)
        task = progress.add_task("replaying", total=days)

        def tell(at: float) -> None:
            champion = registry.routing(recording.model).champion
            told = f"{isoformat(at)[:10]}  champion v{champion}  {replay.tally.cases:,} predictions"
            progress.update(task, completed=round((at - recording.start) / _DAY), description=told)

        replay.run(recording, tell)
    tally = replay.tally
    console.print(
        f"[green]✓[/] replayed {days} days over HTTP: {tally.requests:,} requests, {tally.cases:,} predictions, "
        f"{tally.labels:,} labels, {tally.feature_rows:,} feature rows",
        highlight=False,
    )


def _tell_end(folder: Path, report: Path, seconds: float, console: Console) -> None:
    console.print(
        f"[green]✓[/] the report: [bold]{report}[/] ({seconds:.0f} s in all)", highlight=False, soft_wrap=True
    )
    for command in ("status", "models", "runs"):
        console.print(f"  look around: loopwright {command} --project {folder}", highlight=False, soft_wrap=True)

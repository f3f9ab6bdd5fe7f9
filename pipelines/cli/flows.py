"""Commands that run a part of the loop by hand: ingest, train, score, materialize, monitor, reproduce, redrive."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli import flows_view
from pipelines.cli.door import HERE, JsonOption, ModelOption, ProjectOption, WhoOption, opened, out
from pipelines.cli.forms import print_json


def ingest(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    table: Annotated[str, typer.Argument(help="The lake table; it is made when it is new.")],
    project: ProjectOption = HERE,
) -> None:
    """Append a file's rows to a table of the lake; the same file twice changes nothing."""
    from pipelines.ingest import ingest as bring  # noqa: PLC0415 - a command imports what it needs

    with opened(project) as place:
        done = bring(place.platform, place.project, file, table)
        told = f"{done.rows:,} rows appended" if done.new else "was there already"
        out.print(f"[green]{table}[/] is at version {done.version}: {escape(file.name)} {told}", highlight=False)


def train(
    project: ProjectOption = HERE,
    model: ModelOption = "",
    why: Annotated[str, typer.Option("--why", help="Why; it is kept with the run.")] = "trained by hand",
    who: WhoOption = "somebody",
    set_: Annotated[list[str] | None, typer.Option("--set", help="A parameter for this run: name=value.")] = None,
    resume: Annotated[str, typer.Option(help="Go on with this run, which was stopped or failed.")] = "",
    json: JsonOption = False,
) -> None:
    """Train, evaluate, export, judge and register a model; promote it if the gate lets it pass."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait for each other shall not spin
    from pipelines.train import resume as go_on  # noqa: PLC0415
    from pipelines.train import train as run_training  # noqa: PLC0415

    if resume:
        with opened(project) as place, flows_view.steps(quiet=json) as progress:
            outcome = go_on(place.platform, place.project, resume, progress=progress)
        print_json(outcome) if json else flows_view.show_training(outcome)
        return
    with opened(project) as place:
        chosen = place.model(model)
        parameters = flows_view.parsed_parameters(set_ or [], chosen)
        with flows_view.steps(quiet=json) as progress:
            outcome = run_training(
                place.platform,
                place.project,
                chosen.name,
                reason=why,
                at=place.platform.clock(),
                who=who,
                parameters=parameters,
                progress=progress,
            )
        if json:
            print_json(outcome)
        else:
            flows_view.show_training(outcome)


def materialize(project: ProjectOption = HERE) -> None:
    """Bring what changed in the feature views' sources into the online table."""
    from loopwright.features.materialize import materialize as bring  # noqa: PLC0415

    with opened(project) as place:
        for view in place.project.views:
            done = bring(place.platform, view, now=place.platform.clock())
            out.print(f"[green]{view.name}[/]: {done.rows_read:,} rows read, {done.rows_written:,} written")


def monitor(project: ProjectOption = HERE, model: ModelOption = "", json: JsonOption = False) -> None:
    """Fold what was logged since the last run into windows, and raise alerts."""
    from pipelines.monitor import monitor as fold  # noqa: PLC0415

    with opened(project) as place:
        seen = fold(place.platform, place.project, place.model(model).name, at=place.platform.clock())
        if json:
            print_json(seen)
        else:
            flows_view.show_monitoring(seen)


def redrive(
    queue: Annotated[str, typer.Argument(help="predictions, labels, features or triggers; all when left out.")] = "",
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show how many messages are dead, and give them another chance: those of one queue, or of all."""
    from loopwright.errors import NotFoundError  # noqa: PLC0415 - a command imports what it needs
    from pipelines.glance import QUEUES  # noqa: PLC0415

    if queue and queue not in QUEUES:
        raise NotFoundError(f"there is no queue {queue!r}: name one of {', '.join(QUEUES)}")
    with opened(project) as place:
        found = place.platform.queue
        chosen = [queue] if queue else QUEUES
        # A count of some minutes ago would be at odds with what is found now.
        known = place.platform.capabilities.counts_in_flight
        dead = {name: found.depth(name).dead if known else None for name in chosen}
        alive = {name: found.redrive(name) for name in chosen}
    if json:
        print_json([{"queue": name, "dead": dead[name], "redriven": alive[name]} for name in chosen])
    else:
        flows_view.show_redriven(dead, alive)


def score(
    table: Annotated[str, typer.Argument(help="The lake table with the rows to score.")],
    name: Annotated[str, typer.Option(help="The job's name: the same name goes on with the same job.")],
    project: ProjectOption = HERE,
    model: ModelOption = "",
    json: JsonOption = False,
) -> None:
    """Score every row of a lake table with the champion, once; a job that was stopped goes on."""
    from pipelines.score import score as run_scoring  # noqa: PLC0415

    with opened(project) as place, flows_view.steps(quiet=json) as progress:
        outcome = run_scoring(
            place.platform,
            place.project,
            place.model(model).name,
            table=table,
            name=name,
            at=place.platform.clock(),
            progress=progress,
        )
    if json:
        print_json(outcome)
    else:
        told = f"{outcome.rows:,} rows by version {outcome.version}"
        out.print(f"[green]scored[/] {told}, in the lake table {outcome.table!r}", highlight=False)


def reproduce(
    run: Annotated[str, typer.Argument(help="The run's id; see `loopwright runs`.")],
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Train a run again from what it pinned and say whether the same comes out, or what differs."""
    from pipelines.reproduce import reproduce as run_again  # noqa: PLC0415

    with opened(project) as place, flows_view.steps(quiet=json) as progress:
        found = run_again(place.platform, place.project, run, progress=progress)
    if json:
        print_json(found)
    else:
        flows_view.show_reproduction(found)
    if not found.identical:
        raise typer.Exit(1)

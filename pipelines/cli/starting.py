"""Commands to begin with: init, demo, up."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.door import HERE, ProjectOption, err, opened, out, settings_of

_REPOSITORY = Path(__file__).parents[2]


def init(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file: one row a past case.")],
    label: Annotated[str, typer.Option(help="The column to predict.")],
    entity: Annotated[str, typer.Option(help="The column that says what a case is about, such as customer_id.")],
    time: Annotated[str, typer.Option(help="The column with the moment at which a prediction was due.")],
    name: Annotated[
        str, typer.Option(help="The new folder, and the project's name; the file's name if left out.")
    ] = "",
    positive: Annotated[str, typer.Option(help="Which of two texts of the label counts as 1.")] = "",
) -> None:
    """Make a project from a file: a folder that trains and serves at once, to be edited afterwards."""
    from pipelines.starting import Wish, start  # noqa: PLC0415 - a command imports what it needs

    folder = Path(name or file.stem)
    made = start(Wish(file, folder, label, entity, time, positive or None))
    table = Table("column", "became", box=None, header_style="dim")
    for column, field in made.survey.features:
        table.add_row(escape(column.source), f"{field.name}: {field.dtype}{' or null' if field.nullable else ''}")
    for column_name, why in made.survey.left_out:
        table.add_row(f"[dim]{escape(column_name)}[/]", f"[dim]left out: {escape(why)}[/]")
    out.print(table)
    target = made.survey.target
    out.print(
        f"\n[green]made[/] {folder}/: model [bold]{made.model}[/] predicts {target.column.name} ({target.task}); "
        f"{made.rows:,} rows are in the lake table {made.table!r}",
        highlight=False,
    )
    out.print(f"next: [bold]loopwright train -p {folder}[/], then [bold]loopwright up -p {folder}[/]", highlight=False)


def demo(
    report: Annotated[Path | None, typer.Option(help="Where to write the report.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Stop after so many days.")] = None,
) -> None:
    """Live through a year of flights: train, serve, monitor, retrain, report. About three minutes."""
    from pipelines.demo.demonstration import demonstrate  # noqa: PLC0415

    demonstrate(_REPOSITORY / "examples" / "flights", report, console=out, days=days)


def up(
    project: ProjectOption = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
) -> None:
    """Serve the project on this machine, beside a worker that collects, monitors and retrains."""
    from loopwright.definitions.project import load_project  # noqa: PLC0415

    loaded = load_project(project)
    settings = settings_of(project)
    base = f"http://{host}:{port}"
    out.print(f"[bold]{loaded.name}[/] on [bold]{base}[/]; stop it with Ctrl-C", highlight=False)
    for model in loaded.models:
        out.print(f"  POST {base}/models/{model.name}/predict", highlight=False)
    out.print(f"  GET  {base}/openapi.json", highlight=False)
    out.print(f"  MLFLOW_TRACKING_URI={base} (`loopwright ui` brings its pages)", highlight=False)
    if settings.clock_file:
        out.print(f"  time is recorded: {settings.clock_file} tells it", highlight=False)
    out.file.flush()
    command = [sys.executable, "-m", "functions.up", "--host", host, "--port", str(port)]
    environment = {**os.environ, **settings.to_env(), "PYTHONPATH": _python_path()}
    # The server takes this process's place, so that every signal reaches it.
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own program


def ui(
    project: ProjectOption = HERE,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A wheel of mlflow, an environment that has it, or its site-packages."),
    ] = None,
) -> None:
    """Put MLflow's UI beside the tracking function, which serves it at `/`: from an installed mlflow, or fetched."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from pipelines import ui as doing  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with opened(project) as place, Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("looking for mlflow", total=None)
        with doing.located(source) as found:
            bar.update(task, description=f"mlflow {found.version}")
            done = doing.place(place.platform.blobs, found, lambda put, of: bar.update(task, completed=put, total=of))
    out.print(
        f"[green]served[/] MLflow {done.version} from {escape(found.told)}: {done.files} files, "
        f"{done.size / 1e6:.1f} MB; {done.written} had to be put, {done.stored / 1e6:.1f} MB compressed",
        highlight=False,
    )
    if done.version != doing.VERSION:
        out.print(f"[yellow]note:[/] the calls that are answered are those of MLflow {doing.VERSION}'s pages")
    out.print("look at it at [bold]/[/] of the tracking function; [bold]loopwright up[/] has it too", highlight=False)


def _python_path() -> str:
    return os.pathsep.join(filter(None, (str(_REPOSITORY), os.environ.get("PYTHONPATH"))))

"""Commands that bring in what was made elsewhere: adopt, import-mlflow."""

import os
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli import bringing_view, flows_view
from pipelines.cli.door import HERE, JsonOption, ProjectOption, WhoOption, opened, out
from pipelines.cli.forms import print_json


def adopt(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The model that a notebook registered over MLflow.")],
    version: Annotated[int, typer.Argument(help="Which of its versions.")],
    project: ProjectOption = HERE,
    as_: Annotated[
        str, typer.Option("--as", help="The project's model that it shall be; the one of the same name if left out.")
    ] = "",
    trust_pickle: Annotated[
        bool,
        typer.Option(
            "--trust-pickle",
            help="Open a pickle: whoever made it can run anything on this machine. Once, apart from all else.",
        ),
    ] = False,
    why: Annotated[str, typer.Option("--why", help="Why; it is kept with the run.")] = "adopted by hand",
    who: WhoOption = "somebody",
    json: JsonOption = False,
) -> None:
    """Judge a notebook's model, export it and register it anew; promote it if the gate lets it pass."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait for each other shall not spin
    from pipelines.adopt import Wish  # noqa: PLC0415 - a command imports what it needs
    from pipelines.adopt import adopt as run_adoption  # noqa: PLC0415

    wish = Wish(name, version, as_, trust_pickle)
    with opened(project) as place, flows_view.steps(quiet=json) as progress:
        at = place.platform.clock()
        done = run_adoption(place.platform, place.project, wish, reason=why, at=at, who=who, progress=progress)
    if json:
        print_json(done)
        return
    flows_view.show_training(done.outcome)
    rows = done.outcome.verdict.rows if done.outcome.verdict else 0
    out.print(
        f"of the {rows:,} held-out rows {done.unseen:,} came after the model: it cannot have been trained on these",
        highlight=False,
    )
    for note in done.notes:
        out.print(f"[yellow]note[/] {escape(note)}", highlight=False)


def import_mlflow(
    source: Annotated[
        str, typer.Argument(help="The server, as http(s)://…; or sqlite:///… or a folder, if MLflow is installed here.")
    ],
    project: ProjectOption = HERE,
    experiment: Annotated[
        list[str] | None, typer.Option("--experiment", "-e", help="Only this experiment; several times for several.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Only this registered model; several times for several.")
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted experiments and runs, too.")] = False,
    no_artifacts: Annotated[bool, typer.Option("--no-artifacts", help="Leave the files where they are.")] = False,
    token: Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_TOKEN", help="A bearer token of the server.")] = "",
    username: Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_USERNAME", help="A name that it knows.")] = "",
    password: Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_PASSWORD", help="The password.")] = "",
    who: WhoOption = "somebody",
    json: JsonOption = False,
) -> None:
    """Bring an MLflow server's experiments, runs, artifacts and models here; again: what is new since."""
    from pipelines.import_mlflow import import_mlflow as bring  # noqa: PLC0415 - a command imports what it needs
    from pipelines.importing.places import served  # noqa: PLC0415
    from pipelines.importing.report import Choice  # noqa: PLC0415
    from pipelines.importing.server import Login  # noqa: PLC0415

    choice = Choice(tuple(experiment or ()), tuple(model or ()), deleted, artifacts=not no_artifacts)
    login = Login(token, username, password)
    # A server that is started for this has another address each time.
    known = "" if source.startswith("http") else source
    with opened(project) as place, served(source) as url, bringing_view.progress(quiet=json) as tell:
        report = bring(place.platform, url, login, choice, who=who, known_as=known, tell=tell)
    if json:
        print_json(report)
    else:
        bringing_view.show(report)
    if not report.complete:
        raise typer.Exit(1)

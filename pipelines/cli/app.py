"""The commands, in the order in which a newcomer needs them."""

from typing import Final

import typer

from pipelines.cli import bringing, deciding, flows, looking, starting

_START: Final = "Start"
_FLOW: Final = "Run a part of the loop by hand"
_BRING: Final = "Bring in what was made elsewhere"
_LOOK: Final = "Look"
_DECIDE: Final = "Decide"

app = typer.Typer(
    name="loopwright",
    help="Keeps tabular models useful after the notebook: train, serve, watch, retrain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command(rich_help_panel=_START)(starting.init)
app.command(rich_help_panel=_START)(starting.demo)
app.command(rich_help_panel=_START)(starting.up)
app.command(rich_help_panel=_START)(starting.ui)
app.command(rich_help_panel=_FLOW)(flows.ingest)
app.command(rich_help_panel=_FLOW)(flows.train)
app.command(rich_help_panel=_FLOW)(flows.score)
app.command(rich_help_panel=_FLOW)(flows.materialize)
app.command(rich_help_panel=_FLOW)(flows.monitor)
app.command(rich_help_panel=_FLOW)(flows.reproduce)
app.command(rich_help_panel=_FLOW)(flows.redrive)
app.command(rich_help_panel=_BRING)(bringing.adopt)
app.command("import-mlflow", rich_help_panel=_BRING)(bringing.import_mlflow)
app.command(rich_help_panel=_LOOK)(looking.status)
app.command(rich_help_panel=_LOOK)(looking.models)
app.command(rich_help_panel=_LOOK)(looking.runs)
app.command(rich_help_panel=_LOOK)(looking.lineage)
app.command(rich_help_panel=_LOOK)(looking.report)
app.command(rich_help_panel=_LOOK)(looking.doctor)
app.command(rich_help_panel=_DECIDE)(deciding.promote)
app.command(rich_help_panel=_DECIDE)(deciding.rollback)

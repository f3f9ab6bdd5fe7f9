"""How an import looks while it goes on, and what it tells in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.markup import escape

from pipelines.cli.door import err, out
from pipelines.cli.forms import table

if TYPE_CHECKING:
    from pipelines.importing.report import Report, Tell

_SHOWN: Final = 20


@contextmanager
def progress(*, quiet: bool) -> "Iterator[Tell]":
    """Show how much has come, and what is at work."""
    with err.status("asking the server") as status:

        def tell(report: "Report", what: str) -> None:
            if not quiet:
                told = f"{report.here.runs:,} of {report.there:,} runs, {report.here.files:,} files"
                status.update(f"{told}: {escape(what)}")

        yield tell


def show(report: "Report") -> None:
    """Print what is here now, and what could not be brought."""
    here = report.here
    rows = table("", "there", "here")
    rows.add_row("experiments", f"{report.experiments:,}", f"{report.experiments:,}")
    rows.add_row("runs", f"{report.there:,}", f"{here.runs:,}")
    rows.add_row("logged models", f"{report.logged_models_there:,}", f"{report.logged_models:,}")
    rows.add_row("registered models", f"{report.registered_models_there:,}", f"{report.registered_models:,}")
    rows.add_row("versions", f"{report.versions_there:,}", f"{report.versions:,}")
    out.print(rows)
    size = here.bytes + report.model_bytes
    out.print(
        f"with {here.points:,} points, {here.params:,} params, {here.tags:,} tags, {here.inputs:,} data sets, "
        f"{here.files + report.model_files:,} files of {size:,} bytes; each run was read back and compared",
        highlight=False,
    )
    if report.unchanged:
        out.print(f"{report.unchanged:,} of the runs were here already", highlight=False)
    for problem in report.problems[:_SHOWN]:
        out.print(f"[yellow]·[/] {escape(problem)}", highlight=False)
    if len(report.problems) > _SHOWN:
        out.print(f"… and {len(report.problems) - _SHOWN} more: --json has all of them")
    told = "[green]all of it is here[/]" if report.complete else "[red]not all of it is here[/]"
    out.print(f"{told}, from {escape(report.server)}", highlight=False)

"""How the doctor's findings look."""

from typing import TYPE_CHECKING, Final

from rich.markup import escape

from pipelines.cli.door import out
from pipelines.cli.forms import table

if TYPE_CHECKING:
    from pipelines.doctor import Finding

_MARKS: Final = {"fine": "[green]✓[/]", "warning": "[yellow]![/]", "broken": "[red]✗[/]"}


def show(findings: "list[Finding]") -> None:
    """Print the findings, each with what to do."""
    rows = table("", "what", "how it is")
    for finding in findings:
        advice = f"\n[bold]→ {escape(finding.advice)}[/]" if finding.advice else ""
        rows.add_row(_MARKS[finding.level], finding.what, escape(finding.told) + advice)
    out.print(rows)
    broken = sum(finding.level == "broken" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    out.print(f"\n{broken} broken, {warnings} to look at, {len(findings) - broken - warnings} fine", highlight=False)

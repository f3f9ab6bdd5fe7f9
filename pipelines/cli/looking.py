"""Commands that look and change nothing: status, models, runs, lineage, report, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import doctor_view, status_view
from pipelines.cli.deciding import registry_of
from pipelines.cli.door import HERE, JsonOption, ModelOption, ProjectOption, opened, out, settings_of
from pipelines.cli.forms import date, moment, number, print_json, table


def status(project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """Show the loop at a glance: champion, last weeks, drift, label coverage, queues, last decisions."""
    from pipelines.glance import glance  # noqa: PLC0415 - a command imports what it needs

    with opened(project) as place:
        seen = glance(place.platform, place.project)
        if json:
            print_json(seen)
        else:
            local = place.settings.provider == "local"
            status_view.show(seen, recorded=place.settings.clock_file is not None, worker=local)


def models(project: ProjectOption = HERE, model: ModelOption = "", json: JsonOption = False) -> None:
    """List a model's versions: metrics, the gate's verdict, who serves."""
    with opened(project) as place:
        chosen = place.model(model)
        registry = registry_of(place)
        versions = sorted(registry.versions(chosen.name), key=lambda one: -one.version)
        if json:
            print_json(versions)
            return
        routing = registry.routing(chosen.name)
        canary = routing.canary.version if routing.canary else None
        rows = table("version", "role", "made", chosen.gate.metric, "gate", "reason")
        for version in versions:
            roles = {"champion": routing.champion, "canary": canary}
            role = [name for name, holder in roles.items() if holder == version.version]
            role += ["shadow"] if version.version in routing.shadows else []
            verdict = version.verdict
            gate = "—" if verdict is None else "[green]passed[/]" if verdict.passed else "[red]refused[/]"
            gate = gate if version.packaged else "[dim]a notebook's: adopt[/]"
            measured = number(version.metrics.get(chosen.gate.metric))
            made, reason = date(version.created), version.tags.get("reason", "")
            rows.add_row(str(version.version), ", ".join(role), made, measured, gate, reason)
        out.print(rows if versions else f"{chosen.name} has no versions yet: loopwright train")


def runs(
    project: ProjectOption = HERE,
    model: ModelOption = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 20,
    json: JsonOption = False,
) -> None:
    """List the newest training runs."""
    from loopwright.tracking import Tracking  # noqa: PLC0415

    with opened(project) as place:
        chosen = place.model(model)
        platform = place.platform
        tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
        names = {one.name: one.id for one in tracking.experiments()}
        experiment = names.get(chosen.name)
        found = list(tracking.runs(experiment, limit=limit)) if experiment else []
        if json:
            print_json(found)
            return
        rows = table("run", "status", "started", "took", chosen.gate.metric)
        for run in found:
            took = "" if run.ended is None else f"{run.ended - run.started:.1f} s"
            metric = run.metrics.get(chosen.gate.metric)
            value = number(metric.value if metric else None)
            rows.add_row(run.id, run.status.lower(), moment(run.started), took, value)
        out.print(rows if found else f"{chosen.name} has no runs yet: loopwright train")


def doctor(project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """Check this machine, the project and its state, and say what to do."""
    from pipelines import doctor as doing  # noqa: PLC0415

    settings = settings_of(project)
    findings: list[doing.Finding] = [*doing.examine_machine(settings.home)]
    if settings.provider == "local":
        findings += doing.examine_databases(settings.home)
    findings += doing.examine_project(project)
    if all(finding.level != "broken" for finding in findings):
        with opened(project) as place:
            findings += doing.examine_state(place.platform, place.project)
    if json:
        print_json(findings)
    else:
        doctor_view.show(findings)
    if any(finding.level == "broken" for finding in findings):
        raise typer.Exit(1)


def lineage(
    subject: Annotated[str, typer.Argument(help="A prediction's id, a run's id, or a version such as delays/3.")],
    project: ProjectOption = HERE,
) -> None:
    """Follow a prediction, a run or a version to code, data, features and environment; prints JSON."""
    from pipelines.lineage import lineage as trace  # noqa: PLC0415

    with opened(project) as place:
        print_json(trace(place.platform, place.project, subject))


def report(
    project: ProjectOption = HERE,
    model: ModelOption = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The HTML file to write.")] = None,
) -> None:
    """Write the loop's story as one HTML file that opens without a network."""
    from pipelines.report import write_report  # noqa: PLC0415

    with opened(project) as place:
        path = output or place.settings.home / "report.html"
        write_report(place.platform, place.project, place.model(model).name, path)
        out.print(f"[green]written[/] {path}", highlight=False, soft_wrap=True)

"""Commands that move the champion: promote, rollback."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.door import HERE, ModelOption, ProjectOption, WhoOption, Workplace, opened, out

if TYPE_CHECKING:
    from loopwright.ports.table import Value
    from loopwright.registry import Registry

WhyOption = Annotated[str, typer.Option("--why", help="Why; it is kept.")]


def promote(
    version: Annotated[int, typer.Argument(help="The version that becomes champion; its gate must have passed.")],
    project: ProjectOption = HERE,
    model: ModelOption = "",
    who: WhoOption = "somebody",
    why: WhyOption = "promoted by hand",
) -> None:
    """Make a version champion. Refused unless the gate has let it pass."""
    with opened(project) as place:
        name = place.model(model).name
        registry = registry_of(place)
        before = registry.routing(name).champion
        registry.promote(name, version, expected=before, who=who, why=why)
        _tell(place, name, "promoted", version, before, who)
        told = f"was version {before}" if before else "there was none"
        out.print(f"[green]champion[/] of {name} is version [bold]{version}[/] ({told})", highlight=False)


def rollback(
    project: ProjectOption = HERE,
    model: ModelOption = "",
    who: WhoOption = "somebody",
    why: WhyOption = "rolled back by hand",
) -> None:
    """Make the champion before this one champion again; all traffic goes there at once."""
    with opened(project) as place:
        name = place.model(model).name
        registry = registry_of(place)
        before = registry.routing(name).champion
        version = registry.rollback(name, who=who, why=why)
        _tell(place, name, "rolled_back", version, before, who)
        out.print(f"[green]champion[/] of {name} is version [bold]{version}[/] again (was {before})", highlight=False)


def _tell(place: "Workplace", model: str, what: str, version: int, replaced: int | None, who: str) -> None:
    """Publish that the champion has moved."""
    from loopwright.ports.events import Event  # noqa: PLC0415 - a command imports what it needs

    platform = place.platform
    data: dict[str, Value] = {"version": version, "replaced": replaced, "who": who}
    source, kind = f"loopwright/{place.project.name}", f"loopwright.registry.{what}"
    platform.events.publish(Event(platform.new_id(), source, kind, platform.clock(), model, data))


def registry_of(place: Workplace) -> "Registry":
    """Return the registry of an open project."""
    from loopwright.registry import Registry  # noqa: PLC0415 - a command imports what it needs

    return Registry(place.platform.table, clock=place.platform.clock, new_id=place.platform.new_id)

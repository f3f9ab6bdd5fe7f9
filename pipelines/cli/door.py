"""Where a command enters: the project and its platform, and how its errors leave."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from loopwright.definitions import Model, Project
    from loopwright.ports import Platform
    from loopwright.settings import Settings

out: Final = Console(soft_wrap=True)
err: Final = Console(stderr=True, soft_wrap=True)

CLOCK: Final = "clock"
"""The file in a project's state that tells a recorded time; a replay leaves it there."""

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", envvar="LOOPWRIGHT_PROJECT", help="The folder with the project's project.py.")
]
ModelOption = Annotated[str, typer.Option("--model", "-m", help="Which model; may be left out if there is one only.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
WhoOption = Annotated[str, typer.Option("--who", envvar="USER", help="Who decides this; it is kept.")]

HERE: Final = Path()

_DEBUG: Final = "LOOPWRIGHT_DEBUG"


@dataclass(frozen=True, slots=True)
class Workplace:
    """An open project."""

    settings: "Settings"
    project: "Project"
    platform: "Platform"

    def model(self, name: str) -> "Model":
        """Return the model of that name; without a name the only one.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: there are several, and none was named.
        """
        from loopwright.errors import InvalidInputError  # noqa: PLC0415 - loopwright brings numpy

        if name or len(self.project.models) == 1:
            return self.project.model(name or self.project.models[0].name)
        names = ", ".join(model.name for model in self.project.models)
        raise InvalidInputError(f"project {self.project.name!r} has several models: name one with --model: {names}")


def settings_of(folder: Path) -> "Settings":
    """Return the settings of a project's folder; its time is recorded where a replay has left its clock beside it.

    Only this machine's own state is that old: what another provider has is told by the time that it is.
    """
    from loopwright.settings import Settings  # noqa: PLC0415

    settings = Settings.from_env({**os.environ, "LOOPWRIGHT_PROJECT": str(folder)})
    clock = settings.home / CLOCK
    if settings.provider != "local" or settings.clock_file or not clock.is_file():
        return settings
    return replace(settings, clock_file=clock)


@contextmanager
def opened(folder: Path) -> Iterator[Workplace]:
    """Load a project and open its platform."""
    from adapters import open_platform  # noqa: PLC0415
    from loopwright.definitions.project import load_project  # noqa: PLC0415

    settings = settings_of(folder)
    project = load_project(folder)
    platform = open_platform(settings)
    try:
        yield Workplace(settings, project, platform)
    finally:
        platform.close()


def run(app: Callable[..., object]) -> int:
    """Run the command line and return its exit code; what is raised on purpose is told in red, without a traceback."""
    try:
        return _code(app(standalone_mode=False))
    except typer.Exit as stopped:
        return stopped.exit_code
    except (typer.Abort, KeyboardInterrupt):
        err.print("[yellow]stopped[/]")
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a line
        return _told(error)


def _unforeseen(error: Exception) -> int:
    """Tell what nobody foresaw in one line; the whole of it is for those who ask."""
    if os.environ.get(_DEBUG):
        raise error
    err.print(f"[bold red]error:[/] {escape(f'{type(error).__name__}: {error}')}", highlight=False)
    if not isinstance(error, OSError):
        err.print(f"  nobody foresaw that: {_DEBUG}=1 shows where it happened, for a report", highlight=False)
    return 1


def _code(result: object) -> int:
    return result if isinstance(result, int) else 0


def _told(error: Exception) -> int:
    from loopwright.errors import InvalidInputError, LoopwrightError  # noqa: PLC0415

    if hasattr(error, "show") and hasattr(error, "exit_code"):
        error.show()
        return int(error.exit_code)
    if not isinstance(error, LoopwrightError):
        return _unforeseen(error)
    err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
    if isinstance(error, InvalidInputError):
        for problem in error.problems[:20]:
            err.print(f"  [red]·[/] {escape(problem)}", highlight=False)
        if len(error.problems) > 20:  # noqa: PLR2004
            err.print(f"  … and {len(error.problems) - 20} more")
    return 1

"""What a provider runs for a job: `python -m pipelines.job <job> --arguments '{"model": "…"}'`.

    train        model, reason, at, who, parameters (JSON)
    adopt        model, version, as, trust_pickle ("true"), reason, at, who
    score        model, table, name, at
    materialize  at
    monitor      model (all when absent), at

`at` is RFC 3339 text; this moment when absent. Exit codes: 0 done, 1 an error that is told on the last line, 2 the
job or its arguments are unknown. Only what the job needs is imported.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from adapters import open_platform
from loopwright.clock import parse_time
from loopwright.definitions.project import Project, load_project
from loopwright.errors import InvalidInputError, LoopwrightError
from loopwright.ports import Platform
from loopwright.settings import Settings

if TYPE_CHECKING:
    from pipelines.steps import StepEvent
    from pipelines.training.course import TrainOutcome

Arguments = Mapping[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job in the environment's platform and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.job", description="Run one job of the loop.")
    parser.add_argument("job", choices=sorted(JOBS))
    parser.add_argument("--arguments", default="{}", help="a JSON object of strings")
    given = parser.parse_args(argv)
    try:
        arguments = msgspec.json.decode(given.arguments, type=dict[str, str])
    except msgspec.MsgspecError as error:
        parser.error(f"--arguments is no JSON object of strings: {error}")
    try:
        settings = Settings.from_env(os.environ)
        project = load_project(settings.project)
        with closing(open_platform(settings)) as platform:
            _say(JOBS[given.job](platform, project, arguments))
    except LoopwrightError as error:
        problems = [f"  - {problem}\n" for problem in getattr(error, "problems", ())]
        sys.stderr.write(f"{''.join(problems)}{type(error).__name__}: {error}\n")
        return 1
    return 0


def _train(platform: Platform, project: Project, arguments: Arguments) -> str:
    from pipelines.train import train  # noqa: PLC0415 - only the job that runs pays for its libraries

    outcome = train(
        platform,
        project,
        _wanted(arguments, "model"),
        reason=arguments.get("reason", "a job was started"),
        at=_moment(platform, arguments),
        who=arguments.get("who", "loopwright"),
        parameters=_parameters(arguments),
        progress=_steps,
    )
    return _candidate(outcome)


def _adopt(platform: Platform, project: Project, arguments: Arguments) -> str:
    from pipelines.adopt import Wish, adopt  # noqa: PLC0415

    version = _wanted(arguments, "version")
    if not version.isdigit():
        raise InvalidInputError(f"the argument 'version' is no number: {version!r}")
    trusted = arguments.get("trust_pickle") == "true"
    done = adopt(
        platform,
        project,
        Wish(_wanted(arguments, "model"), int(version), arguments.get("as", ""), trusted),
        reason=arguments.get("reason", "a job was started"),
        at=_moment(platform, arguments),
        who=arguments.get("who", "loopwright"),
        progress=_steps,
    )
    for note in done.notes:
        _say(f"note: {note}")
    return _candidate(done.outcome)


def _score(platform: Platform, project: Project, arguments: Arguments) -> str:
    from pipelines.score import score  # noqa: PLC0415

    outcome = score(
        platform,
        project,
        _wanted(arguments, "model"),
        table=_wanted(arguments, "table"),
        name=_wanted(arguments, "name"),
        at=_moment(platform, arguments),
        progress=lambda event: _say(f"partition {event.number}/{event.count} {event.state}"),
    )
    return f"{outcome.rows:,} rows of version {outcome.version} in {outcome.table}"


def _materialize(platform: Platform, project: Project, arguments: Arguments) -> str:
    from pipelines.materialize import materialize_and_maintain  # noqa: PLC0415

    done = materialize_and_maintain(platform, project, at=_moment(platform, arguments)).views
    return f"{sum(one.rows_written for one in done):,} rows written for {len(done)} views"


def _monitor(platform: Platform, project: Project, arguments: Arguments) -> str:
    from pipelines.monitor import monitor  # noqa: PLC0415

    names = [project.model(arguments["model"]).name] if "model" in arguments else [one.name for one in project.models]
    for name in names:
        monitor(platform, project, name, at=_moment(platform, arguments))
    return f"monitored {', '.join(names)}"


JOBS: Final[Mapping[str, Callable[[Platform, Project, Arguments], str]]] = {
    "adopt": _adopt,
    "materialize": _materialize,
    "monitor": _monitor,
    "score": _score,
    "train": _train,
}


def _steps(event: "StepEvent") -> None:
    _say(f"{event.number}/{event.count} {event.step} {event.state} ({event.seconds:.1f} s)")


def _candidate(outcome: "TrainOutcome") -> str:
    return f"run {outcome.run_id}: version {outcome.version}, {'promoted' if outcome.promoted else 'not promoted'}"


def _wanted(arguments: Arguments, name: str) -> str:
    if name not in arguments:
        raise InvalidInputError(f"the job wants the argument {name!r}; it got {', '.join(arguments) or 'none'}")
    return arguments[name]


def _moment(platform: Platform, arguments: Arguments) -> float:
    if "at" not in arguments:
        return platform.clock()
    try:
        return parse_time(arguments["at"])
    except ValueError as error:
        raise InvalidInputError(f"the argument 'at' is no RFC 3339 time: {arguments['at']!r}") from error


def _parameters(arguments: Arguments) -> Mapping[str, float | int | str | bool] | None:
    if "parameters" not in arguments:
        return None
    try:
        return msgspec.json.decode(arguments["parameters"], type=dict[str, float | int | str | bool])
    except msgspec.MsgspecError as error:
        raise InvalidInputError(f"the argument 'parameters' is no JSON object of scalars: {error}") from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _leave(code: int) -> None:
    """End the process at once: taking the libraries of a training down in order costs half a second and saves nothing.

    All that a job does is done by then: the platform is closed and what was said is flushed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())

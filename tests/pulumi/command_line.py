"""The real `pulumi`: the one on PATH, or one built here from its Go module."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.clouds.tools import ROOT, TOOLS, MissingToolError, made, run

VERSION: Final = "3.259.0"
"""What go.mod in `cli/` says, and pyproject.toml of the SDK."""

_MODULE: Final = "github.com/pulumi/pulumi"
_EXECUTOR: Final = "pulumi-language-python-exec"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A `pulumi`, and where the plugins are that it finds on its PATH. `executor` is for a language host of ours."""

    program: Path
    plugins: Path
    executor: Path | None

    def environment(self) -> dict[str, str]:
        """Return the variables that both it and its plugins need."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        found = {"PULUMI_PYTHON_EXECUTOR": str(self.executor)} if self.executor else {}
        path = os.pathsep.join(map(str, (self.plugins, self.program.parent, inherited["PATH"], TOOLS / "bin")))
        return {**inherited, **found, "PATH": path, "PYTHONPATH": str(ROOT), **_QUIET}


_CLOUDS: Final = ("aws", "gcp")
_OURS: Final = ("AWS_", "CLOUDSDK_", "GOOGLE_", "LOOPWRIGHT_", "PULUMI_")
"""Somebody's own accounts, of a cloud and of Pulumi, are nothing to a stack of the tests."""

_QUIET: Final[Mapping[str, str]] = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "",
    "PULUMI_SKIP_CONFIRMATIONS": "true",
    "NO_COLOR": "1",
}
"""It asks nobody for newer versions or plugins, and takes ours from PATH, in whatever version."""


@cache
def command_line() -> CommandLine:
    """Return a `pulumi`, beside stand-ins for its providers of clouds, and for its language host if it has none.

    Raises:
        MissingToolError: there is none, and it cannot be built.
    """
    installed = shutil.which("pulumi")
    program = Path(installed) if installed else _built() / "pulumi"
    hosted = installed is not None and (shutil.which("pulumi-language-python") or _beside(program))
    executor = None if hosted else _built() / _EXECUTOR
    return CommandLine(program, _plugins(with_language=not hosted), executor)


def _beside(program: Path) -> bool:
    return (program.resolve().parent / "pulumi-language-python").exists()


def _built() -> Path:
    return made(f"pulumi-{VERSION}", _build)


def _build(place: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise MissingToolError("pulumi is not on PATH, and neither is go to build it: install one of them")
    print(f"building pulumi {VERSION} with {go}, once, for some minutes ...", file=sys.__stderr__, flush=True)
    stamp = f"-s -w -X {_MODULE}/sdk/v3/go/common/version.Version=v{VERSION}"
    build = (go, "build", "-mod=readonly", "-ldflags", stamp)
    run(*build, "-o", place / "pulumi", f"{_MODULE}/pkg/v3/cmd/pulumi", cwd=Path(__file__).parent / "cli")
    sdk = run(go, "list", "-m", "-f", "{{.Dir}}", f"{_MODULE}/sdk/v3", cwd=Path(__file__).parent / "cli").strip()
    shutil.copyfile(Path(sdk) / "python" / "cmd" / _EXECUTOR, place / _EXECUTOR)


def _plugins(*, with_language: bool) -> Path:
    """Return a folder with our plugins, as programs of the names that `pulumi` looks for."""
    folder = TOOLS / ("plugins-all" if with_language else "plugins")
    folder.mkdir(parents=True, exist_ok=True)
    for cloud in _CLOUDS:
        _write(folder / f"pulumi-resource-{cloud}", "tests.pulumi.provider", cloud)
    if with_language:
        _write(folder / "pulumi-language-python", "tests.pulumi.language_host")
    return folder


def _write(program: Path, *module: str) -> None:
    text = f"#!/bin/sh\nexec '{sys.executable}' -u -m {' '.join(module)} \"$@\"\n"
    if not program.exists() or program.read_text() != text:
        fresh = program.with_name(f".{program.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(program)

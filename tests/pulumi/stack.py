"""A stack for the real `pulumi`: state in a folder, secrets under a passphrase, a cloud on this machine."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.clouds.tools import ROOT
from tests.pulumi.command_line import CommandLine, command_line

_PATIENCE: Final = 900


class PulumiError(RuntimeError):
    """`pulumi` ended with an error; the message has what it said."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of a project.

    Attributes:
        name: of the stack.
        cloud: the variables that lead to the cloud that it is made in; see `aws_at` and `google_at`.
        folder: its own: the state, and what Pulumi keeps at home, are there.
        project: the folder of the program.
        line: the `pulumi` that is run.
        extra: other variables of the program's.
    """

    name: str
    cloud: Mapping[str, str]
    folder: Path
    project: Path = ROOT
    line: CommandLine = field(default_factory=command_line)
    extra: Mapping[str, str] = field(default_factory=dict)

    def create(self, **config: str) -> None:
        """Begin the stack."""
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        self.run("stack", "init", self.name)
        self.configure(**config)

    def configure(self, **config: str) -> None:
        """Set keys of its configuration; two underscores stand for a colon."""
        pairs = [f"{key.replace('__', ':')}={value}" for key, value in config.items()]
        self.run("config", "set-all", *(word for pair in pairs for word in ("--plaintext", pair)), stack=True)

    def preview(self, *flags: str) -> str:
        """Say what `up` would do."""
        return self.run("preview", "--diff", *flags, stack=True)

    def up(self, *flags: str) -> str:
        """Make everything as the program says."""
        return self.run("up", "--yes", "--skip-preview", *flags, stack=True)

    def refresh(self) -> str:
        """Look at everything as it is now."""
        return self.run("refresh", "--yes", "--skip-preview", "--diff", stack=True)

    def destroy(self) -> str:
        """Take everything away."""
        return self.run("destroy", "--yes", "--skip-preview", stack=True)

    def outputs(self) -> dict[str, Any]:
        """Return what the program exports, secrets included."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets", stack=True))
        return found

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the state, as it is written: secrets are not readable there."""
        state = json.loads(self.run("stack", "export", stack=True))
        found: list[dict[str, Any]] = state["deployment"].get("resources", [])
        return found

    def run(self, *words: str, stack: bool = False) -> str:
        """Run `pulumi`, and return what it said.

        Raises:
            PulumiError: it failed.
        """
        config = self.folder / f"Pulumi.{self.name}.yaml"
        chosen = ("--stack", self.name) if stack else ()
        kept = ("--config-file", str(config)) if words[0] in {"config", "preview", "up", "refresh", "destroy"} else ()
        head, tail = (words[:2], words[2:]) if words[0] in {"config", "stack"} else (words[:1], words[1:])
        done = subprocess.run(
            [self.line.program, *head, "--non-interactive", "--color", "never", *chosen, *kept, *tail],
            env=self._environment(),
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            raise PulumiError(f"pulumi {' '.join(words)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            **self.line.environment(),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
            **self.cloud,
            **self.extra,
        }


def aws_at(endpoint: str) -> Mapping[str, str]:
    """Return the variables that lead to an AWS on this machine."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        "AWS_SECRET_ACCESS_KEY": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    }


def google_at(endpoint: str) -> Mapping[str, str]:
    """Return the variable that leads to a Google on this machine."""
    return {"LOOPWRIGHT_GCP_ENDPOINT": endpoint}


def changes(said: str) -> dict[str, int]:
    """Return how many resources were created, updated, replaced, deleted, by Pulumi's own account."""
    account = said[said.rindex("Resources:") :]
    return {word: int(count) for count, word in re.findall(r"[+~-]+ ?(\d+) (?:to )?([a-z]+)", account)}

import os
import subprocess
import sys
from pathlib import Path

from infra.environment import exports

ROOT = Path(__file__).parents[2]


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """Return an environment whose `pulumi` is a script."""
    pulumi = folder / "pulumi"
    pulumi.write_text(f"#!/bin/sh\n{script}\n")
    pulumi.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.environment"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_shell_takes_the_variables_as_they_are(tmp_path: Path) -> None:
    value = "it's $HOME; `ls`"
    lines = exports({"LOOPWRIGHT_AWS_TABLE": value})
    told = subprocess.run(["sh", "-c", f'{lines}printf %s "$LOOPWRIGHT_AWS_TABLE"'], capture_output=True, check=True)
    assert told.stdout.decode() == value


def test_the_stacks_output_becomes_exports(tmp_path: Path) -> None:
    done = run(
        stand_in(tmp_path, """[ "$*" = "stack output environment --json" ] && echo '{"AWS_REGION": "eu-west-1"}'""")
    )
    assert (done.returncode, done.stdout) == (0, "export AWS_REGION=eu-west-1\n")


def test_what_pulumi_complains_of_is_passed_on(tmp_path: Path) -> None:
    done = run(stand_in(tmp_path, "echo 'error: no stack selected' >&2; exit 255"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: no stack selected\n")


def test_without_pulumi_the_message_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    done = run({**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "no `pulumi` on the PATH" in done.stderr

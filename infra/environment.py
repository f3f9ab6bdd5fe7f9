"""What the shell of this machine needs to work on a stack: `eval "$(python -m infra.environment)"`."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

OUTPUT: Final = ("pulumi", "stack", "output", "environment", "--json")


def exports(environment: Mapping[str, str]) -> str:
    """Return the lines that set and export the variables in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def main() -> int:
    """Print the selected stack's environment, or say why there is none."""
    try:
        told = subprocess.run(OUTPUT, check=True, capture_output=True, text=True)  # noqa: S603 - a fixed command
    except FileNotFoundError:
        sys.stderr.write("there is no `pulumi` on the PATH: see https://www.pulumi.com/docs/iac/download-install/\n")
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr)
        return 1
    sys.stdout.write(exports(json.loads(told.stdout)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

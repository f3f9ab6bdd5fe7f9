"""The command line: `loopwright`.

Nothing heavy is imported before a command needs it, so that `--help` and mistakes answer at once.
"""

import sys


def main() -> None:
    """Run the command that the arguments name; an error on purpose becomes one red line and exit code 1."""
    from pipelines.cli.app import app  # noqa: PLC0415 - the command line is built when it is used
    from pipelines.cli.door import run  # noqa: PLC0415

    sys.exit(run(app))

"""Makes what tests of the stack and of MLflow need besides Python's packages: `python -m tests.pulumi.prepare`.

What cannot be had is told, and the tests that need it are skipped by name.
"""

import sys

from tests.clouds.google import emulator, firestore
from tests.clouds.tools import MissingToolError, ministack_python
from tests.mlflow.browser import installed
from tests.mlflow.stock import python_of_stock
from tests.pulumi.command_line import command_line


def main() -> None:
    """Make all of it; what is there already takes no time. Google's emulators are only looked for."""
    for needed in (ministack_python, command_line, emulator.program, firestore.program, python_of_stock, installed):
        try:
            needed()
        except MissingToolError as error:
            sys.stderr.write(f"{error}; tests that need it are skipped\n")


if __name__ == "__main__":
    main()

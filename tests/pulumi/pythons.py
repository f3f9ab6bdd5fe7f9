"""Which of the Pythons that a stack may run on is on this machine."""

from typing import get_args

from infra.config import PythonVersion
from tests.clouds.tools import MissingToolError, interpreter


def newest_python() -> str:
    """Return the newest version that is here.

    Raises:
        MissingToolError: there is none.
    """
    versions = sorted(get_args(PythonVersion), reverse=True)
    for version in versions:
        try:
            interpreter(version)
        except MissingToolError:
            continue
        return str(version)
    raise MissingToolError(f"none of python{', python'.join(versions)} is on this machine")

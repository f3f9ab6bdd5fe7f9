"""The queries of MLflow's pages, read from the pages themselves."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from tests.mlflow.stock import python_of_stock

_INSIDE: Final = "mlflow/server/js/build"


def folder() -> Path:
    """Return the environment that has the UI.

    Raises:
        MissingToolError: MLflow cannot be installed here.
    """
    return python_of_stock().parents[1]


@cache
def query(name: str) -> str:
    """Return an operation's text as a page sends it: its client adds the name of every object's type."""
    (inside,) = folder().glob(f"lib/python*/site-packages/{_INSIDE}/static/js")
    for script in inside.glob("*.js"):
        if found := re.search(rf"query {name}\(.*?(?=`)", script.read_text(), re.DOTALL):
            return _with_types(found[0])
    raise AssertionError(f"no page asks {name}")


def _with_types(text: str) -> str:
    depth, parts = 0, []
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        parts.append(" __typename }" if letter == "}" and depth else letter)
    return "".join(parts)

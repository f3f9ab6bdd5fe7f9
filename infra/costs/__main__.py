"""Prints the tables of a provider: `python -m infra.costs [aws|gcp]`."""

import sys
from pathlib import Path
from typing import get_args

from infra.costs.tables import default_spec, told
from infra.limits import Cloud

wanted = sys.argv[1:] or ["aws"]
for provider in get_args(Cloud):
    if provider in wanted:
        print("\n".join(told(default_spec(Path(__file__).parents[2], provider))))  # noqa: T201

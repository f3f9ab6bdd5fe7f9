"""What libraries log, as lines of JSON like our own (`loopwright.logs`), where who collects them reads JSON.

`LOOPWRIGHT_LOGS=json` says so; without it libraries write as they do, for people.
"""

import logging
from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from loopwright.logs import line

_VARIABLE: Final = "LOOPWRIGHT_LOGS"


class JsonLines(logging.Formatter):
    """One line of JSON a record; names of levels are what collectors call severities."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        told = {"where": record.name}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return line(record.levelname, record.getMessage(), **told).rstrip("\n")


def gathered(environment: Mapping[str, str]) -> bool:
    """Have all that libraries log from warnings on go to standard error as JSON, if the environment says so."""
    if environment.get(_VARIABLE) != "json":
        return False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    return True

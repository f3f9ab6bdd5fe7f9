"""Lines of a log that machines read: one JSON object each.

    severity     INFO or ERROR
    message      for people
    time         when it happened (RFC 3339), where that is not when the line was written
    measurement  {"name": …, "value": …, "labels": {…}}: one observation, or what a counter has summed up
    where, error, traceback   of a failure

`severity`, `message` and `time` are what log collectors look for; the names of the others are `MEASUREMENT_…` for
whoever makes metrics of them. A process whose environment has `LOOPWRIGHT_LOGS=json` writes what libraries log like
this too.
"""

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from loopwright.errors import LoopwrightError

MEASUREMENT_NAME: Final = "measurement.name"
MEASUREMENT_VALUE: Final = "measurement.value"
MEASUREMENT_LABELS: Final = "measurement.labels"
"""Where a line has what was measured, member by member."""


def measurement(name: str, value: float, labels: Mapping[str, str], moment: float) -> str:
    """Return the line of a measurement."""
    words = "".join(f" {label}={one}" for label, one in labels.items())
    content = {
        "severity": "INFO",
        "message": f"{name} {value:g}{words}",
        "time": datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z"),
        "measurement": {"name": name, "value": value, "labels": labels},
    }
    return f"{msgspec.json.encode(content).decode()}\n"


def failure(where: str, error: BaseException) -> str:
    """Return the line of a failure; it has where it was raised, if nobody foresaw it."""
    told = f"{type(error).__name__}: {error}"
    content = {"severity": "ERROR", "message": f"{where}: {told}", "where": where, "error": told}
    if not isinstance(error, LoopwrightError):
        content["traceback"] = "".join(traceback.format_exception(error))
    return f"{msgspec.json.encode(content).decode()}\n"


def line(severity: str, message: str, **others: str) -> str:
    """Return the line of anything else."""
    return f"{msgspec.json.encode({'severity': severity, 'message': message, **others}).decode()}\n"

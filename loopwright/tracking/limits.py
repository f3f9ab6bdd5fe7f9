"""What MLflow takes, and so do we; everything else is an `InvalidInputError` that names what is wrong."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

from loopwright.errors import InvalidInputError
from loopwright.tracking.values import DatasetInput, Metric

METRICS_PER_BATCH: Final = 1_000
PARAMS_PER_BATCH: Final = 100
TAGS_PER_BATCH: Final = 100
ENTITIES_PER_BATCH: Final = 1_000
KEY_LENGTH: Final = 250
PARAM_LENGTH: Final = 6_000
TAG_LENGTH: Final = 8_000
EXPERIMENT_NAME_LENGTH: Final = 500
DATASET_LENGTHS: Final[Mapping[str, int]] = {"name": 500, "digest": 80, "source": 65_535, "context": 500}

_KEY: Final = re.compile(r"[/\w.\- :]+")
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")
_MAX_STEP: Final = 2**63


def check_batch(metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Raise `InvalidInputError`, with every problem, unless one batch may hold all of this."""
    problems = [
        f"a batch has at most {most:,} {what}, not {count:,}: split it"
        for what, most, count in (
            ("metrics", METRICS_PER_BATCH, len(metrics)),
            ("params", PARAMS_PER_BATCH, len(params)),
            ("tags", TAGS_PER_BATCH, len(tags)),
            ("metrics, params and tags together", ENTITIES_PER_BATCH, len(metrics) + len(params) + len(tags)),
        )
        if count > most
    ]
    for metric in metrics:
        problems += _key_problems("metric", metric.key)
        if not -_MAX_STEP <= metric.step < _MAX_STEP:
            problems.append(f"metric {metric.key!r}: step {metric.step} does not fit 64 bits")
        if not 0 <= metric.timestamp < float("inf"):
            problems.append(f"metric {metric.key!r}: timestamp {metric.timestamp} is no moment since 1970")
    for what, entries, most in (("param", params, PARAM_LENGTH), ("tag", tags, TAG_LENGTH)):
        for key, value in entries.items():
            problems += _key_problems(what, key)
            if len(value) > most:
                problems.append(f"{what} {key!r} has {len(value):,} characters, at most {most:,} are kept")
    _refuse("this batch cannot be logged", problems)


def check_inputs(inputs: Sequence[DatasetInput]) -> None:
    """Raise `InvalidInputError`, with every problem, unless the data sets' texts are short enough."""
    problems = [
        f"data set {one.name[:50]!r}: {what} has {len(text):,} characters, at most {DATASET_LENGTHS[what]:,} are kept"
        for one in inputs
        for what, text in (
            ("name", one.name),
            ("digest", one.digest),
            ("source", one.source),
            ("context", one.context),
        )
        if len(text) > DATASET_LENGTHS[what]
    ]
    _refuse("these inputs cannot be logged", problems)


def checked_experiment_name(name: str) -> str:
    """Return the name, or raise `InvalidInputError` if it is empty or too long."""
    if not 0 < len(name) <= EXPERIMENT_NAME_LENGTH:
        raise InvalidInputError(
            f"experiment {name[:50]!r}: a name has 1 to {EXPERIMENT_NAME_LENGTH} characters, not {len(name)}"
        )
    return name


def checked_run_id(run_id: str) -> str:
    """Return the identity, or raise `InvalidInputError` if MLflow would not take it."""
    if not _RUN_ID.fullmatch(run_id):
        raise InvalidInputError(f"run {run_id[:50]!r}: an identity has 1 to 256 of A-Z, a-z, 0-9, _ and -")
    return run_id


def checked_start(moment: float) -> float:
    """Return the moment, or raise `InvalidInputError` if it is before 1970 or never."""
    if not 0 <= moment < float("inf"):
        raise InvalidInputError(f"a run starts at a moment since 1970, not at {moment}")
    return moment


def _key_problems(what: str, key: str) -> list[str]:
    if len(key) > KEY_LENGTH:
        return [f"{what} {key[:50]!r}… : a key has at most {KEY_LENGTH} characters, not {len(key)}"]
    if not _KEY.fullmatch(key):
        return [f"{what} {key!r}: a key has letters, digits, and _ - . / : and space only"]
    if posixpath.normpath(key) != key or key in {".", ".."} or key.startswith(("/", "../")):
        return [f"{what} {key!r}: a key reads like a relative path, without empty, . and .. parts"]
    return []


def _refuse(what: str, problems: Sequence[str]) -> None:
    if problems:
        raise InvalidInputError(f"{what}: {'; '.join(problems)}", tuple(problems))

"""What MLflow takes, and so do we; everything else is an `InvalidInputError` that names what is wrong."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
EXPERIMENT_TAG_LENGTH: Final = 20_000
LOCATION_LENGTH: Final = 2_048
FIRST_TAG_LENGTH: Final = 100_000
"""Tags that a run is created with may be longer than later ones; MLflow sets them no limit."""

LIST_LENGTH: Final = 500_000
"""Of tags that are lists, to which things are appended."""

DATASET_LENGTHS: Final[Mapping[str, int]] = {
    "name": 500,
    "digest": 80,
    "source": 65_535,
    "source_type": 500,
    "schema": 1_048_575,
    "profile": 16_777_215,
    "context": 500,
}

INPUT_TAG_KEY_LENGTH: Final = 255
INPUT_TAG_LENGTH: Final = 500

_KEY: Final = re.compile(r"[/\w.\- :]+")
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")
_EXPERIMENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LOCATION: Final = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:")
_MAX_STEP: Final = 2**63
_LATEST: Final = 1e13
"""In seconds: no moment is so late; what sorts runs has room for moments before it."""


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
        f"data set {one.name[:50]!r}: {what} has {len(text):,} characters, at most {most:,} are kept"
        for one in inputs
        for what, text, most in _texts(one)
        if len(text) > most
    ]
    _refuse("these inputs cannot be logged", problems)


def check_models(identities: Iterable[str]) -> None:
    """Raise `InvalidInputError`, with every problem, unless these can be identities of logged models."""
    problems = [f"model {one[:50]!r}: no logged model is called so" for one in identities if not _RUN_ID.fullmatch(one)]
    _refuse("these models cannot be logged", problems)


def check_experiment_tags(tags: Mapping[str, str]) -> None:
    """Raise `InvalidInputError`, with every problem, unless an experiment may have these tags."""
    problems = [problem for key in tags for problem in _key_problems("tag", key)]
    problems += [
        f"tag {key!r} has {len(value):,} characters, at most {EXPERIMENT_TAG_LENGTH:,} are kept"
        for key, value in tags.items()
        if len(value) > EXPERIMENT_TAG_LENGTH
    ]
    _refuse("an experiment cannot have these tags", problems)


def check_first_tags(tags: Mapping[str, str]) -> None:
    """Raise `InvalidInputError`, with every problem, unless a run may be created with these tags.

    MLflow looks at none of them, for it puts tags of its own there.
    """
    problems = [
        f"tag {key[:50]!r} has {len(key) + len(value):,} characters, at most {FIRST_TAG_LENGTH:,} are kept"
        for key, value in tags.items()
        if len(key) + len(value) > FIRST_TAG_LENGTH
    ]
    _refuse("a run cannot be created with these tags", problems)


def checked_experiment_id(experiment_id: str) -> str:
    """Return the identity, or raise `InvalidInputError` if it cannot be one."""
    if not _EXPERIMENT_ID.fullmatch(experiment_id):
        raise InvalidInputError(f"experiment {experiment_id[:50]!r}: an identity has 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return experiment_id


def checked_location(uri: str) -> str:
    """Return where artifacts shall be, empty for with us; or raise `InvalidInputError` if it is no such place."""
    if not uri:
        return uri
    if uri.startswith("runs:"):
        raise InvalidInputError(f"artifact location {uri[:50]!r}: a place within a run cannot be an experiment's")
    if len(uri) > LOCATION_LENGTH or not _LOCATION.match(uri) or "#" in uri or ".." in uri.split("/"):
        raise InvalidInputError(
            f"artifact location {uri[:50]!r}: name a URI, such as s3://bucket/folder, or a path from the root, of at "
            f"most {LOCATION_LENGTH:,} characters, without `..` and without a fragment"
        )
    return uri


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
    """Return the moment, or raise `InvalidInputError` if it is before 1970 or much too late to be sorted."""
    if not 0 <= moment < _LATEST:
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


def _texts(one: DatasetInput) -> Iterator[tuple[str, str, int]]:
    for what, most in DATASET_LENGTHS.items():
        yield what, getattr(one, what), most
    for key, value in one.tags.items():
        yield "a tag's key", key, INPUT_TAG_KEY_LENGTH
        yield f"tag {key[:50]!r}", value, INPUT_TAG_LENGTH


def _refuse(what: str, problems: Sequence[str]) -> None:
    if problems:
        raise InvalidInputError(f"{what}: {'; '.join(problems)}", tuple(problems))

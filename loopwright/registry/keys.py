"""Where the registry's items are, and which names it takes."""

import hashlib
import posixpath
import re
from collections.abc import Mapping
from typing import Final

from loopwright.errors import InvalidInputError
from loopwright.ports.table import Key

MODELS: Final = "models"

RUNS: Final = "registered"

VERSIONS: Final = "version/"

TRAFFIC: Final = "traffic/"

NAME_LENGTH: Final = 256
ALIAS_LENGTH: Final = 255
TAG_KEY_LENGTH: Final = 250
TAG_LENGTH: Final = 100_000

TAGS_BYTES: Final = 800_000
"""What all tags of one thing may take: they are in its item, which may have a megabyte."""

_PLACE_BYTES: Final = 480
"""What a name may take in the place of an item, which has 512 bytes."""

_FORBIDDEN: Final = re.compile(r"[/:\x00-\x1f\x7f]")

_ALIAS: Final = re.compile(r"[\w-]+")

_RESERVED_ALIAS: Final = re.compile(r"latest|v\d+", re.IGNORECASE)

_TAG_KEY: Final = re.compile(r"[/\w.\- :]+")


def partition(model: str) -> str:
    """Return the partition of all that is kept of a model."""
    return f"model/{model}"


def model_key(model: str) -> Key:
    """Return the place of the model itself, with the counter of its versions."""
    return Key(MODELS, model)


def version_key(model: str, version: int) -> Key:
    """Return the place of a version; versions are in the order of their numbers."""
    return Key(partition(model), f"{VERSIONS}{version:010d}")


def run_key(model: str, run_id: str) -> Key:
    """Return the place that says which version a run registered."""
    return Key(partition(model), f"run/{run_id}")


def hint_key(run_id: str) -> Key:
    """Return the place that says which versions a run has registered; a run's identity may be any text."""
    return Key(RUNS, hashlib.sha256(run_id.encode()).hexdigest()[:32])


def routing_key(model: str) -> Key:
    """Return the place of the aliases, the canary and the shadows: one item."""
    return Key(partition(model), "routing")


def alias_prefix(alias: str) -> str:
    """Return what the places of an alias's changes start with; they are in the order of the changes."""
    return f"alias/{alias}/"


def alias_key(model: str, alias: str, revision: int) -> Key:
    """Return the place of a change of an alias."""
    return Key(partition(model), f"{alias_prefix(alias)}{revision:010d}")


def traffic_key(model: str, revision: int) -> Key:
    """Return the place of a change of the canary or the shadows."""
    return Key(partition(model), f"{TRAFFIC}{revision:010d}")


def is_model(name: str) -> bool:
    """Say whether a model may have the name."""
    plain = name.strip() and not _FORBIDDEN.search(name) and name not in {".", ".."}
    return bool(plain) and _short(name, NAME_LENGTH)


def checked_model(name: str) -> str:
    """Return the name, or raise `InvalidInputError` if MLflow would not take it, or it is too long for a place."""
    if not is_model(name):
        raise InvalidInputError(
            f"model {name[:100]!r}: a name has 1 to {NAME_LENGTH} characters (and at most {_PLACE_BYTES} bytes), "
            "none of them /, : or a control, and is neither blank nor `.` nor `..`"
        )
    return name


def checked_alias(alias: str) -> str:
    """Return the alias, or raise `InvalidInputError` if it is not one that can be set."""
    if _RESERVED_ALIAS.fullmatch(checked_alias_text(alias)):
        raise InvalidInputError(f"alias {alias!r} is kept for versions: choose one that is not `latest` or `v1`")
    return alias


def checked_alias_text(alias: str) -> str:
    """Return the alias, or raise `InvalidInputError` if it is none that MLflow takes, be it kept for versions."""
    if not _ALIAS.fullmatch(alias) or not _short(alias, ALIAS_LENGTH):
        raise InvalidInputError(f"alias {alias[:100]!r}: an alias has 1 to {ALIAS_LENGTH} letters, digits, _ and -")
    return alias


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return the tags, or raise `InvalidInputError` if one is not as MLflow wants it, or they are too much together."""
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key) or len(key) > TAG_KEY_LENGTH or not _path_like(key):
            raise InvalidInputError(
                f"tag {key[:100]!r}: a key has 1 to {TAG_KEY_LENGTH} letters, digits, and _ - . / : and space, and "
                "reads like a relative path without empty, . and .. parts"
            )
        if len(value) > TAG_LENGTH:
            raise InvalidInputError(f"tag {key!r} has {len(value):,} characters, at most {TAG_LENGTH:,} are kept")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in tags.items())
    if size > TAGS_BYTES:
        raise InvalidInputError(
            f"the tags have {size:,} bytes together, at most {TAGS_BYTES:,} are kept: use artifacts"
        )
    return tags


def _short(name: str, length: int) -> bool:
    return len(name) <= length and len(name.encode()) <= _PLACE_BYTES


def _path_like(key: str) -> bool:
    return posixpath.normpath(key) == key and key not in {".", ".."} and not key.startswith(("/", "../"))

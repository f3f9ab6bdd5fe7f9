"""Where the registry's items are, and which names it takes."""

import re
from typing import Final

from loopwright.errors import InvalidInputError
from loopwright.ports.table import Key

MODELS: Final = "models"

VERSIONS: Final = "version/"

TRAFFIC: Final = "traffic/"

_MODEL: Final = re.compile(r"[^/:\x00-\x1f\x7f]{1,100}")

_ALIAS: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")

_RESERVED_ALIAS: Final = re.compile(r"latest|v\d+", re.IGNORECASE)


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


def checked_model(name: str) -> str:
    """Return the name, or raise `InvalidInputError` if it is not 1 to 100 characters without / and : and controls."""
    if not _MODEL.fullmatch(name):
        raise InvalidInputError(f"model {name!r}: a name has 1 to 100 characters, none of them /, : or a control")
    return name


def checked_alias(alias: str) -> str:
    """Return the alias, or raise `InvalidInputError` if it is not one that MLflow takes."""
    if not _ALIAS.fullmatch(alias):
        raise InvalidInputError(f"alias {alias!r}: an alias has 1 to 255 of A-Z, a-z, 0-9, _ and -")
    if _RESERVED_ALIAS.fullmatch(alias):
        raise InvalidInputError(f"alias {alias!r} is kept for versions: choose one that is not `latest` or `v1`")
    return alias

"""Whose files are meant: from a path of artifacts, or from a version's source, to the run or the model."""

from typing import Literal
from urllib.parse import unquote, urlsplit

from loopwright.tracking.artifact_paths import placed, safe_path

Owner = tuple[Literal["experiment", "run", "logged model", "model", "version"], str]
"""Whose, and his identity or name; a version's is `<model>/<version>`."""


def owner_of_path(path: str) -> Owner:
    """Return whose a path of artifacts is: a run's, a logged model's or a version's, else its first part's.

    It is read by what reads it when it is served, so nobody is asked about one thing and given another.

    Raises:
        InvalidInputError: it leads elsewhere.
    """
    safe = safe_path(path)
    found = placed(safe)
    if found is None:
        return "experiment", safe.partition("/")[0]
    return ("version" if found.owner == "package" else found.owner), found.id


def owner_of_source(source: str) -> Owner | None:
    """Return whose the files are that a version is made from; None: they are not kept here."""
    parts = urlsplit(source)
    match parts.scheme:
        case "mlflow-artifacts":
            return owner_of_path(unquote(parts.path).strip("/"))
        case "runs":
            first = unquote(parts.path).strip("/").partition("/")[0]
            return ("run", first) if first else None
        case "models":
            return _of_model(parts.path.strip("/"))
        case _:
            return None


def _of_model(path: str) -> Owner | None:
    """Return whose files `models:/m-1` are, or those of a version: `models:/name/1`, `models:/name@alias`."""
    name, slash, _ = path.partition("/")
    if slash:
        return "model", name
    name, at, _ = path.rpartition("@")
    if at:
        return "model", name
    return ("logged model", path) if path else None

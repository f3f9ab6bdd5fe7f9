"""Whose files are meant: from a path of artifacts, or from a version's source, to the run or logged model."""

from typing import Literal
from urllib.parse import unquote, urlsplit

from loopwright.tracking.artifact_paths import placed, safe_path

Owner = tuple[Literal["experiment", "run", "logged model", "model"], str]


def owner_of_path(path: str) -> Owner:
    """Return whose a path of artifacts is: a run's, a logged or registered model's, else its first part's.

    It is read by what reads it when it is served, so nobody is asked about one thing and given another.

    Raises:
        InvalidInputError: it leads elsewhere.
    """
    safe = safe_path(path)
    found = placed(safe)
    if found is None:
        return "experiment", safe.partition("/")[0]
    return ("model", found.id.rpartition("/")[0]) if found.owner == "package" else (found.owner, found.id)


def owner_of_source(source: str) -> Owner | None:
    """Return whose the files are that a version is made from; None: they are not kept here."""
    parts = urlsplit(source)
    path = unquote(parts.path).strip("/")
    first = path.partition("/")[0]
    match parts.scheme:
        case "mlflow-artifacts":
            return owner_of_path(path)
        case "runs":
            return ("run", first) if first else None
        case "models":
            return ("logged model", first) if first.startswith("m-") else None
        case _:
            return None

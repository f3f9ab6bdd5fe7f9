"""Whose files are meant: from a path of artifacts, or from a version's source, to the run or logged model."""

import re
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

Owner = tuple[Literal["experiment", "run", "logged model", "model"], str]

_MODEL: Final = re.compile(r"(?:.*/)?models/([^/]+)/artifacts(?:/.*)?", re.DOTALL)
_RUN: Final = re.compile(r"(?:.*/)?([^/]+)/artifacts(?:/.*)?", re.DOTALL)


def owner_of_path(path: str) -> Owner:
    """Return whose a path of artifacts is: a run's, a logged model's, else the experiment's that it begins with."""
    plain = path.strip("/")
    if found := _MODEL.fullmatch(plain):
        return "logged model", found[1]
    if found := _RUN.fullmatch(plain):
        return "run", found[1]
    return "experiment", plain.partition("/")[0]


def owner_of_source(source: str) -> Owner | None:
    """Return whose the files are that a version is made from; None: they are not kept here."""
    parts = urlsplit(source)
    match parts.scheme:
        case "mlflow-artifacts":
            return owner_of_path(unquote(parts.path))
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

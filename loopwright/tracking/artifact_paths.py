"""Paths of artifacts: which are safe, whose they are, and under which keys of blobs they lie."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final, Literal
from urllib.parse import unquote

from loopwright.errors import InvalidInputError

Owner = Literal["run", "logged model", "package"]

PACKAGE_FOLDER: Final = "model"
"""Where among its artifacts a pipeline's run has the package of its model."""

_DECODINGS: Final = 10
_ARTIFACTS: Final = "artifacts"
_MODELS: Final = "models"

_PLAIN: Final = re.compile(r"[A-Za-z0-9._@+-]")
_ESCAPED: Final = re.compile(r"((?:=[0-9A-F]{2})+)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Placed:
    """What a path below `mlflow-artifacts:/` means: whose, by his identity, and the path among his artifacts.

    A package's identity is `<model>/<version>`. An empty path is the folder of all that he has.
    """

    owner: Owner
    id: str
    path: str


def safe_path(text: str) -> str:
    """Return the path that a client means, decoded until nothing is left to decode, without empty and `.` parts.

    Raises:
        InvalidInputError: it leads elsewhere: it is absolute, has a part `..` or a `#`.
    """
    path = text
    for _ in range(_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    else:
        raise InvalidInputError("Invalid path: it is encoded too often")
    path = _CONTROL.sub(lambda found: f"%{ord(found[0]):02x}", path)
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute() or path.startswith("file:")
    if absolute or "#" in path or ".." in path.split("/"):
        raise InvalidInputError("Invalid path")
    return "/".join(part for part in path.split("/") if part not in {"", "."})


def placed(path: str) -> Placed | None:
    """Return whose a safe path below `mlflow-artifacts:/` is; None: nobody's.

    They are `<experiment>/<run>/artifacts/<path>`, `<experiment>/models/<model>/artifacts/<path>` and
    `packages/<model>/<version>/<path>`; where an experiment has a location of its own, that stands in its place.
    """
    parts = path.split("/")
    match parts:
        case ["packages", model, version, *rest]:
            return Placed("package", f"{model}/{version}", "/".join(rest))
        case ["packages", *_]:
            return None
        case _:
            pass
    # The first one: a folder among somebody's artifacts may have that name, too.
    at = parts.index(_ARTIFACTS) if _ARTIFACTS in parts else 0
    if at == 0:
        return None
    owner: Owner = "logged model" if at > 1 and parts[at - 2] == _MODELS else "run"
    return Placed(owner, parts[at - 1], "/".join(parts[at + 1 :]))


def artifact_root(run_id: str) -> str:
    """Return the prefix of all blobs that are artifacts of the run."""
    return f"runs/{run_id}/artifacts"


def model_artifact_root(model_id: str) -> str:
    """Return the prefix of all blobs that are artifacts of the logged model."""
    return f"logged-models/{model_id}/artifacts"


def artifact_key(run_id: str, path: str) -> str:
    """Return the blob key of a run's artifact, or raise `InvalidInputError`; see `key_under`."""
    return key_under(artifact_root(run_id), path)


def key_under(root: str, path: str) -> str:
    """Return the blob key of an artifact under somebody's root.

    Characters that a blob key cannot have, and `=`, are written as `=` and two hex digits a byte (as RFC 2045's
    quoted-printable does), so every path has a key of its own, and a plain path is its own key.

    Raises:
        InvalidInputError: the path is not relative, or has empty, `.` or `..` parts.
    """
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise InvalidInputError(f"artifact {path!r}: a path is relative and has no empty, `.` or `..` parts")
    return f"{root}/{'/'.join(_escaped(part) for part in path.split('/'))}"


def path_under(root: str, key: str) -> str:
    """Return the path of the artifact that has this key."""
    path = key.removeprefix(f"{root}/")
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].replace("=", "")).decode(errors="replace"), path)


def _escaped(part: str) -> str:
    return "".join(one if _PLAIN.fullmatch(one) else _hex(one) for one in part)


def _hex(character: str) -> str:
    return "".join(f"={byte:02X}" for byte in character.encode())

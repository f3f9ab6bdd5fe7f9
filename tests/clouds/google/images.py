"""Container images without containers: what an image is on this machine, in `images.json` of the front's folder.

{"europe-west3-docker.pkg.dev/p/r/loopwright@sha256:…": {
    "folder": "/where/its/files/are", "root": "/where/they/are/in/a/container",
    "python": "/the/interpreter", "environment": {"PORT": "8080"},
    "command": ["python", "-m", "functions.container"]}}
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

FILE: Final = "images.json"
Secrets = Callable[[str, str], str]
"""Returns what is in a version of a secret, by both their names; LookupError or PermissionError otherwise."""

PYTHON: Final = "python"
"""The name here of an image that has Python and nothing else; Docker's official ones are it."""

_OFFICIAL: Final = re.compile(r"(docker\.io|mirror\.gcr\.io)/library/python:[\w.-]+")
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Image:
    """What a container of it has: its files, its interpreter, its variables, and what runs if nobody says otherwise."""

    folder: str
    python: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    root: str = ""

    def words(self, container: Mapping[str, Any]) -> list[str]:
        """Return what a container runs: its own command and arguments, or the image's; `python` is the image's."""
        command = list(container.get("command") or self.command)
        words = [*command, *container.get("args", ())]
        return [self.python, *words[1:]] if words[0] in {"python", "python3"} else words

    def variables(self, container: Mapping[str, Any], secret: Secrets | None = None) -> dict[str, str]:
        """Return the variables of a container: the image's and its own, nothing of this machine's.

        Raises:
            ValueError: one comes from somewhere that is not played here.
            LookupError: a secret is not there.
            PermissionError: the container may not read it.
        """
        given = {}
        for one in container.get("env", ()):
            reference = one.get("valueSource", {}).get("secretKeyRef")
            if reference and secret:
                given[one["name"]] = secret(reference["secret"].rpartition("/")[2], reference["version"])
            elif "valueSource" in one:
                raise ValueError(f"variable {one['name']}: {one['valueSource']} is not played here")
            else:
                given[one["name"]] = self._here(one.get("value", ""))
        return {"PATH": f"{Path(self.python).parent}:{_PATH}", **self.environment, **given}

    def _here(self, value: str) -> str:
        """Return a path in the container as it is on this machine, and anything else as it is."""
        inside = self.root and (value == self.root or value.startswith(f"{self.root}/"))
        return self.folder + value.removeprefix(self.root) if inside else value


_writing: Final = threading.Lock()


def put(folder: Path, name: str, image: Image) -> None:
    """Make an image known under a name."""
    with _writing:
        _put(folder / FILE, name, image)


def _put(file: Path, name: str, image: Image) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(known | {name: asdict(image)}))
    draft.replace(file)


def find(folder: Path, name: str) -> Image:
    """Return an image.

    Raises:
        LookupError: there is none of that name.
    """
    file = folder / FILE
    known = json.loads(file.read_text()) if file.exists() else {}
    key = PYTHON if _OFFICIAL.fullmatch(name) else name
    if key not in known:
        raise LookupError(f"Image '{name}' not found.")
    return Image(**known[key])

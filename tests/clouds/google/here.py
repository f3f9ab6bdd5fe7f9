"""What the services of one front must know of where they are: its address, and what all containers are told besides."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_FILE: Final = "here.json"


@dataclass(frozen=True, slots=True)
class Here:
    """`variables` are in the environment of every container, besides what its service or job says."""

    endpoint: str
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a container to this Google, and keeps it on this machine."""
        return {"LOOPWRIGHT_GCP_ENDPOINT": self.endpoint, "LOOPWRIGHT_HOST": "127.0.0.1", **self.variables}


def note(folder: Path, here: Here) -> None:
    """Note it in the front's folder."""
    (folder / _FILE).write_text(json.dumps(asdict(here)))


def here(folder: Path) -> Here:
    """Return what is noted in the front's folder."""
    return Here(**json.loads((folder / _FILE).read_text()))

"""How a project's recording is found: the `recording(project)` of its `recording.py`."""

import importlib.util
import sys
from pathlib import Path
from typing import Final

from loopwright.definitions import Project
from loopwright.errors import DefinitionError, NotFoundError
from pipelines.demo.recording import Recording

RECORDING_FILE: Final = "recording.py"


def load_recording(folder: Path, project: Project) -> Recording:
    """Return what the folder's `recording.py` tells of its project, which has been loaded from there.

    Raises:
        NotFoundError: there is no such file.
        DefinitionError: it has no function `recording(project)` that returns a `Recording`.
    """
    path = folder.resolve() / RECORDING_FILE
    if not path.is_file():
        raise NotFoundError(f"no {RECORDING_FILE} in {folder}: there is nothing to replay")
    spec = importlib.util.spec_from_file_location(f"loopwright_recording_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    made = getattr(module, "recording", None)
    found = made(project) if callable(made) else None
    if not isinstance(found, Recording):
        raise DefinitionError(f"{path} has no function `recording(project)` that returns a Recording")
    return found

"""Archives that are the same bytes whenever and wherever they are written from the same files."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_LEVEL: Final = 6
_BLOCK: Final = 1 << 20
# Everyone may read, for a function runs as nobody; nothing needs to be executable to be loaded or imported.
_MODE: Final = 0o100644


def files_below(folder: Path) -> dict[str, Path]:
    """Return all files below the folder by their names in it."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def write_zip(files: Mapping[str, Path], target: Path) -> None:
    """Write the files into a zip, in the order of their names, all of the same moment and mode.

    The zip appears under its name when it is complete: who finds it there can use it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            for name, path in sorted(files.items()):
                entry = zipfile.ZipInfo(name, _MOMENT)
                entry.create_system = _UNIX
                entry.external_attr = _MODE << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, _LEVEL)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def content_digest(path: Path) -> str:
    """Return the digest of a zip's content, 64 hex digits: it is the same however well the zip is compressed."""
    total = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            total.update(f"{entry.filename}\0{entry.external_attr}\0{entry.file_size}\0".encode())
            with archive.open(entry) as file:
                while block := file.read(_BLOCK):
                    total.update(block)
    return total.hexdigest()

"""An MLflow of a few files, as a folder, as a wheel, and as something that is installed."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FILES: Final[Mapping[str, bytes]] = {
    "index.html": b"<!doctype html><script src='static-files/static/js/main.0123abcd.js'></script>",
    "manifest.json": b"{}",
    "favicon.ico": b"\x00\x01icon",
    "static/js/main.0123abcd.js": b"console.log('here')\n" * 100,
    "static/js/copy.0123abcd.js": b"console.log('here')\n" * 100,
    "static/media/font.0123456789abcdef.woff2": b"wOF2" * 50,
    "lib/notebook-trace-renderer/index.html": b"<!doctype html>",
}
"""Seven files, of which two hold the same."""

HELD: Final = len(set(FILES.values()))


def folder(place: Path, *, version: str = "3.17.2", files: Mapping[str, bytes] = FILES) -> Path:
    """Return a folder as a `site-packages` is."""
    for path, data in _members(version, files).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return place


def wheel(path: Path, *, version: str = "3.17.2", files: Mapping[str, bytes] = FILES) -> Path:
    """Return a wheel."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in _members(version, files).items():
            archive.writestr(name, data)
    return path


def _members(version: str, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {
        "mlflow/version.py": f'import re\n\nVERSION = "{version}"\n'.encode(),
        f"mlflow-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: mlflow\nVersion: {version}\n".encode(),
        **{f"mlflow/server/js/build/{name}": data for name, data in files.items()},
    }

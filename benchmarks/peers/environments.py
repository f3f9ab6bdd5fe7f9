"""Environments for peers: each in a virtual environment of its own, kept between runs, with compiled modules."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def python_with(*packages: str) -> Path:
    """Return a Python of the version that runs this, which has the packages; make it when it is not there yet."""
    name = hashlib.sha256("\n".join([sys.version, *sorted(packages)]).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / "loopwright-peers" / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        uv = shutil.which("uv") or _bundled_uv()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *packages], check=True
        )
        (folder / "ready").touch()
    return python


def _bundled_uv() -> str:
    """Return the uv that the Makefile installs where there is none."""
    return str(Path(__file__).parents[2] / ".tools" / "bin" / "uv")

"""The source of the training image, in an archive out of which CodeBuild makes it: nobody needs Docker.

    unzip ARCHIVE -d context && docker build context        the same by hand

The archive's `Dockerfile` is the repository's, with the wanted Python; beside it are `buildspec.yml`, which builds the
image and pushes it as `$IMAGE`, the lock file, our modules and the project's.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.packages.archive import content_digest, write_zip
from infra.packages.sources import ROOT, modules, project_files

_OURS: Final = ("adapters", "loopwright", "pipelines")
_DATA: Final = ("*.html",)
"""Files that modules read, besides Python."""

_PYTHON: Final = re.compile(r"^ARG PYTHON=\S+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip; `digest` is that of its content, 64 hex digits: an image's tag can be its first ones."""

    path: Path
    digest: str


def build_image_context(*, project: Path, python_version: str = "3.13", cache: Path) -> Archive:
    """Return the archive of the training image's source; the same source gives the same bytes.

    Raises:
        NotFoundError: the project's folder has no `project.py`.
    """
    files = image_files(project.resolve())
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        dockerfile = Path(folder) / "Dockerfile"
        dockerfile.write_text(_PYTHON.sub(f"ARG PYTHON={python_version}", (ROOT / "Dockerfile").read_text()))
        files["Dockerfile"] = dockerfile
        unnamed = Path(folder) / "context.zip"
        write_zip(files, unnamed)
        digest = content_digest(unnamed)
        path = cache / f"image-{digest[:32]}.zip"
        if not path.is_file():
            write_zip(files, path)
    return Archive(path, digest)


def image_files(project: Path, root: Path = ROOT) -> dict[str, Path]:
    """Return the files of the archive by their names in it; see `build_image_context`."""
    files = {name: root / name for name in ("Dockerfile", "pyproject.toml", "uv.lock")}
    files["buildspec.yml"] = Path(__file__).with_name("buildspec.yml")
    for folder in _OURS:
        files |= modules(root / folder, folder)
        for pattern in _DATA:
            files |= {path.relative_to(root).as_posix(): path for path in sorted((root / folder).rglob(pattern))}
    return files | project_files(project)

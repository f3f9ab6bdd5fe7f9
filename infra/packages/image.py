"""The source of a cloud's image, in an archive out of which CodeBuild or Cloud Build makes it: nobody needs Docker.

    unzip ARCHIVE -d context && docker build context        the same by hand

The archive's `Dockerfile` is the repository's, for the wanted cloud and with the wanted Python; beside it are
`buildspec.yml`, by which CodeBuild makes the image and pushes it as `$IMAGE`, the lock file, our modules and the
project's. Cloud Build is told by infra/gcp/image_builder.py.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.limits import Cloud
from infra.packages.archive import content_digest, write_zip
from infra.packages.sources import ROOT, modules, project_files

_OURS: Final = ("adapters", "functions", "loopwright", "pipelines")
_DATA: Final = ("*.html",)
"""Files that modules read, besides Python."""

_ARGUMENT: Final = re.compile(r"^ARG (\w+)=\S+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip; `digest` is that of its content, 64 hex digits: an image's tag can be its first ones."""

    path: Path
    digest: str


def build_image_context(*, project: Path, python_version: str = "3.13", cloud: Cloud = "aws", cache: Path) -> Archive:
    """Return the archive of an image's source; the same source gives the same bytes.

    Raises:
        NotFoundError: the project's folder has no `project.py`.
    """
    files = image_files(project.resolve())
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        dockerfile = Path(folder) / "Dockerfile"
        arguments = {"CLOUD": cloud, "PYTHON": python_version}
        text = _ARGUMENT.sub(lambda match: f"ARG {match[1]}={arguments[match[1]]}", (ROOT / "Dockerfile").read_text())
        dockerfile.write_text(text)
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

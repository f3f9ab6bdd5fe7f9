"""Cloud Build and Artifact Registry without Docker: an image is the archive that it is built from, unpacked.

It is run by the interpreter of this project, whose environment has the same lock file; a Dockerfile is looked into for
nothing but where the archive's files are in the image.
"""

import io
import os
import re
import secrets
import sys
import zipfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from adapters.connections import Connections
from tests.clouds.google import images
from tests.clouds.google.callers import caller, may
from tests.clouds.google.executions import now
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.here import Here, here
from tests.clouds.google.ledger import Json, ledger_of
from tests.clouds.tools import ROOT

_BUILDS: Final = re.compile(r"(/v1/projects/[^/]+/locations/[^/]+/builds)(?:/([^/:]+))?")
_TAG: Final = re.compile(
    r"/v1/projects/([^/]+)/locations/([^/]+)/repositories/([^/]+)/packages/([^/]+)/tags/([^/:]+)",
)
_ROOT: Final = re.compile(r"^WORKDIR (\S+)$", re.MULTILINE)
_READER: Final = "roles/artifactregistry.reader"
_WRITER: Final = "roles/artifactregistry.writer"
_EDITOR: Final = "roles/cloudbuild.builds.editor"
_VIEWER: Final = "roles/storage.objectViewer"
_OK: Final = 200
_APART: Final = "sitecustomize.py"
"""What the interpreter runs before anything else: it has this repository on its path, which no image has."""

_REPOSITORY: Final = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/]+)/")


class Builds(Service):
    """The builds of all projects, and the tags of their images."""

    def __init__(self, folder: Path) -> None:
        """Begin with the one image that is not built here."""
        self._folder, self._ledger = folder, ledger_of(folder)
        self._here = here(folder)
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / _APART).write_text(f"import sys\nsys.path.remove({str(ROOT)!r})\n")
        empty = folder / "images" / "python"
        empty.mkdir(exist_ok=True)
        images.put(folder, images.PYTHON, images.Image(str(empty), sys.executable, self._here.environment))

    @override
    def takes(self, request: Request) -> bool:
        return bool(_BUILDS.fullmatch(request.path) or _TAG.fullmatch(request.path))

    @override
    def answer(self, request: Request) -> Answer:
        whose = caller(self._folder, request)
        if tag := _TAG.fullmatch(request.path):
            project, region, repository, name, label = tag.groups()
            path = request.path.partition("/packages/")[0]
            if not may(self._folder, whose, _READER, path):
                return refused(403, "PERMISSION_DENIED", f"{whose or 'nobody'} may not read {path}")
            return self._tag(f"{region}-docker.pkg.dev/{project}/{repository}/{name}:{label}", request.path)
        found = _BUILDS.fullmatch(request.path)
        if found is None:
            return refused(404, "NOT_FOUND", request.path)
        collection, name = found.groups()
        project = "/".join(collection.split("/")[:4])
        if not may(self._folder, whose, _EDITOR, project):
            return refused(403, "PERMISSION_DENIED", f"{whose or 'nobody'} may not build in {project}")
        if request.method == "POST" and not name:
            return self._built(collection, request.json())
        known = self._ledger.things.get(request.path)
        return told(known) if known else refused(404, "NOT_FOUND", request.path)

    @override
    def close(self) -> None:
        """Nothing was started."""

    def _tag(self, image: str, path: str) -> Answer:
        try:
            images.find(self._folder, image)
        except LookupError as error:
            return refused(404, "NOT_FOUND", str(error))
        return told({"name": path.split("/", 2)[2], "version": "1"})

    def _built(self, collection: str, asked: Json) -> Answer:
        """Build at once; whoever asks for it still has to look what has become of it."""
        identity = secrets.token_hex(8)
        path = f"{collection}/{identity}"
        build: Json = {**asked, "id": identity, "name": path.split("/", 2)[2], "createTime": now()}
        try:
            for name in asked["images"]:
                self._make(name, asked)
            build["status"] = "SUCCESS"
        except (OSError, PermissionError, zipfile.BadZipFile, LookupError) as error:
            build |= {"status": "FAILURE", "statusDetail": str(error)}
        self._ledger.things[path] = build
        return told({"name": f"operations/build/{identity}", "metadata": {"build": build}})

    def _make(self, name: str, asked: Json) -> None:
        account = asked["serviceAccount"].rpartition("/")[2]
        where = _REPOSITORY.match(name)
        if where is None:
            raise LookupError(f"{name} is in no repository of Artifact Registry")
        region, project, repository = where.groups()
        path = f"/v1/projects/{project}/locations/{region}/repositories/{repository}"
        if path not in self._ledger.things:
            raise LookupError(f"{path} is not there")
        source = asked["source"]["storageSource"]
        wanted = ((_WRITER, path), (_VIEWER, f"/storage/v1/b/{source['bucket']}/iam"))
        for role, thing in wanted:
            if not may(self._folder, account, role, thing):
                raise PermissionError(f"{account} has no {role} on {thing}")
        folder = self._folder / "images" / secrets.token_hex(8)
        with zipfile.ZipFile(io.BytesIO(self._object(source["bucket"], source["object"]))) as archive:
            archive.extractall(folder)
        images.put(self._folder, name, _image(folder, self._here))

    def _object(self, bucket: str, name: str) -> bytes:
        connections = Connections(secure=False)
        host = self._here.endpoint.removeprefix("http://")
        reply = connections.send(host, "GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media", {}, b"")
        connections.close()
        if reply.status != _OK:
            raise LookupError(f"gs://{bucket}/{name}: {reply.status}")
        return reply.body


def _image(folder: Path, here: Here) -> images.Image:
    """Return the image of an unpacked archive: its modules are on the path, and only its /tmp can be written to."""
    root = _ROOT.findall((folder / "Dockerfile").read_text())[-1]
    home = folder / "tmp"
    home.mkdir()
    own = {
        "PYTHONPATH": f"{folder}{os.pathsep}{folder.parent}",
        "PYTHONUNBUFFERED": "1",
        "HOME": str(home),
        "TMPDIR": str(home),
    }
    project = {"LOOPWRIGHT_PROJECT": str(folder / "project")}
    return images.Image(str(folder), sys.executable, {**own, **project, **here.environment}, root=root)


def start(folder: Path) -> Builds:
    """Return the service."""
    return Builds(folder)

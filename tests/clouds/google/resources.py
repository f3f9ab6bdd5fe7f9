"""Resources that are only described, as JSON: made, read, changed and deleted, and nothing else comes of them here."""

import secrets
from pathlib import Path
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.ledger import NUMBER, Json, Ledger, ledger_of
from tests.clouds.google.shapes import SHAPES, Shape

_DELETED: Final = "DELETE_REQUESTED"


class Resources(Service):
    """All collections of `shapes`, the projects themselves, and which of Google's services are switched on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @override
    def takes(self, request: Request) -> bool:
        return _project(request.path) or _switch(request.path) or _shape(request.path) is not None

    @override
    def answer(self, request: Request) -> Answer:
        if _switch(request.path):
            return self._switched(request)
        if _project(request.path):
            return told(_described(request.path.split("/")[3]))
        shape = _shape(request.path)
        found = shape and shape.takes(request.path)
        if shape is None or found is None:
            return refused(404, "NOT_FOUND", request.path)
        collection, name, verb = found.groups()
        if verb == "undelete" and name and shape.kept:
            return self._undeleted(f"/{collection}/{name}")
        if verb:
            return refused(501, "UNIMPLEMENTED", f"{verb} of {collection} is not here")
        with self._ledger.lock:
            return self._one(request, shape, f"/{collection}", name) if name else self._all(request, shape, collection)

    @override
    def close(self) -> None:
        """Nothing was started."""

    def _all(self, request: Request, shape: Shape, collection: str) -> Answer:
        if request.method == "GET":
            alive = [one for one in self._ledger.under(f"/{collection}") if not _is_deleted(one)]
            return told({collection.rpartition("/")[2]: alive})
        body = request.json()
        name = body.get(shape.names[1:]) if shape.names.startswith(".") else request.one(shape.names)
        if shape.names and not name:
            return refused(400, "INVALID_ARGUMENT", f"{collection}: {shape.names.strip('.')} is missing")
        asked: Json = body.get(shape.inside, {}) if shape.inside else body
        own = shape.renamed(collection, _segment(collection, name) if name else _named(asked))
        path = f"/{collection}/{own}"
        if path in self._ledger.things:
            return refused(409, "ALREADY_EXISTS", f"{path} is there already")
        full = path.split("/", 2)[2]
        made = {**asked, "name": full, **shape.added(full, asked)}
        self._ledger.things[path] = made
        return _done(made) if shape.operation else told(made)

    def _one(self, request: Request, shape: Shape, collection: str, name: str) -> Answer:
        path = f"{collection}/{name}"
        known = self._ledger.things.get(path)
        if known is None and not (shape.upsert and request.method == "PATCH"):
            return refused(404, "NOT_FOUND", f"{path} is not there")
        match request.method:
            case "GET":
                return told(known)
            case "PATCH" | "PUT":
                body = request.json()
                asked: Json = body.get(shape.inside, body) if shape.inside else body
                mask = request.one("updateMask") or str(body.get("updateMask", ""))
                changed = _changed(known or {"name": path.split("/", 2)[2]}, asked, mask)
                self._ledger.things[path] = changed
                return _done(changed) if shape.operation else told(changed)
            case "DELETE" if shape.kept:
                known = {**(known or {}), "lifecycleState": _DELETED}
                self._ledger.things[path] = known
                return told(known)
            case "DELETE":
                self._ledger.forget(path)
                return _done({}) if shape.operation else told({})
            case _:
                return refused(405, "UNIMPLEMENTED", f"{request.method} {path}")

    def _undeleted(self, path: str) -> Answer:
        with self._ledger.lock:
            known = self._ledger.things.get(path)
            if known is None or not _is_deleted(known):
                return refused(400, "FAILED_PRECONDITION", f"{path} has not been deleted")
            self._ledger.things[path] = known = {**known, "lifecycleState": "ACTIVE"}
            return told(known)

    def _switched(self, request: Request) -> Answer:
        path, _, verb = request.path.partition(":")
        thing = self._ledger.things.setdefault(f"/v1/{path.split('/', 2)[2]}", {"state": "DISABLED"})
        service = path.rpartition("/")[2].partition(".")[0]
        match verb:
            case "enable" | "disable":
                thing["state"] = f"{verb.upper()}D"
                return _done(thing)
            case "generateServiceIdentity":
                return _done({"email": f"service-{NUMBER}@gcp-sa-{service}.iam.gserviceaccount.com"})
            case _:
                return told(thing)


def _shape(path: str) -> Shape | None:
    return next((one for one in SHAPES if one.takes(path)), None)


def _project(path: str) -> bool:
    version, kind, name, *more = [*path.split("/")[1:], "", ""]
    return version in {"v1", "v3"} and kind == "projects" and bool(name) and ":" not in name and not any(more)


def _switch(path: str) -> bool:
    version, kind, _, inner, *more = [*path.split("/")[1:], "", "", ""]
    return version in {"v1", "v1beta1"} and (kind, inner) == ("projects", "services") and bool(more[0])


def _described(project: str) -> Json:
    return {"projectId": project, "projectNumber": NUMBER, "name": project, "lifecycleState": "ACTIVE"}


def _named(asked: Json) -> str:
    """Return the name of what has none by itself."""
    return str(asked.get("name", "")).rpartition("/")[2] or str(secrets.randbelow(10**18))


def _segment(collection: str, name: str) -> str:
    """Return a name as it is in a URL; some are asked for with the collection before them."""
    return quote(name.removeprefix(f"{collection.partition('/')[2]}/"), safe="@")


def _changed(known: Json, asked: Json, mask: str) -> Json:
    """Return a thing with the fields of the mask as they are asked for now; without a mask, with all that are given."""
    names = {one.split(".")[0] for one in mask.split(",") if one} or set(asked)
    kept = {name: value for name, value in known.items() if name not in names}
    return {**kept, **{name: value for name, value in asked.items() if name in names}, "name": known["name"]}


def _is_deleted(thing: Json) -> bool:
    return thing.get("lifecycleState") == _DELETED


def _done(answer: Json) -> Answer:
    return told({"name": f"operations/{secrets.token_hex(8)}", "done": True, "response": answer})


def start(folder: Path) -> Resources:
    """Return the service."""
    return Resources(ledger_of(folder))

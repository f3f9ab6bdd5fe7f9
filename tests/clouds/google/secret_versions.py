"""The versions of secrets: added, read, and destroyed with what they are of."""

import base64
import re
from pathlib import Path
from typing import Final

from typing_extensions import override

from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.ledger import Json, Ledger, ledger_of

_PATH: Final = re.compile(
    r"(/v1/projects/[^/]+/secrets/[^/:]+)(?:/versions/([^/:]+))?(?::(addVersion|access|destroy))?"
)


class SecretVersions(Service):
    """What Secret Manager has besides the secrets' descriptions, which `resources` keeps."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @override
    def takes(self, request: Request) -> bool:
        found = _PATH.fullmatch(request.path)
        return bool(found and (found[2] or found[3]))

    @override
    def answer(self, request: Request) -> Answer:
        found = _PATH.fullmatch(request.path)
        if found is None or found[1] not in self._ledger.things:
            return refused(404, "NOT_FOUND", f"{request.path} is not there")
        with self._ledger.lock:
            return self._added(request, found[1]) if found[3] == "addVersion" else self._version(*found.groups())

    @override
    def close(self) -> None:
        """Nothing was started."""

    def _added(self, request: Request, secret: str) -> Answer:
        number = len(self._ledger.under(f"{secret}/versions")) + 1
        path = f"{secret}/versions/{number}"
        made = {"name": path.split("/", 2)[2], "state": "ENABLED", "data": request.json()["payload"]["data"]}
        self._ledger.things[path] = made
        return told(_described(made))

    def _version(self, secret: str, number: str, verb: str | None) -> Answer:
        every = self._ledger.under(f"{secret}/versions")
        path = f"{secret}/versions/{len(every) if number == 'latest' else number}"
        known = self._ledger.things.get(path)
        if known is None:
            return refused(404, "NOT_FOUND", f"{path} is not there")
        if verb == "destroy":
            self._ledger.things[path] = known = {"name": known["name"], "state": "DESTROYED"}
        if verb == "access":
            if known["state"] != "ENABLED":
                return refused(400, "FAILED_PRECONDITION", f"{path} is {known['state']}")
            return told({"name": known["name"], "payload": {"data": known["data"]}})
        return told(_described(known))


def secret_text(ledger: Ledger, secret: str, version: str, *, by: str) -> str:
    """Return what is in a version of a secret, for an account that may read it.

    Raises:
        LookupError: there is no such version.
        PermissionError: the account may not.
    """
    thing = ledger.things.get(f"{secret}/versions/{version}")
    if thing is None or "data" not in thing:
        raise LookupError(f"{secret} has no version {version}")
    if f"serviceAccount:{by}" not in ledger.members(secret, "roles/secretmanager.secretAccessor"):
        raise PermissionError(f"{by} may not read {secret}")
    return base64.b64decode(thing["data"]).decode()


def _described(version: Json) -> Json:
    return {name: value for name, value in version.items() if name != "data"}


def start(folder: Path) -> SecretVersions:
    """Return the service."""
    return SecretVersions(ledger_of(folder))

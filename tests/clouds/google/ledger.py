"""What the front keeps of a Google in memory: resources as JSON, each by the path that it is found at, and who may."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

NUMBER: Final = "123456789012"
"""That of every project here."""

OWNER: Final = "owner@example.org"
"""Who owns every project here, and may do everything."""


@dataclass(slots=True)
class Ledger:
    """All services of one front share it.

    Attributes:
        things: resources by the path of their URL, version included: two services may name things alike.
        policies: IAM's, by the same path.
        lock: held by whoever reads, and then writes.
    """

    folder: Path
    things: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def under(self, collection: str) -> list[Json]:
        """Return what is in a collection, by its path."""
        start, depth = f"{collection}/", collection.count("/") + 1
        with self.lock:
            found = sorted(self.things.items())
        return [thing for path, thing in found if path.startswith(start) and path.count("/") == depth]

    def forget(self, path: str) -> None:
        """Forget a thing, what is in it, and who may do what with them."""
        with self.lock:
            for known in (self.things, self.policies):
                for one in [one for one in known if one == path or one.startswith(f"{path}/")]:
                    del known[one]

    def policy(self, path: str) -> Json:
        """Return who may do what with a thing. Projects have an owner."""
        with self.lock:
            return self.policies.get(path) or _first(path)

    def let(self, path: str, policy: Mapping[str, Any]) -> Json:
        """Set who may do what with a thing.

        Raises:
            StaleError: somebody has changed that since it was read.
        """
        with self.lock:
            found = self.policy(path)
            if policy.get("etag", found["etag"]) != found["etag"]:
                raise StaleError(path)
            bindings = [one for one in policy.get("bindings", []) if one.get("members")]
            self.policies[path] = {"version": 3, "bindings": bindings, "etag": secrets.token_urlsafe(8)}
            return self.policies[path]

    def members(self, path: str, role: str) -> set[str]:
        """Return who has a role on a thing, or on the project that it is in."""
        _, _, kind, project, *_ = [*path.split("/"), "", ""]
        above = [f"/v1/projects/{project}"] if kind == "projects" else []
        bindings = [one for here in (path, *above) for one in self.policy(here).get("bindings", ())]
        return {member for one in bindings if one["role"] in {role, "roles/owner"} for member in one["members"]}


class StaleError(Exception):
    """A policy was changed by somebody else meanwhile."""


def _first(path: str) -> Json:
    """Return the policy of a thing that nobody has set one for."""
    owned = path.startswith("/v1/projects/") and path.count("/") == len(("v1", "projects", "name"))
    bindings = [{"role": "roles/owner", "members": [f"user:{OWNER}"]}] if owned else []
    return {"version": 1, "etag": "ACAB", "bindings": bindings}


@cache
def ledger_of(folder: Path) -> Ledger:
    """Return the ledger of the front whose home is this folder."""
    return Ledger(folder)

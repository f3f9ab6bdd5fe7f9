"""Who may do what with a resource: kept as it is set, and asked by nobody here."""

import secrets
from typing import Any, Final

from tests.clouds.google.front import Answer, Request, refused, told

_NOBODY: Final[dict[str, Any]] = {"version": 1, "etag": "ACAB"}


class Policies:
    """The IAM policies of one service's resources, by name."""

    def __init__(self) -> None:
        self._set: dict[str, dict[str, Any]] = {}

    def answer(self, name: str, verb: str, request: Request) -> Answer:
        """Answer `getIamPolicy`, `setIamPolicy` or `testIamPermissions` of a resource that is there."""
        match verb:
            case "getIamPolicy":
                return told(self._set.get(name, _NOBODY))
            case "setIamPolicy":
                policy = request.json()["policy"]
                found = self._set.get(name, _NOBODY)
                if policy.get("etag", found["etag"]) != found["etag"]:
                    return refused(409, "ABORTED", f"the policy of {name} was changed meanwhile")
                self._set[name] = {"version": 1, **policy, "etag": secrets.token_urlsafe(8)}
                return told(self._set[name])
            case "testIamPermissions":
                return told({"permissions": request.json().get("permissions", [])})
            case _:
                return refused(501, "UNIMPLEMENTED", f"{verb} is not here")

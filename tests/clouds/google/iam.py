"""Who may do what: IAM's policies of projects, of buckets and of all that the ledger has, kept as they are set."""

import re
from pathlib import Path
from typing import Final

from typing_extensions import override

from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.ledger import Ledger, StaleError, ledger_of

_VERB: Final = re.compile(r"(/v\w+/.+):(getIamPolicy|setIamPolicy|testIamPermissions)")
_BUCKET: Final = re.compile(r"/storage/v1/b/[^/]+/iam")
_PROJECT: Final = re.compile(r"/v[13]/(projects/[^/]+)")
_JOB: Final = re.compile(r"/v2/projects/[^/]+/locations/[^/]+/jobs/[^/]+")
"""`run_jobs` knows which of them are there."""

_ELSEWHERE: Final = re.compile(r"/v1/projects/[^/]+/(topics|subscriptions|snapshots)/.*")
"""Pub/Sub sees to these itself: it knows which of them are there."""


class Iam(Service):
    """All policies but Pub/Sub's."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @override
    def takes(self, request: Request) -> bool:
        if _BUCKET.fullmatch(request.path):
            return True
        return bool(_VERB.fullmatch(request.path)) and not _ELSEWHERE.fullmatch(request.path)

    @override
    def answer(self, request: Request) -> Answer:
        if _BUCKET.fullmatch(request.path):
            setting, path, policy = request.method == "PUT", request.path, request.json()
        else:
            found = _VERB.fullmatch(request.path)
            if found is None:
                return refused(404, "NOT_FOUND", request.path)
            path, verb = found.groups()
            if verb == "testIamPermissions":
                return told({"permissions": request.json().get("permissions", [])})
            project = _PROJECT.fullmatch(path)
            path = f"/v1/{project[1]}" if project else path
            if not (project or _JOB.fullmatch(path)) and path not in self._ledger.things:
                return refused(404, "NOT_FOUND", f"{path} is not there")
            setting, policy = verb == "setIamPolicy", request.json().get("policy", {})
        try:
            return told(self._ledger.let(path, policy) if setting else self._ledger.policy(path))
        except StaleError:
            return refused(409, "ABORTED", f"the policy of {path} was changed meanwhile")

    @override
    def close(self) -> None:
        """Nothing was started."""


def start(folder: Path) -> Iam:
    """Return the service."""
    return Iam(ledger_of(folder))

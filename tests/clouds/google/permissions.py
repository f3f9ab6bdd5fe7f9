"""What a service account may do, by the roles that it has: asked for everything that a container asks of the front.

Sources: "IAM roles" of each service, Google Cloud documentation. A role is taken for what its holders need it for here;
what nobody's role is known to allow is refused. Conditions are looked into for the names and prefixes in them.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from tests.clouds.google.front import Request
from tests.clouds.google.ledger import Json, Ledger

_FREE: Final = re.compile(r"/oauth2/.*")
_SIGN: Final = re.compile(r"/v1/projects/-/serviceAccounts/([^/]+):signBlob")
_CHECKED_THERE: Final = re.compile(r"/v1/projects/[^/]+/locations/[^/]+/(builds|repositories)(/.*)?")
"""`builds` asks by tokens itself."""

_OBJECT: Final = re.compile(r"/(?:upload/|download/)?storage/v1/b/([^/]+)/o(?:/(.+))?")
_XML: Final = re.compile(r"/(?!v\d(?:beta\d)?/)([a-z0-9][a-z0-9_.-]+)(?:/(.*))?")
_TOPIC: Final = re.compile(r"(/v1/(projects/[^/]+)/(?:topics|subscriptions)/[^/:]+)(?::(\w+))?")
_DOCUMENTS: Final = re.compile(r"/v1/(projects/[^/]+)/databases/([^/]+)/documents(?:/[^:]*)?(?::(\w+))?")
_JOB: Final = re.compile(r"(/v2/(projects/[^/]+)/locations/[^/]+/jobs/[^/:]+)(?:/[^:]*)?(?::(\w+))?")
_SERIES: Final = re.compile(r"/v3/(projects/[^/]+)/timeSeries")
_VERTEX: Final = re.compile(
    r"/(?:v1|v1beta1|ui)/(projects/[^/]+)/locations/[^/]+/(customJobs|models|metadataStores|operations).*"
)
_COPY: Final = re.compile(r"(.+?)/(?:rewriteTo|copyTo)/b/.*")
_NAME: Final = re.compile(rb'"name":\s*"([^"]+)"')
_QUOTED: Final = re.compile(r'startsWith\("projects/_/buckets/[^/]+/objects/([^"]*)"\)')

_READERS: Final = ("roles/storage.objectViewer", "roles/storage.objectUser")
_WRITERS: Final = ("roles/storage.objectUser",)
_CONSUMING: Final = frozenset({"pull", "acknowledge", "modifyAckDeadline"})
_READING: Final = frozenset(
    {"batchGet", "runQuery", "runAggregationQuery", "beginTransaction", "rollback", "listDocuments"}
)

Policy = Callable[[str], Json]
"""Returns who may do what with a thing, by its path."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What takes which roles on what; `fits` says whether a role with a condition is one of them."""

    roles: tuple[str, ...]
    things: tuple[str, ...]
    fits: Callable[[str], bool] = lambda _condition: True


def refusal(request: Request, email: str, policy: Policy) -> str:
    """Return why an account may not ask this; empty: it may."""
    if _FREE.fullmatch(request.path) or _CHECKED_THERE.fullmatch(request.path):
        return ""
    wanted = _wanted(request)
    member = f"serviceAccount:{email}"
    if wanted is None:
        return f"{email} does not have any permission for {request.method} {request.path}."
    for thing in wanted.things:
        for binding in policy(thing).get("bindings", ()):
            condition = binding.get("condition", {}).get("expression", "")
            held = binding["role"] in wanted.roles or (
                "custom" in wanted.roles and binding["role"].startswith("projects/")
            )
            if held and member in binding["members"] and (not condition or wanted.fits(condition)):
                return ""
    return f"{email} does not have {' or '.join(wanted.roles)} on {wanted.things[0]}."


def _wanted(request: Request) -> Wanted | None:
    path = request.path
    if found := _OBJECT.fullmatch(path):
        return _objects(request, found[1], _object_name(request, found[2]))
    if found := _TOPIC.fullmatch(path):
        thing, project, verb = found.groups()
        role = "publisher" if verb == "publish" else "subscriber" if verb in _CONSUMING else "viewer"
        return Wanted((f"roles/pubsub.{role}",), (thing, f"/v1/{project}"))
    if found := _DOCUMENTS.fullmatch(path):
        project, database, verb = found.groups()
        reading = request.method == "GET" or verb in _READING or (verb == "commit" and not request.json().get("writes"))
        roles = ("roles/datastore.viewer", "roles/datastore.user") if reading else ("roles/datastore.user",)
        name = f'"{project}/databases/{database}"'
        return Wanted(roles, (f"/v1/{project}",), lambda condition: name in condition)
    if found := _JOB.fullmatch(path):
        thing, project, verb = found.groups()
        role = "jobsExecutorWithOverrides" if verb == "run" else "viewer" if request.method == "GET" else "developer"
        return Wanted((f"roles/run.{role}",), (thing, f"/v1/{project}"))
    if found := _SIGN.fullmatch(path):
        return Wanted(("roles/iam.serviceAccountTokenCreator",), (account_path(unquote(found[1])),))
    if found := _SERIES.fullmatch(path):
        return Wanted(("roles/monitoring.viewer",), (f"/v1/{found[1]}",))
    if found := _VERTEX.fullmatch(path):
        return Wanted(("custom", "roles/aiplatform.user"), (f"/v1/{found[1]}",))
    if found := _XML.fullmatch(unquote(path)):
        return _objects(request, found[1], found[2] or None)
    return None


def account_path(email: str) -> str:
    """Return where a service account is."""
    project = email.partition("@")[2].partition(".")[0]
    return f"/v1/projects/{project}/serviceAccounts/{email}"


def _objects(request: Request, bucket: str, name: str | None) -> Wanted:
    """Return what an object takes, or where none is named the list of those under a prefix."""
    roles = _READERS if request.method in {"GET", "HEAD"} else _WRITERS
    under = request.one("prefix") if name is None else name

    def fits(condition: str) -> bool:
        return any(under.startswith(prefix) for prefix in _QUOTED.findall(condition))

    return Wanted(roles, (f"/storage/v1/b/{bucket}/iam",), fits)


def _object_name(request: Request, quoted: str | None) -> str | None:
    if quoted:
        copied = _COPY.fullmatch(quoted)
        return unquote(copied[1] if copied else quoted)
    if request.method == "GET":
        return None
    told = _NAME.search(request.body)
    return request.one("name") or (json.loads(b'"%s"' % told[1]) if told else "")


def policies(ledger: Ledger, ask: Callable[[Request], Mapping[str, Any]]) -> Policy:
    """Return how policies are found: Pub/Sub has its own, and all others are in the ledger."""

    def policy(thing: str) -> Json:
        if "/topics/" in thing or "/subscriptions/" in thing:
            path = f"{thing}:getIamPolicy"
            return dict(ask(Request("GET", path, {}, path, {}, b"")))
        return ledger.policy(thing)

    return policy

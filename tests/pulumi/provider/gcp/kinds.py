"""What is the same for all types of Google's: nearly each is one resource of one REST API."""

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody
from tests.pulumi.provider import kinds
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs

Json = dict[str, Any]

_PATIENCE: Final = 900.0
_NONE: Final[Mapping[str, str]] = {}


class OperationError(Exception):
    """What takes Google a while has failed."""


@dataclass(slots=True)
class Google:
    """A Google on this machine, and nowhere else. `project` and `region` are those of what says none."""

    endpoint: str
    project: str
    region: str
    _api: Api = field(init=False)

    def __post_init__(self) -> None:
        if urlsplit(self.endpoint).hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError(f"LOOPWRIGHT_GCP_ENDPOINT={self.endpoint}: the stand-in acts on this machine only")
        self._api = Api("", endpoint=self.endpoint, tokens=Nobody(), timeout=_PATIENCE)

    def call(self, method: str, path: str, body: object = None, *, query: Mapping[str, str] = _NONE) -> Json:
        """Call an operation; what takes a while is waited for.

        Raises:
            ServiceError: Google refuses it.
            OperationError: it has failed in the end.
        """
        answer = self._api.call(method, path, body, query=query) or {}
        while "/operations/" in f"/{answer.get('name', '')}" and not answer.get("done"):
            answer = self._api.call("GET", f"/v2/{answer['name']}")
        if "error" in answer and "done" in answer:
            raise OperationError(answer["error"]["message"])
        return answer.get("response", {}) if "done" in answer else answer

    def raw(self, method: str, path: str, body: bytes, *, query: Mapping[str, str], kind: str) -> Any:
        """Send content, and return what is said of it."""
        reply = self._api.send(method, path, body, query=query, headers={"Content-Type": kind})
        return json.loads(reply.body)


class Kind(kinds.Kind[Google]):
    """A type of Google's; `labelled`: it has labels, which come as `effectiveLabels`, the stack's own included."""

    def __init_subclass__(
        cls, *, token: str = "", replaces: Iterable[str] = (), named: str = "", labelled: bool = False
    ) -> None:
        """Register the type, unless it has no token."""
        super().__init_subclass__(
            token=token,
            replaces={"project", *replaces},
            named=named,
            completed={"effectiveLabels": "labels"} if labelled else {},
        )


class Resource(Kind):
    """One resource of a REST API. Its id is its name there, without the API's version.

    Attributes:
        version: of the API.
        query: the parameter that has the name of a new one.
        inside: the field in which a new or changed one is sent; without it the body is it.
        method: of a change.
        masked: whether a change says which fields it is about.
        properties: how Pulumi calls fields that it calls otherwise.
        telling: the fields that can be asked, if not all of them can.
    """

    version: ClassVar[str] = "v1"
    query: ClassVar[str] = ""
    inside: ClassVar[str] = ""
    method: ClassVar[str] = "PATCH"
    masked: ClassVar[bool] = True
    properties: ClassVar[Mapping[str, str]] = {}
    telling: ClassVar[frozenset[str] | None] = None

    @abstractmethod
    def parent(self, google: Google, inputs: Inputs) -> str:
        """Return the collection that it is in, without the API's version."""

    @abstractmethod
    def name(self, inputs: Inputs) -> str:
        """Return what it is called in its collection; empty: Google says it."""

    @abstractmethod
    def body(self, google: Google, inputs: Inputs) -> Json:
        """Return it as the API has it."""

    def known(self, google: Google, found: Json) -> Outputs:
        """Return what else there is to know of it."""
        return {}

    def create(self, google: Google, inputs: Inputs) -> Made:
        collection, name = self.parent(google, inputs), self.name(inputs)
        body = self.asked(name, self.body(google, inputs))
        query = {self.query: name} if self.query else _NONE
        made = google.call("POST", f"/{self.version}/{collection}", body, query=query)
        id_ = self.identity(collection, name, made)
        return id_, self.known(google, made)

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = google.call("GET", f"/{self.version}/{id_}")
        wanted = self.body(google, Inputs(known))
        asked = wanted.keys() if self.telling is None else wanted.keys() & self.telling
        changed = [name for name in asked if not _has(found.get(name), wanted[name])]
        return {self.properties.get(name, name): found.get(name) for name in changed}

    def update(self, google: Google, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        self.parent(google, inputs)
        self.name(inputs)
        body, before = self.body(google, inputs), self.body(google, Inputs(known))
        changed = {name: value for name, value in body.items() if value != before.get(name)}
        if not changed:
            return {}
        mask = ",".join(sorted(changed))
        asked: Json = {self.inside: body, "updateMask": mask} if self.inside else body
        query = {"updateMask": mask} if self.masked and not self.inside else _NONE
        return self.known(google, google.call(self.method, f"/{self.version}/{id_}", asked, query=query))

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        google.call("DELETE", f"/{self.version}/{id_}")

    def asked(self, name: str, body: Json) -> Json:
        """Return what a new one is asked for with."""
        return body

    def identity(self, collection: str, name: str, made: Json) -> str:
        """Return its id."""
        return f"{collection}/{name}" if name else str(made["name"])


def project(google: Google, inputs: Inputs) -> str:
    """Return the project that a thing is in."""
    return f"projects/{inputs.get('project') or google.project}"


def region(google: Google, inputs: Inputs, key: str = "location") -> str:
    """Return the project and the region that a thing is in."""
    return f"{project(google, inputs)}/locations/{inputs.get(key) or google.region}"


def renamed(part: Inputs, **names: str) -> Json:
    """Return those of the properties that are given under the names that the API has for them."""
    return {theirs: part[ours] for ours, theirs in names.items() if ours in part}


def given(**fields: Any) -> Json:
    """Return the fields that have something in them: others are not sent."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}


def _has(found: Any, wanted: Any) -> bool:
    """Return whether a value is what is wanted; Google adds fields that nobody has asked for."""
    match wanted:
        case dict():
            return isinstance(found, dict) and all(_has(found.get(name), one) for name, one in wanted.items())
        case list():
            return (found or []) == wanted or (
                isinstance(found, list)
                and len(found) == len(wanted)
                and all(_has(one, other) for one, other in zip(found, wanted, strict=True))
            )
        case _:
            return bool(found == wanted) or (found is None and wanted in ("", False, 0))

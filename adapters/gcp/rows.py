"""The calls that read a table's documents and write them."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from adapters.gcp.api import ATTEMPTS, Api, quoted
from adapters.gcp.documents import SORT, WITHOUT_VALUE, Document, Found, Names, digits_of, document_of
from adapters.gcp.place import GcpPlace
from adapters.gcp.ranges import Range, filters
from adapters.gcp.replies import ServiceError, told, translation
from loopwright.errors import LoopwrightError

ABORTED: Final = "ABORTED"

_BATCH: Final = 300
_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0
_TOO_OLD: Final = frozenset({"FAILED_PRECONDITION", "INVALID_ARGUMENT"})
_JSON: Final = {"Content-Type": "application/json"}

Hold = Literal["newest", "one moment", "locked"]
"""How documents are read: each as it is now; all as they were at one moment; so that they stay as they are."""


class _Part(msgspec.Struct, rename="camel"):
    """One part of an answer that Firestore streams."""

    found: Found | None = None
    document: Found | None = None
    missing: str = ""
    transaction: str = ""
    read_time: str = ""
    error: dict[str, Any] | None = None


_parts: Final = msgspec.json.Decoder(list[_Part]).decode


@dataclass(frozen=True, slots=True)
class Look:
    """The documents that are there, by name, and the transaction in which they were read."""

    documents: Mapping[str, Document]
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a query in its order, with the digits of their sorts; and the moment that they are of."""

    documents: Sequence[tuple[str, Document]]
    moment: str


class Rows:
    """The documents of one table, read with strong consistency."""

    def __init__(self, api: Api, place: GcpPlace, sleep: Callable[[float], None] = time.sleep) -> None:
        self.names = Names(place)
        self._api = api
        self._sleep = sleep
        self._path = f"/v1/projects/{quoted(place.project)}/databases/{quoted(place.database)}/documents"

    def call(self, operation: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation on the whole database; see `Api.call`."""
        return self._api.call("POST", f"{self._path}:{operation}", body)

    def read(self, names: Iterable[str], hold: Hold = "newest", *, values: bool = True) -> Look:
        """Return the documents that are there. Any number of names, repeats allowed.

        Raises:
            UnavailableError: Firestore does not hand them out.
            ServiceError: with `ABORTED`: somebody else has locked one.
        """
        wanted = list(dict.fromkeys(names))
        documents: dict[str, Document] = {}
        body: dict[str, object] = {}
        if hold != "newest":
            body["newTransaction"] = {"readWrite": {}} if hold == "locked" else {"readOnly": {}}
        if not values:
            body["mask"] = {"fieldPaths": WITHOUT_VALUE}
        transaction = ""
        for start in range(0, len(wanted), _BATCH):
            body["documents"] = wanted[start : start + _BATCH]
            for part in self._streamed("", "batchGet", body, f"read {len(wanted)} items"):
                transaction = part.transaction or transaction
                if part.found:
                    documents[part.found.name] = document_of(part.found)
            if transaction:
                body.pop("newTransaction", None)
                body["transaction"] = transaction
        return Look(documents, transaction if hold == "locked" else "")

    def page(self, wanted: Range, *, size: int, reverse: bool, moment: str = "", values: bool = True) -> Page:
        """Return the first documents of a range, as they were at a moment if that is not too long ago."""
        parent = self.names.partition(wanted.partition)
        # Firestore has no order by falling names.
        field = SORT if reverse else "__name__"
        query = {
            "from": [{"collectionId": "items"}],
            "orderBy": [{"field": {"fieldPath": field}, "direction": "DESCENDING" if reverse else "ASCENDING"}],
            "limit": size,
            **({} if values else {"select": {"fields": [{"fieldPath": field} for field in WITHOUT_VALUE]}}),
        }
        if conditions := filters(wanted, field, f"{parent}/items"):
            query["where"] = {"compositeFilter": {"op": "AND", "filters": conditions}}
        body = {"structuredQuery": query}
        below = parent.removeprefix(self.names.root)
        doing = f"query {wanted.partition}"
        newest = {**body, "newTransaction": {"readOnly": {}}}
        try:
            asked = {**body, "readTime": moment} if moment else newest
            parts = self._streamed(below, "runQuery", asked, doing, passing=_TOO_OLD if moment else frozenset())
        except ServiceError:
            # Firestore remembers an hour: who reads for longer sees what is there now.
            parts = self._streamed(below, "runQuery", newest, doing)
        documents = [(digits_of(part.document.name), document_of(part.document)) for part in parts if part.document]
        return Page(documents, next((part.read_time for part in parts if part.read_time), ""))

    def roll_back(self, transaction: str) -> None:
        """Give up a transaction, so that nobody waits for what it has locked; else it ends by itself, but later."""
        with suppress(ServiceError, LoopwrightError):
            self.call("rollback", {"transaction": transaction})

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt, longer each time, and not as long as others do."""
        self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads

    def _streamed(
        self, below: str, operation: str, body: Mapping[str, object], doing: str, passing: frozenset[str] = frozenset()
    ) -> list[_Part]:
        """Call an operation that answers in parts; ABORTED, and what else is `passing`, is a ServiceError."""
        path, content = f"{self._path}{below}:{operation}", msgspec.json.encode(body)
        try:
            for attempt in range(ATTEMPTS - 1):
                with suppress(_BrokenOffError):
                    return self._whole(path, content, last=False)
                self.pause(attempt)
            return self._whole(path, content, last=True)
        except ServiceError as error:
            if error.code == ABORTED or error.code in passing:
                raise
            raise translation(error, doing) from error

    def _whole(self, path: str, content: bytes, *, last: bool) -> list[_Part]:
        """Return all parts of an answer; where it breaks off and may be whole the next time, a _BrokenOffError."""
        reply = self._api.send("POST", path, content, headers=_JSON)
        parts = _parts(reply.body)
        for part in parts:
            if part.error is not None:
                refusal = told(part.error, reply, repeated=False)
                raise _BrokenOffError if refusal.throttled and not last else refusal
        return parts


class _BrokenOffError(Exception):
    """An answer began as a success, and ended with a refusal."""

"""How an item stands in Firestore.

The document `partitions/<partition>/items/<sort>` has it, both in hexadecimal digits. Its fields: `v`, the packed
value, or `o`, the name of the blob that has it; `n`, the version; `w`, the tokens of the newest writes; `s`, the digits
of the sort once more, for queries from the end; `x`, the moment after which it is no longer there, and `expires`, the
whole second after that, from which Firestore may remove it. Of these only `s` is indexed, by falling values: Firestore
reads documents by rising names without an index, and not by falling ones.

The document `partitions/~/items/<token>`, which is no item's, says that a write was done that left no item behind.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.gcp.place import GcpPlace
from adapters.overflow import Row
from loopwright.ports.table import Key

EXPIRY: Final = "expires"
SORT: Final = "s"
VALUE: Final = "v"
WITHOUT_VALUE: Final = ("n", "w", "o", "x")
"""The fields that a writer looks at."""

_LAST: Final = 253_402_300_799
"""The last second that a timestamp of Firestore's may have."""


class _Bytes(msgspec.Struct, rename={"value": "bytesValue"}):
    # Written in Base64, which is read into bytes at once.
    value: bytes = b""


class _Text(msgspec.Struct, rename={"value": "stringValue"}):
    value: str = ""


class _Integer(msgspec.Struct, rename={"value": "integerValue"}):
    value: str = "0"


class _Number(msgspec.Struct, rename={"value": "doubleValue"}):
    value: float = 0.0


class _Fields(msgspec.Struct):
    v: _Bytes = msgspec.field(default_factory=_Bytes)
    o: _Text = msgspec.field(default_factory=_Text)
    n: _Integer = msgspec.field(default_factory=_Integer)
    w: _Text = msgspec.field(default_factory=_Text)
    x: _Number | None = None


class Found(msgspec.Struct, rename="camel"):
    """A document as Firestore returns it."""

    name: str
    create_time: str
    update_time: str
    fields: _Fields = msgspec.field(default_factory=_Fields)


@dataclass(frozen=True, slots=True)
class Document:
    """A row, when its document was made, and when it was last written, both as Firestore tells it."""

    row: Row
    created: str
    updated: str


class Names:
    """The names of one table's documents."""

    def __init__(self, place: GcpPlace) -> None:
        self.root = f"projects/{place.project}/databases/{place.database}/documents"

    def partition(self, partition: str) -> str:
        """Return the name of what is above a partition's items."""
        return f"{self.root}/partitions/{partition.encode().hex()}"

    def item(self, key: Key) -> str:
        """Return the name of an item's document."""
        return f"{self.partition(key.partition)}/items/{key.sort.encode().hex()}"

    def receipt(self, token: str) -> str:
        """Return the name of the document that says that the write with this token was done."""
        return f"{self.root}/partitions/~/items/{token}"


def digits_of(name: str) -> str:
    """Return the digits of the sort that a document's name ends with."""
    return name.rpartition("/")[2]


def sort_of_digits(digits: str) -> str:
    """Return the sort that has these digits."""
    return bytes.fromhex(digits).decode()


def document_of(found: Found) -> Document:
    """Return the row that is in a document."""
    fields = found.fields
    row = Row(
        fields.v.value,
        fields.o.value,
        int(fields.n.value),
        fields.x.value if fields.x else None,
        tuple(fields.w.value.split()),
    )
    return Document(row, found.create_time, found.update_time)


def put(name: str, row: Row) -> dict[str, Any]:
    """Return the write that makes a document of a row."""
    fields: dict[str, Any] = {
        "n": {"integerValue": str(row.version)},
        "w": {"stringValue": " ".join(row.writes)},
        SORT: {"stringValue": digits_of(name)},
        **({"o": {"stringValue": row.blob}} if row.blob else {VALUE: {"bytesValue": row.packed}}),
    }
    if row.expires is not None:
        fields |= {"x": {"doubleValue": float(row.expires)}, EXPIRY: _timestamp(row.expires)}
    return {"update": {"name": name, "fields": fields}}


def touch(name: str) -> dict[str, Any]:
    """Return the write that leaves a document as it is: it removes a field that no document has."""
    return {"update": {"name": name}, "updateMask": {"fieldPaths": ["nothing"]}}


def receipt(name: str, token: str, expires: float) -> dict[str, Any]:
    """Return the write that makes a receipt."""
    return {"update": {"name": name, "fields": {"w": {"stringValue": token}, EXPIRY: _timestamp(expires)}}}


def unchanged(before: Document | None) -> dict[str, Any]:
    """Return the condition that a document is still as it was read."""
    return {"currentDocument": {"updateTime": before.updated} if before else {"exists": False}}


def _timestamp(seconds: float) -> dict[str, str]:
    moment = datetime.fromtimestamp(min(max(math.ceil(seconds), 0), _LAST), UTC)
    return {"timestampValue": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}

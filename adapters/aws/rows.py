"""How an item stands in DynamoDB, and the calls that read it.

Attributes: `pk` and `sk`, the key; `v`, the packed value, or `o`, the name of the blob that has it; `n`, the version;
`w`, the tokens of the newest writes; `x`, the moment after which it is no longer there, and `ttl`, the whole second
after that, from which DynamoDB may remove it.
"""

import math
import random
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.aws.api import Api
from adapters.aws.ranges import Range
from adapters.aws.replies import translated
from adapters.overflow import Row
from loopwright.errors import UnavailableError
from loopwright.ports.table import Key

Attributes = dict[str, Any]
"""Attributes as DynamoDB writes them in JSON: `{"n": {"N": "1"}}`."""

_BATCH: Final = 100
_FRUITLESS: Final = 10
_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0


def place(key: Key) -> Attributes:
    """Return the attributes that say which item is meant."""
    return {"pk": {"S": key.partition}, "sk": {"S": key.sort}}


def attributes(row: Row) -> Attributes:
    """Return a row's attributes without its key's."""
    found: Attributes = {"n": {"N": str(row.version)}, "w": {"S": " ".join(row.writes)}, **value_of(row)}
    if row.expires is not None:
        found |= expiry_of(row.expires)
    return found


def value_of(row: Row) -> Attributes:
    """Return the one attribute that has, or leads to, the value."""
    return {"o": {"S": row.blob}} if row.blob else {"v": {"B": b64encode(row.packed).decode()}}


def expiry_of(expires: float) -> Attributes:
    """Return the attributes by which an item expires."""
    return {"x": {"N": repr(float(expires))}, "ttl": {"N": str(math.ceil(expires))}}


def row_of(found: Attributes) -> Row:
    """Return the row that has these attributes."""
    return Row(
        b64decode(found["v"]["B"]) if "v" in found else b"",
        found["o"]["S"] if "o" in found else "",
        int(found["n"]["N"]),
        float(found["x"]["N"]) if "x" in found else None,
        tuple(found["w"]["S"].split()),
    )


class Rows:
    """The rows of one table, read with strong consistency."""

    def __init__(self, api: Api, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.table = table
        self._api = api
        self._sleep = sleep

    def call(self, operation: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation of DynamoDB; see `Api.call`."""
        return self._api.call(f"DynamoDB_20120810.{operation}", body)

    def read(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Return the rows that are there, expired or not. Any number of keys, repeats allowed.

        Raises:
            UnavailableError: DynamoDB does not hand them out.
        """
        wanted = list(dict.fromkeys(keys))
        with translated(f"read {len(wanted)} items of {self.table}"):
            if len(wanted) == 1:
                body = {"TableName": self.table, "Key": place(wanted[0]), "ConsistentRead": True}
                found = self.call("GetItem", body).get("Item")
                return {wanted[0]: row_of(found)} if found else {}
            rows: dict[Key, Row] = {}
            for start in range(0, len(wanted), _BATCH):
                rows |= self._batch(wanted[start : start + _BATCH])
        return rows

    def pages(
        self, wanted: Range, *, size: int | None, reverse: bool, values: bool = True
    ) -> Iterator[list[tuple[Key, Row]]]:
        """Yield a range's rows page by page, in order; `size` is about how many are wanted at once.

        Without `values` the rows have none: DynamoDB charges the same for that, but sends a twentieth.
        """
        body = {
            "TableName": self.table,
            "KeyConditionExpression": wanted.condition,
            "ExpressionAttributeValues": wanted.values,
            "ConsistentRead": True,
            "ScanIndexForward": not reverse,
            **({} if size is None else {"Limit": size}),
            **({} if values else {"ProjectionExpression": "sk, n, w, x"}),
        }
        more: Mapping[str, object] = {}
        while True:
            with translated(f"query {wanted.partition} in {self.table}"):
                answer = self.call("Query", {**body, **more})
            yield [
                (Key(wanted.partition, found["sk"]["S"]), row_of(found))
                for found in answer["Items"]
                if wanted.has(found["sk"]["S"])
            ]
            if not answer.get("LastEvaluatedKey"):
                return
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt, longer each time, and not as long as others do."""
        self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads

    def _batch(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Read up to 100 rows: DynamoDB returns 16 MB at once, and fewer when it is busy."""
        rows: dict[Key, Row] = {}
        asked = [place(key) for key in keys]
        fruitless = 0
        while asked:
            body = {"RequestItems": {self.table: {"Keys": asked, "ConsistentRead": True}}}
            answer = self.call("BatchGetItem", body)
            found = answer["Responses"].get(self.table, [])
            rows |= {Key(one["pk"]["S"], one["sk"]["S"]): row_of(one) for one in found}
            asked = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            fruitless = 0 if found else fruitless + 1
            if fruitless >= _FRUITLESS:
                raise UnavailableError(f"{self.table} is too busy to read {len(asked)} items: try again")
            if asked:
                self.pause(fruitless)
        return rows

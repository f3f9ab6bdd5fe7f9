"""What a test looks at from outside, and sets up there."""

from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import msgspec

from adapters.gcp.place import GcpPlace


class Seen:
    """A bucket on a Google of this machine, without the adapters."""

    def __init__(self, place: GcpPlace) -> None:
        self._bucket = f"{place.endpoint}/storage/v1/b/{place.bucket}/o"
        self._upload = f"{place.endpoint}/upload/storage/v1/b/{place.bucket}/o?uploadType=media&name="

    def objects(self) -> list[str]:
        with urlopen(self._bucket) as answer:  # noqa: S310 - ours
            told: dict[str, Any] = msgspec.json.decode(answer.read())
        return [each["name"] for each in told.get("items", ())]

    def put(self, key: str, data: bytes) -> None:
        asked = Request(self._upload + quote(key, safe=""), data, method="POST")  # noqa: S310
        with urlopen(asked) as answer:  # noqa: S310
            assert answer.status == 200

"""What blobs say that cannot be uploaded in parts: they are put whole."""

from collections.abc import Sequence
from typing import NoReturn

from typing_extensions import override

from loopwright.errors import CapabilityError
from loopwright.ports.blobs import Blobs, Part


class WholeUploads(Blobs):
    """Objects that nobody uploads in parts by URLs."""

    @override
    def begin_upload(self, key: str) -> NoReturn:
        raise _no_parts(key)

    @override
    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> NoReturn:
        raise _no_parts(key)

    @override
    def end_upload(self, key: str, upload: str, parts: Sequence[Part]) -> NoReturn:
        raise _no_parts(key)

    @override
    def abort_upload(self, key: str, upload: str) -> NoReturn:
        raise _no_parts(key)


def _no_parts(key: str) -> CapabilityError:
    return CapabilityError(f"blob {key}: this provider has no URLs for parts: write it whole, with `put_file`")

"""The pages of MLflow's UI among the blobs: `mlflow-ui/<version>/<digest>`, each file compressed with gzip.

A file lies under the digest of what it holds, so a file that is there is the right one: to put a bundle again, or after
it broke off half-way, is to put what is missing. The bundle's manifest says which path is which file and is written
after all of them; `mlflow-ui/current` says which manifest is served, and is moved from one to the next by
compare-and-set. Whoever reads sees one whole bundle, the old one or the new one.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Final

import msgspec

from loopwright.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from loopwright.ports import Blobs
from loopwright.ports.blobs import ABSENT, Match

ROOT: Final = "mlflow-ui"

CURRENT: Final = f"{ROOT}/current"

_ATTEMPTS: Final = 20
_GZIP: Final = zlib.MAX_WBITS | 16
"""zlib's word for gzip, without a moment in its head: equal files are equal bytes."""


class Page(msgspec.Struct, frozen=True):
    """A file of a bundle.

    Attributes:
        digest: the SHA-256 of what it holds, as 64 hex digits.
        content_type: of HTTP.
        size: how many bytes it holds.
    """

    digest: str
    content_type: str
    size: int


class Bundle(msgspec.Struct, frozen=True):
    """All files of one version by their paths, such as `static/js/main.c2f5f8d4.js`."""

    version: str
    pages: Mapping[str, Page]


class Served(msgspec.Struct, frozen=True):
    """Which bundle is served: its version, and the digest of its manifest."""

    version: str
    manifest: str


class Pages:
    """Bundles among the blobs."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def stored(self, version: str) -> frozenset[str]:
        """Return the digests of the files that are there already."""
        start = f"{ROOT}/{version}/"
        return frozenset(info.key.removeprefix(start) for info in self._blobs.list(start))

    def put(self, version: str, data: bytes) -> int:
        """Store what a file holds, and return how many bytes that took; equal bytes may be put again."""
        packed = zlib.compress(data, zlib.Z_BEST_COMPRESSION, _GZIP)
        self._blobs.put(_key(version, digest_of(data)), packed)
        return len(packed)

    def serve(self, bundle: Bundle) -> bool:
        """Serve this bundle, whose files are all there, from now on; return whether another one was served before.

        Raises:
            UnavailableError: too many others say what is served at the same time.
        """
        manifest = msgspec.json.encode(bundle, order="deterministic")
        served = Served(bundle.version, digest_of(manifest))
        for _ in range(_ATTEMPTS):
            try:
                found = self._blobs.get(CURRENT)
            except NotFoundError:
                found = None
            if found and msgspec.json.decode(found.data, type=Served) == served:
                return False
            self.put(bundle.version, manifest)
            try:
                expect = Match(found.etag) if found else ABSENT
                self._blobs.put(CURRENT, msgspec.json.encode(served), expect=expect)
            except ConflictError:
                continue
            return True
        raise UnavailableError(f"{CURRENT} is being written by too many at once: try again")

    def served(self) -> Served:
        """Return which bundle is served, or raise `NotFoundError`: none has been put here."""
        return msgspec.json.decode(self._blobs.get(CURRENT).data, type=Served)

    def bundle(self, served: Served) -> Bundle:
        """Return a bundle's manifest.

        Raises:
            NotFoundError: it is not there.
            IntegrityError: it is not what it should be.
        """
        try:
            manifest = unpacked(self.packed(served.version, served.manifest))
        except zlib.error as error:
            raise IntegrityError(f"{_key(served.version, served.manifest)} is no gzip: {error}") from error
        if digest_of(manifest) != served.manifest:
            raise IntegrityError(f"{_key(served.version, served.manifest)} does not hold what its name says")
        return msgspec.json.decode(manifest, type=Bundle)

    def packed(self, version: str, digest: str) -> bytes:
        """Return what a file holds, compressed with gzip, or raise `NotFoundError`."""
        return self._blobs.get(_key(version, digest)).data


def unpacked(data: bytes) -> bytes:
    """Return what was compressed with gzip."""
    return zlib.decompress(data, _GZIP)


def digest_of(data: bytes) -> str:
    """Return the SHA-256 as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def _key(version: str, digest: str) -> str:
    return f"{ROOT}/{version}/{digest}"

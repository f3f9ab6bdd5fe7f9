from hypothesis import strategies as st
from hypothesis.stateful import rule

from loopwright.ports.blobs import ABSENT, Match
from tests.contracts.histories import History, play

BLOB_KEYS = st.sampled_from(["a", "a/b", "a/b/c", "a-b", "ab", "B"])


class BlobsHistory(History):
    @rule(key=BLOB_KEYS, data=st.binary(max_size=3))
    def put(self, key: str, data: bytes) -> None:
        self.same(lambda platform: bool(platform.blobs.put(key, data)))

    @rule(key=BLOB_KEYS, data=st.binary(max_size=3))
    def put_first(self, key: str, data: bytes) -> None:
        self.same(lambda platform: bool(platform.blobs.put(key, data, expect=ABSENT)))

    @rule(key=BLOB_KEYS, stale=BLOB_KEYS, data=st.binary(max_size=3))
    def put_next(self, key: str, stale: str, data: bytes) -> None:
        """The tag is that of another key, or of this one."""
        self.same(lambda platform: bool(platform.blobs.put(key, data, expect=Match(platform.blobs.get(stale).etag))))

    @rule(key=BLOB_KEYS)
    def delete(self, key: str) -> None:
        self.same(lambda platform: platform.blobs.delete(key))

    @rule(key=BLOB_KEYS)
    def get(self, key: str) -> None:
        self.same(lambda platform: platform.blobs.get(key).data)

    @rule(prefix=st.sampled_from(["", "a", "a/", "a/b", "a/b/", "b"]))
    def list(self, prefix: str) -> None:
        self.same(lambda platform: [(info.key, info.size) for info in platform.blobs.list(prefix)])


def test_blobs_answer_as_the_reference_does(world: str) -> None:
    play(BlobsHistory, world)

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from loopwright.columns import Columns, DType, times
from loopwright.ports import Platform
from loopwright.ports.blobs import ABSENT, Match
from loopwright.ports.lake import Between, Selection
from loopwright.ports.queues import Message
from loopwright.ports.table import Add, Check, Delete, Expectation, Key, Put, Version, Write
from loopwright.settings import Provider
from tests.contracts.histories import History, play
from tests.contracts.worlds import DAWN, WORLDS

BLOB_KEYS = st.sampled_from(["a", "a/b", "a/b/c", "a-b", "ab", "B"])
SORTS = st.sampled_from(["a", "a/1", "a/2", "b", "é", "\U0001f300", "\ufffd"])
KEYS = st.builds(Key, st.sampled_from(["p", "q"]), SORTS)
BOUNDS = st.none() | SORTS
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, -1.25])
VALUES = st.dictionaries(st.sampled_from(["n", "m", "x"]), NUMBERS | st.text(max_size=3) | st.binary(max_size=3))
EXPECTATIONS: st.SearchStrategy[Expectation] = st.none() | st.just(ABSENT) | st.builds(Version, st.integers(1, 3))
EXPIRIES = st.none() | st.sampled_from([10.0, 60.0])
AMOUNTS = st.dictionaries(st.sampled_from(["n", "m"]), NUMBERS)


@pytest.fixture(params=sorted(set(WORLDS) - {"memory"}))
def provider(request: pytest.FixtureRequest) -> Provider:
    return request.param  # type: ignore[no-any-return] # one of the worlds


class BlobsHistory(History):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = ["sha256:nothing"]

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


def test_blobs_answer_as_the_reference_does(provider: Provider) -> None:
    play(BlobsHistory, provider)


class TableHistory(History):
    @rule(key=KEYS, value=VALUES, expect=EXPECTATIONS, lives=EXPIRIES)
    def put(self, key: Key, value: dict[str, object], expect: Expectation, lives: float | None) -> None:
        expires = None if lives is None else self.now + lives
        self.same(lambda platform: platform.table.put(key, value, expect=expect, expires=expires))

    @rule(keys=st.lists(KEYS, max_size=4, unique=True), value=VALUES, lives=EXPIRIES)
    def put_many(self, keys: Sequence[Key], value: dict[str, object], lives: float | None) -> None:
        expires = None if lives is None else self.now + lives
        self.same(lambda platform: platform.table.put_many([Put(key, value, expires=expires) for key in keys]))

    @rule(key=KEYS, expect=st.none() | st.builds(Version, st.integers(1, 3)))
    def delete(self, key: Key, expect: Version | None) -> None:
        self.same(lambda platform: platform.table.delete(key, expect=expect))

    @rule(key=KEYS, amounts=AMOUNTS)
    def add(self, key: Key, amounts: dict[str, float]) -> None:
        self.same(lambda platform: platform.table.add(key, amounts))

    @rule(
        writes=st.lists(
            st.builds(Put, KEYS, VALUES, EXPECTATIONS)
            | st.builds(Delete, KEYS)
            | st.builds(Check, KEYS, st.just(ABSENT) | st.builds(Version, st.integers(1, 2)))
            | st.builds(Add, KEYS, AMOUNTS),
            max_size=4,
        )
    )
    def transact(self, writes: list[Write]) -> None:
        self.same(lambda platform: platform.table.transact(writes))

    @rule(keys=st.lists(KEYS, max_size=8))
    def get_many(self, keys: list[Key]) -> None:
        self.same(lambda platform: platform.table.get_many(keys))

    @rule(
        partition=st.sampled_from(["p", "q"]),
        prefix=st.just("") | SORTS,
        after=BOUNDS,
        before=BOUNDS,
        limit=st.none() | st.integers(0, 4),
        reverse=st.booleans(),
    )
    def query(
        self, partition: str, prefix: str, after: str | None, before: str | None, limit: int | None, *, reverse: bool
    ) -> None:
        self.same(
            lambda platform: list(
                platform.table.query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse)
            )
        )


def test_tables_answer_as_the_reference_does(provider: Provider) -> None:
    play(TableHistory, provider, examples=20)


class QueueHistory(History):
    """Receipts are the provider's own, so the history remembers them by platform."""

    def __init__(self) -> None:
        super().__init__()
        self.hands: list[dict[int, str]] = []

    @rule(queue=st.sampled_from(["a", "b"]), bodies=st.lists(st.binary(max_size=2), max_size=3))
    def send(self, queue: str, bodies: list[bytes]) -> None:
        self.same(lambda platform: platform.queue.send(queue, bodies))

    @rule(queue=st.sampled_from(["a", "b"]), limit=st.integers(1, 4), lease=st.sampled_from([5.0, 60.0]))
    def receive(self, queue: str, limit: int, lease: float) -> None:
        hands: dict[int, list[str]] = {}

        def act(platform: Platform) -> list[tuple[bytes, int, float]]:
            got = platform.queue.receive(queue, limit=limit, lease=lease)
            hands[id(platform)] = [message.receipt for message in got]
            return told(got)

        self.same(act)
        real, reference = hands[id(self.real)], hands[id(self.reference)]
        self.hands += [
            {id(self.real): mine, id(self.reference): theirs} for mine, theirs in zip(real, reference, strict=True)
        ]

    @precondition(lambda self: self.hands)
    @rule(queue=st.sampled_from(["a", "b"]), chosen=st.lists(st.integers(0, 50), max_size=3))
    def ack(self, queue: str, chosen: list[int]) -> None:
        self.same(lambda platform: platform.queue.ack(queue, self.receipts(platform, chosen)))

    @precondition(lambda self: self.hands)
    @rule(
        queue=st.sampled_from(["a", "b"]),
        chosen=st.lists(st.integers(0, 50), max_size=3),
        delay=st.sampled_from([0.0, 40.0]),
    )
    def release(self, queue: str, chosen: list[int], delay: float) -> None:
        self.same(lambda platform: platform.queue.release(queue, self.receipts(platform, chosen), delay=delay))

    @rule(queue=st.sampled_from(["a", "b"]))
    def redrive(self, queue: str) -> None:
        self.same(lambda platform: platform.queue.redrive(queue))

    @rule(queue=st.sampled_from(["a", "b"]))
    def wear_out(self, queue: str) -> None:
        for _ in range(4):
            self.receive(queue, 2, 5.0)
            self.time_passes(30.0)

    @invariant()
    def both_hold_the_same(self) -> None:
        for queue in ("a", "b"):
            self.same(lambda platform, queue=queue: platform.queue.depth(queue))  # type: ignore[misc] # a default binds it
            self.same(lambda platform, queue=queue: told(platform.queue.dead(queue)))  # type: ignore[misc]

    def receipts(self, platform: Platform, chosen: list[int]) -> list[str]:
        return [self.hands[number % len(self.hands)][id(platform)] for number in chosen]


def told(messages: list[Message]) -> list[tuple[bytes, int, float]]:
    return [(message.body, message.attempts, message.sent) for message in messages]


def test_queues_answer_as_the_reference_does(provider: Provider) -> None:
    play(QueueHistory, provider)


class LakeHistory(History):
    """Maintenance makes versions of its own, so versions are told by the appends that made them."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[dict[int, int]] = []
        self.rows = 0

    @rule(
        count=st.integers(0, 3),
        extra=st.sampled_from([None, "n", "s", "t"]),
        dtype=st.sampled_from(["float", "int"]),
        transaction=st.sampled_from([None, "t1", "t2"]),
    )
    def append(self, count: int, extra: str | None, dtype: DType, transaction: str | None) -> None:
        columns, schema = self.some(count, extra, dtype)
        made: dict[int, int] = {}

        def act(platform: Platform) -> bool:
            before = platform.lake.version("t")
            made[id(platform)] = platform.lake.append("t", columns, schema=schema, transaction=transaction)
            return platform.lake.version("t") == before

        if self.same(act) is False:
            self.versions.append(made)

    @rule()
    def maintain(self) -> None:
        self.same(lambda platform: bool(platform.lake.maintain("t", keep_seconds=1e6)))

    @precondition(lambda self: self.versions)
    @rule(
        number=st.integers(0, 50),
        columns=st.none() | st.just(("x",)) | st.just(("n", "id")),
        low=st.none() | st.integers(0, 10),
        high=st.none() | st.integers(0, 10),
    )
    def read(self, number: int, columns: tuple[str, ...] | None, low: int | None, high: int | None) -> None:
        between = Between("at", *(None if bound is None else DAWN + bound for bound in (low, high)))
        selection = Selection(columns, (between,))
        self.same(
            lambda platform: sorted_rows(
                platform.lake.read_columns("t", selection, version=self.version(platform, number))
            )
        )

    @precondition(lambda self: self.versions)
    @rule(since=st.integers(0, 50), until=st.integers(0, 50))
    def changes(self, since: int, until: int) -> None:
        first, last = sorted((since % (len(self.versions) + 1) - 1, until % len(self.versions)))
        self.same(
            lambda platform: sorted_rows(
                platform.lake.changed_columns(
                    "t",
                    since=-1 if first < 0 else self.version(platform, first),
                    until=self.version(platform, max(last, 0)),
                )
            )
        )

    @rule()
    def look(self) -> None:
        self.same(lambda platform: list(platform.lake.schema("t").items()))
        self.same(lambda platform: sorted_rows(platform.lake.read_columns("t")))
        self.same(lambda platform: platform.lake.tables())

    def some(self, count: int, extra: str | None, dtype: DType) -> tuple[Columns, dict[str, DType]]:
        numbers = np.arange(self.rows, self.rows + count, dtype=np.float64)
        self.rows += count
        columns: dict[str, np.ndarray] = {
            "id": np.array([f"r{number:.0f}" if number % 3 else "" for number in numbers], dtype=object),
            "at": times(DAWN + numbers),
            "x": np.where(numbers % 2, numbers, np.nan),
        }
        match extra:
            case "n":
                return {**columns, "n": numbers}, {"n": dtype}
            case "s":
                return {**columns, "s": columns["id"]}, {}
            case "t":
                return {**columns, "x": columns["at"]}, {}
            case _:
                return columns, {}

    def version(self, platform: Platform, number: int) -> int:
        return self.versions[number % len(self.versions)][id(platform)]


def sorted_rows(columns: Columns) -> tuple[list[str], list[str]]:
    return list(columns), sorted(map(repr, zip(*(column.tolist() for column in columns.values()), strict=True)))


def test_lakes_answer_as_the_reference_does(provider: Provider) -> None:
    play(LakeHistory, provider, examples=12, steps=12)

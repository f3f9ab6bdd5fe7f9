from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import rule

from loopwright.ports.blobs import ABSENT
from loopwright.ports.table import Add, Check, Delete, Expectation, Key, Put, Version, Write
from tests.contracts.histories import History, play

SORTS = st.sampled_from(["a", "a/1", "a/2", "b", "é", "\U0001f300", "\ufffd"])
KEYS = st.builds(Key, st.sampled_from(["p", "q"]), SORTS)
BOUNDS = st.none() | SORTS
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, -1.25])
VALUES = st.dictionaries(st.sampled_from(["n", "m", "x"]), NUMBERS | st.text(max_size=3) | st.binary(max_size=3))
EXPECTATIONS: st.SearchStrategy[Expectation] = st.none() | st.just(ABSENT) | st.builds(Version, st.integers(1, 3))
EXPIRIES = st.none() | st.sampled_from([10.0, 60.0])
AMOUNTS = st.dictionaries(st.sampled_from(["n", "m"]), NUMBERS)


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

    @rule(
        partition=st.sampled_from(["p", "q"]),
        prefix=st.just("") | SORTS,
        after=BOUNDS,
        before=BOUNDS,
        limit=st.none() | st.integers(0, 4),
        reverse=st.booleans(),
    )
    def versions(
        self, partition: str, prefix: str, after: str | None, before: str | None, limit: int | None, *, reverse: bool
    ) -> None:
        self.same(
            lambda platform: list(
                platform.table.versions(
                    partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse
                )
            )
        )


def test_tables_answer_as_the_reference_does(world: str) -> None:
    play(TableHistory, world, examples=20)

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loopwright.columns import Columns, DType, times
from loopwright.ports import Platform
from loopwright.ports.lake import Between, Selection
from tests.contracts.histories import History, play
from tests.contracts.worlds import DAWN


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


def test_lakes_answer_as_the_reference_does(world: str) -> None:
    play(LakeHistory, world, examples=12, steps=12)

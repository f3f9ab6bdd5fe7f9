import numpy as np
import pytest

from loopwright.arrow import to_arrow
from loopwright.columns import take, times
from loopwright.definitions import Entity, FeatureView, Field
from loopwright.features import newest as module
from loopwright.features.newest import newest
from loopwright.features.sources import source_columns
from tests.loopwright.features.world import numbers, texts

VIEW = FeatureView(
    "v", Entity("e", (Field("name", "string"), Field("part", "int"))), (Field("value"),), known_time="known"
)


@pytest.mark.parametrize("together", [1, 7, 100_000])
def test_it_is_the_latest_known_row_of_each_entity_however_the_rows_come(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ENOUGH", together)
    chance, rows = np.random.default_rng(3), 200
    events, delays = chance.permutation(rows).astype(float), chance.integers(0, 30, rows)
    columns = {
        "name": texts(*(f"n{one}" for one in chance.integers(0, 5, rows))),
        "part": numbers(*chance.integers(0, 3, rows)),
        "event_time": times(events),
        "known": times(events + delays),
        "value": numbers(*range(rows)),
    }
    from arro3.core import Table  # noqa: PLC0415

    parts = [to_arrow(take(columns, slice(at, at + 9)), source_columns(VIEW)) for at in range(0, rows, 9)]
    stream = Table.from_batches([batch for part in parts for batch in part.to_batches()])
    found = newest(VIEW, stream, now=150.0)
    best: dict[tuple[str, float], int] = {}
    for row in np.flatnonzero(events + delays <= 150):
        key = (columns["name"][row], columns["part"][row])
        if key not in best or events[row] > events[best[key]]:
            best[key] = int(row)
    pairs = zip(found.columns["name"], found.columns["part"], strict=True)
    assert dict(zip(pairs, found.columns["value"].tolist(), strict=True)) == best
    assert found.rows == rows
    assert found.pending == min(one for one in events + delays if one > 150)

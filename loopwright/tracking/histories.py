"""Metric histories: a chunk a call, never rewritten.

A call that logs one metric (training loops do) leaves a chunk of that metric's own, so its history is read without
the others'; a call that logs several leaves a chunk of all of them, so it is one write however many there are.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from loopwright.ports.table import ABSENT, Put, Table
from loopwright.tracking import keys
from loopwright.tracking.values import Metric

CHUNK_POINTS: Final = 600
"""Points in one chunk: with keys of full length some 200 kB."""

_DECODER: Final = msgspec.msgpack.Decoder(list[Metric])


def chunks(run_id: str, metrics: Sequence[Metric], *, number: int) -> list[Put]:
    """Return the writes of one call's points, numbered from `number` on; the caller counts them."""
    if not metrics:
        return []
    one_key = len({metric.key for metric in metrics}) == 1
    prefix = keys.history_prefix(metrics[0].key) if one_key else keys.MIXED
    return [
        Put(
            keys.history_key(run_id, prefix, number + start // CHUNK_POINTS),
            {"points": msgspec.msgpack.encode(metrics[start : start + CHUNK_POINTS])},
            expect=ABSENT,
        )
        for start in range(0, len(metrics), CHUNK_POINTS)
    ]


def history(table: Table, run_id: str, key: str) -> list[Metric]:
    """Return every point of a metric by timestamp, step and value; a point logged twice is there once.

    NaN stands where 0 does, as MLflow has it.
    """
    points: dict[tuple[float, int, float, bool], Metric] = {}
    for point in _points(table, run_id, key):
        points.setdefault((point.timestamp, point.step, *_nan_as_zero(point.value)), point)
    return [points[place] for place in sorted(points)]


def thinned(points: Sequence[Metric], most: int) -> list[Metric]:
    """Return at most so many of the points, evenly spread by step; the first and the last are among them.

    They are put into `most` groups as even as can be, each of which sends its first, as NTILE of SQL does.
    """
    ranked = sorted(points, key=lambda one: (one.step, one.timestamp, *_nan_as_zero(one.value)))
    groups = min(most, len(ranked))
    if not groups:
        return []
    size, larger = divmod(len(ranked), groups)
    chosen = [ranked[group * size + min(group, larger)] for group in range(groups)]
    if len(ranked) > groups:
        # Every other case has the last one as the first of its group.
        chosen[-1] = ranked[-1]
    return chosen


def _points(table: Table, run_id: str, key: str) -> Iterator[Metric]:
    for prefix in (keys.history_prefix(key), keys.MIXED):
        for item in table.query(keys.run_partition(run_id), prefix=prefix):
            packed = item.value["points"]
            if not isinstance(packed, bytes):
                raise TypeError(f"{item.key} holds no points")
            yield from (point for point in _DECODER.decode(packed) if point.key == key)


def _nan_as_zero(value: float) -> tuple[float, bool]:
    unknown = math.isnan(value)
    return 0.0 if unknown else value, unknown

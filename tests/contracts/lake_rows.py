"""Rows that are easy to tell apart."""

import numpy as np

from loopwright.columns import Columns, times
from tests.contracts.worlds import DAWN

T = "predictions/delays"


def texts(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def rows(start: int, count: int = 3) -> Columns:
    numbers = np.arange(start, start + count, dtype=np.float64)
    return {"id": texts(*(f"r{number:.0f}" for number in numbers)), "at": times(DAWN + numbers), "x": numbers / 2}


def ids(columns: Columns) -> list[str]:
    return sorted(columns["id"].tolist())


def named(start: int, count: int = 3) -> list[str]:
    return sorted(f"r{number}" for number in range(start, start + count))

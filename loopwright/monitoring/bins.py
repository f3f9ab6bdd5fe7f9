"""Bins: how a column becomes counts that can be added up and compared.

A number x falls into bin i when edge[i - 1] < x <= edge[i]; the first and the last bin are open. A text falls into the
bin of its category, or into the last one, "other". Nulls are counted apart, never binned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array

NUMERIC_BINS: Final = 20
"""So many quantile bins at the most: with 1,000, chance alone lifts the PSI of equal distributions a hundredfold."""

CATEGORIES: Final = 50
"""So many of the commonest categories are kept by name."""

Codes = NDArray[np.intp]

_MANY: Final = 16_384
"""Numbers: as many as a processor keeps at hand."""

_NULL_TEXT: Final = ""


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one column: `edges` for numbers (rising, may be empty), `categories` for texts.

    `kind` says which of the two counts. There is one bin more than edges, and one more than categories.
    """

    kind: Literal["number", "category"]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many bins there are."""
        match self.kind:
            case "number":
                return len(self.edges) + 1
            case "category":
                return len(self.categories) + 1
            case _:
                assert_never(self.kind)

    def codes(self, column: Array) -> Codes:
        """Return the bin of every row, and `size` for a null: one code more than there are bins."""
        match self.kind:
            case "number":
                return self._places(column.astype(np.float64, copy=False))
            case "category":
                places = {name: place for place, name in enumerate(self.categories)} | {_NULL_TEXT: self.size}
                texts = map(places.get, column.tolist(), repeat(self.size - 1))
                return np.fromiter(texts, dtype=np.intp, count=len(column))
            case _:
                assert_never(self.kind)

    def _places(self, values: NDArray[np.float64]) -> Codes:
        """Return the bin of every number; many are compared with one edge after another, which spares the search."""
        edges = np.asarray(self.edges)
        if len(values) < _MANY or len(edges) > NUMERIC_BINS:
            return np.where(np.isnan(values), self.size, np.searchsorted(edges, values, side="left"))
        found = np.empty(len(values), dtype=np.intp)
        for first in range(0, len(values), _MANY):
            part = values[first : first + _MANY]
            above = np.zeros(len(part), dtype=np.uint8)
            for edge in self.edges:
                above += part > edge
            above[np.isnan(part)] = self.size
            found[first : first + _MANY] = above
        return found

    def count(self, column: Array) -> NDArray[np.int64]:
        """Return how many rows fall into each bin, and last how many are null."""
        return np.bincount(self.codes(column), minlength=self.size + 1).astype(np.int64)


def numeric_bins(values: NDArray[np.float64], *, most: int = NUMERIC_BINS) -> Bins:
    """Return about `most` bins that hold equally many of `values` (NaN is left out).

    Where there are only a few distinct values (or one), each gets a bin of its own, with an empty bin below the least
    and above the greatest, so that any other value shows. A value that fills several quantiles gets one bin.
    """
    kept = values[np.isfinite(values)]
    if not len(kept):
        return Bins("number")
    distinct = _few_distinct(kept, most)
    if distinct is not None:
        below = np.nextafter(distinct[0], -np.inf)
        return Bins("number", edges=(float(below), *(float(value) for value in distinct)))
    shares = np.linspace(0.0, 1.0, most + 1)[1:-1]
    edges = np.unique(np.quantile(kept, shares, method="inverted_cdf"))
    return Bins("number", edges=tuple(float(edge) for edge in edges))


def category_bins(values: NDArray[np.object_], *, most: int = CATEGORIES, first: Sequence[str] = ()) -> Bins:
    """Return a bin for each of `first`, then for the commonest other texts up to `most` bins ("" is left out)."""
    names, counts = np.unique(values.astype(str), return_counts=True)
    order = np.lexsort((names, -counts))
    ranked = [str(names[place]) for place in order if names[place] != _NULL_TEXT]
    return Bins("category", categories=tuple(dict.fromkeys([*first, *ranked]))[: max(most, len(first))])


def _few_distinct(values: NDArray[np.float64], most: int) -> NDArray[np.float64] | None:
    """Return the distinct values where there are at most `most` of them; a look at the first rows spares the sort."""
    if len(np.unique(values[:1000])) > most:
        return None
    distinct = np.unique(values)
    return distinct if len(distinct) <= most else None

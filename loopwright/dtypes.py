"""The types of columns, for whoever only speaks of them: what they are made of is imported where they are made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from loopwright.columns import Array

DType = Literal["float", "int", "bool", "string", "time"]

Columns = Mapping[str, "Array"]
"""See `loopwright.columns`."""

"""The grammar of logged models, which MLflow reads otherwise than all the others'."""

import re
from typing import Final, cast

from loopwright.errors import InvalidInputError
from loopwright.tracking.search.filters import Clause, Comparator, Part
from loopwright.tracking.search.grammar import Comparison
from loopwright.tracking.search.orders import Term
from loopwright.tracking.search.rules import LISTED, NUMERIC, TEXTUAL, refused, texts

ATTRIBUTES: Final = frozenset(
    {
        "model_id",
        "experiment_id",
        "name",
        "artifact_location",
        "creation_timestamp_ms",
        "last_updated_timestamp_ms",
        "status",
        "lifecycle_stage",
        "model_type",
        "source_run_id",
        "status_message",
    }
)
"""What a logged model must answer for as a thing; the two moments are numbers, the others text or None."""

_MOMENTS: Final = {
    "creation_time": "creation_timestamp_ms",
    "creation_timestamp": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}
_NUMBERS: Final = frozenset(_MOMENTS.values())
_PARTS: Final[dict[str, Part]] = {"attributes": "attribute", "metrics": "metric", "params": "param", "tags": "tag"}
_IDENTIFIER: Final = re.compile(r"([a-z]+)\.(.+)")


def clause(written: Comparison) -> Clause:
    """Return what a comparison means, or raise `InvalidInputError`."""
    part, key = _resolved(written)
    comparator = cast("Comparator", written.comparator.upper())
    numeric = part == "metric" or (part == "attribute" and key in _NUMBERS)
    known = NUMERIC if numeric else TEXTUAL | LISTED
    if comparator not in known:
        raise refused(written, f"{comparator} is not among {', '.join(sorted(known))}")
    if numeric:
        return Clause(part, key, comparator, _number(written))
    if (written.kind == "list") != (comparator in LISTED):
        raise refused(written, "a list goes with IN and NOT IN, and they go with a list")
    return Clause(part, key, comparator, texts(written) if written.kind == "list" else written.value.strip("'"))


def term(written: str) -> Term:
    """Return what the name in an order means: an attribute, or the name of a metric behind `metrics.`.

    Raises:
        InvalidInputError: it is neither.
    """
    prefix, dot, key = written.partition(".")
    if dot and prefix == "metrics":
        return Term("metric", key)
    name = _MOMENTS.get(written, written)
    if name not in ATTRIBUTES:
        raise InvalidInputError(
            f"cannot order logged models by {written!r}: use metrics.<name>, {', '.join(sorted(ATTRIBUTES))}"
        )
    return Term("attribute", name)


def _resolved(written: Comparison) -> tuple[Part, str]:
    found = _IDENTIFIER.fullmatch(written.identifier)
    if found is not None and found[1] not in _PARTS:
        raise refused(written, f"a logged model has no {found[1]!r}: use {', '.join(_PARTS)}")
    part: Part = _PARTS[found[1]] if found is not None else "attribute"
    key = (found[2] if found is not None else _MOMENTS.get(written.identifier, written.identifier)).strip("`")
    if part == "attribute" and key not in ATTRIBUTES:
        raise refused(written, f"a logged model has no attribute {key!r}: use {', '.join(sorted(ATTRIBUTES))}")
    return part, key


def _number(written: Comparison) -> float:
    try:
        return float(written.value)
    except ValueError:
        raise refused(written, f"wanted a number instead of {written.value}") from None

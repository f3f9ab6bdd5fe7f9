"""What a gate says of a candidate; apart from the gate, so that who reads a version pays for no metrics."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.ports.table import Value

Check = Literal["rows", "metric", "minimum", "slice", "schema", "champion", "latency", "size"]


class Finding(msgspec.Struct, frozen=True):
    """One check and how it came out.

    Attributes:
        check: what was checked.
        passed: whether it came out as wanted.
        wanted: in words, such as `roc_auc >= 0.65 on slice origin=JFK`.
        got: in words, such as `0.61 (n=4,812)`.
        decides: False for what is reported but refuses nobody, such as a slice of too few rows.
    """

    check: Check
    passed: bool
    wanted: str
    got: str
    decides: bool = True

    @property
    def message(self) -> str:
        """Both sides in one line: `wanted roc_auc >= 0.65 on slice origin=JFK; got 0.61 (n=4,812)`."""
        note = "" if self.decides else " [reported, decides nothing]"
        return f"wanted {self.wanted}; got {self.got}{note}"


class Verdict(msgspec.Struct, frozen=True):
    """Whether a candidate earned its promotion, and every reason.

    Attributes:
        passed: whether every finding that decides came out as wanted.
        reasons: all findings, passed or not, in the order in which they were checked.
        rows: how many held-out rows were judged.
        candidate: the candidate's metrics; None where one cannot be told.
        champion: the champion's on the same rows; empty where there was none or it could not score.
        champion_version: which version was champion then.
        share_better: the share of paired resamples in which the candidate beat champion + margin; None: not compared.
    """

    passed: bool
    reasons: tuple[Finding, ...]
    rows: int
    candidate: Mapping[str, float | None] = msgspec.field(default_factory=dict)
    champion: Mapping[str, float | None] = msgspec.field(default_factory=dict)
    champion_version: int | None = None
    share_better: float | None = None

    @property
    def refusals(self) -> tuple[str, ...]:
        """The messages of what spoke against the candidate; empty if it passed."""
        return tuple(reason.message for reason in self.reasons if reason.decides and not reason.passed)

    def to_dict(self) -> dict[str, Value]:
        """Return the verdict as plain JSON values; all floats are finite."""
        content: dict[str, Value] = msgspec.to_builtins(self)
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Value]) -> "Verdict":
        """Return the verdict that `to_dict` gave.

        Raises:
            InvalidInputError: the content is not a verdict; the message names the field.
        """
        try:
            return msgspec.convert(dict(content), cls)
        except msgspec.ValidationError as error:
            raise InvalidInputError(f"this is no verdict: {error}") from error

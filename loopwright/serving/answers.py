"""What a caller gets back for the rows that were sent."""

from collections.abc import Mapping
from typing import Literal

import msgspec

Arm = Literal["champion", "canary", "shadow"]
"""Who scored a row: the champion and the canary answer, a shadow only scores along."""


class Prediction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row's answer.

    Attributes:
        id: the caller's id of the prediction or a new one; labels and lineage are found by it.
        score: binary: the probability of the positive class; multiclass: of the predicted class; regression: the value.
        prediction: binary: "0" or "1"; multiclass: the class; regression: empty.
        arm: who answered.
        version: the version that answered, where it is not the champion.
    """

    id: str
    score: float
    prediction: str
    arm: Arm = "champion"
    version: int | None = None


class Predictions(msgspec.Struct, frozen=True):
    """The answers, in the order of the rows, and the age in seconds of the features looked up for each (None: none)."""

    model: str
    version: int
    predictions: list[Prediction]
    ages: Mapping[str, list[float | None]]

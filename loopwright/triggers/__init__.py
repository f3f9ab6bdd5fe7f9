"""Triggers: who or what may start a retraining, and the ledger of every decision.

Items live in the partition `trigger/<model>`:

    state                    the starts that the cooldown and the budget look at, and the job that was started last
    event/<digest of id>     what was decided about an event: the same event again is decided once
    ledger/<moment>/<digest> the decisions, in the order of time
"""

from loopwright.triggers.rules import Decision, Kind, LedgerEntry, Reason
from loopwright.triggers.service import Triggers

__all__ = ["Decision", "Kind", "LedgerEntry", "Reason", "Triggers"]

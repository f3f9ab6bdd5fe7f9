"""The gate: what a candidate showed on held-out rows, judged by the model's rule, with every finding in words."""

from loopwright.gate.evidence import Evidence, Opponent
from loopwright.gate.judge import judge
from loopwright.verdict import Finding, Verdict

__all__ = ["Evidence", "Finding", "Opponent", "Verdict", "judge"]

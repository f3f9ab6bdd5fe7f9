"""How good answers are, in one number: numpy only, weighted, with bootstrap intervals that cost a sort and not 500.

A metric that cannot be told is NaN, never an error and never a lucky number:

    metric              cannot be told when
    roc_auc             one of the two classes is missing
    average_precision   there is no positive row
    r2                  there are fewer than two rows, or the target is constant
    log_loss            multiclass, and the answers carry no probabilities
    all                 there is no row, the weights add up to 0, or a target or score is NaN
"""

from loopwright.metrics.answers import THRESHOLD, Answers, Statistic
from loopwright.metrics.bootstrap import Interval, interval, share_better
from loopwright.metrics.measure import better, measure, statistic

__all__ = [
    "THRESHOLD",
    "Answers",
    "Interval",
    "Statistic",
    "better",
    "interval",
    "measure",
    "share_better",
    "statistic",
]

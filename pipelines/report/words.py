"""What happened, in words made of the numbers: no sentence says anything that was not measured."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from pipelines.report.story import Occasion, Story

_RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion beside the frozen version over the same weeks, weighted by labels.

    Attributes:
        weeks: how many were compared.
        champion, frozen: the mean of the metric.
        gain: how much better the champion was, counted so that more is better.
        low, high: the 95 % bootstrap interval of the gain, over weeks.
        weeks_ahead: in how many weeks the champion was better.
        best: the start of the week with the greatest gain, and that gain.
    """

    weeks: int
    champion: float
    frozen: float
    gain: float
    low: float
    high: float
    weeks_ahead: int
    best: tuple[float, float]


def compare(story: Story) -> Comparison | None:
    """Compare over the weeks that began after another version had become champion; None: there are none."""
    changed = [change.at for change in story.promotions if change.new != story.shadow_version and change.at]
    if not changed:
        return None
    shadow = {week.start: week.measured for week in story.shadow}
    pairs = []
    for week in story.champion:
        mine, other = week.measured, shadow.get(week.start)
        if week.end > min(changed) and mine and other and mine.value is not None and other.value is not None:
            pairs.append((week.start, mine.value, other.value, mine.labels))
    if not pairs:
        return None
    starts, champion, frozen, labels = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    gains = (frozen - champion) if story.smaller_is_better else (champion - frozen)
    draws = np.random.default_rng(0).integers(0, len(pairs), (_RESAMPLES, len(pairs)))
    means = (gains[draws] * labels[draws]).sum(axis=1) / labels[draws].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    top = int(gains.argmax())
    return Comparison(
        weeks=len(pairs),
        champion=float(np.average(champion, weights=labels)),
        frozen=float(np.average(frozen, weights=labels)),
        gain=float(np.average(gains, weights=labels)),
        low=float(low),
        high=float(high),
        weeks_ahead=int((gains > 0).sum()),
        best=(float(starts[top]), float(gains[top])),
    )


def sentences(story: Story) -> Iterator[str]:
    """Yield the story's sentences."""
    yield (
        f"From {day(story.start)} to {day(story.end)} the model {story.model.name} answered {story.predictions:,} "
        f"predictions; {story.labels:,} of them ({story.labels / max(story.predictions, 1):.1%}) have got their label."
    )
    yield from _trainings(story)
    yield from _first_alerts(story)
    yield from _compared(story)
    yield from _weakest(story)


def day(moment: float) -> str:
    """Return a moment's day: 1 March 2013."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day} {at:%B %Y}"


def short_day(moment: float) -> str:
    """Return a moment's day in short: 1 Mar."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day} {at:%b}"


def judged(story: Story) -> list[Occasion]:
    """Return the trainings that ended with a verdict."""
    return [one for one in story.occasions if one.version is not None and one.version.verdict is not None]


def passed(occasion: Occasion) -> bool:
    """Return whether the gate let the candidate of a training pass."""
    return bool(occasion.version and occasion.version.verdict and occasion.version.verdict.passed)


def _trainings(story: Story) -> Iterator[str]:
    trained = judged(story)
    if not trained:
        return
    kinds = Counter(one.entry.reason.kind for one in trained)
    told = ", ".join(f"{count} by {kind if kind != 'person' else 'a person'}" for kind, count in kinds.most_common())
    through = sum(passed(one) for one in trained)
    refused = len(trained) - through
    times = "once" if len(trained) == 1 else f"{len(trained)} times"
    yield (
        f"It was trained {times} ({told}). "
        f"The gate let {through or 'no'} candidate{'' if through == 1 else 's'} pass and refused {refused or 'none'}."
    )


def _first_alerts(story: Story) -> Iterator[str]:
    seen: set[str] = set()
    for alert in story.alerts:
        if alert.kind not in seen:
            seen.add(alert.kind)
            count = sum(other.kind == alert.kind for other in story.alerts)
            times = "once" if count == 1 else f"{count} times"
            yield f"A {alert.kind} alert was raised {times}, first on {day(alert.end)}: {alert.detail}."


def _compared(story: Story) -> Iterator[str]:
    found = compare(story)
    if found is None:
        return
    metric = story.metric.replace("_", " ")
    verb = "gained" if found.gain >= 0 else "lost"
    yield (
        f"Against version {story.shadow_version}, which was kept frozen in the shadow, retraining {verb} "
        f"{abs(found.gain):.3f} {metric} on average [{found.low:+.3f}, {found.high:+.3f}] over {found.weeks} weeks: "
        f"{found.champion:.3f} instead of {found.frozen:.3f}. The champion was ahead in {found.weeks_ahead} of them, "
        f"most in the week of {day(found.best[0])} ({found.best[1]:+.3f})."
    )


def _weakest(story: Story) -> Iterator[str]:
    known = [
        (week.measured.value, week) for week in story.champion if week.measured and week.measured.value is not None
    ]
    if not known:
        return
    value, week = (max if story.smaller_is_better else min)(known, key=lambda pair: pair[0])
    yield f"The champion's weakest week was that of {day(week.start)}, at {story.metric.replace('_', ' ')} {value:.3f}."

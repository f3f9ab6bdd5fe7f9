"""The page: one file, charts and scripts inside, readable on paper too."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from pipelines.report import charts
from pipelines.report.story import Occasion, Story
from pipelines.report.words import compare, day, judged, passed, sentences, short_day

_CHECKS: Final = {
    "nulls": "values are missing",
    "out_of_range": "values are out of range",
    "unknown_category": "texts are unknown",
    "stale": "rows are missing or too old",
}


_SAID: Final = 6 * 86_400
"""An age under this many seconds is worth saying; that of a table that hardly changes is not."""


def page(story: Story) -> str:
    """Return the report as HTML."""
    template = Template(resources.files("pipelines.report").joinpath("page.html").read_text("utf-8"))
    figures = [_figure(charts.performance(story), "performance")]
    drift = _figure(charts.drift(story), "drift") if story.drift else _empty("No window was large enough to judge.")
    return template.substitute(
        title=f"{escape(story.model.name)} · {escape(story.project)}",
        model=escape(story.model.name),
        span=f"{day(story.start)} – {day(story.end)}",
        cards="".join(_cards(story)),
        sentences="".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(story)),
        performance=figures[0],
        metric=escape(story.metric.replace("_", " ")),
        drift=drift,
        drift_rule=escape(_drift_rule(story)),
        ledger="".join(_ledger(story)),
        quality="".join(_quality(story)) or '<tr><td colspan="5">Nothing was found.</td></tr>',
        ages=_ages(story),
        latency=_figure(charts.latency(story), "latency"),
        plotly=get_plotlyjs(),
    )


def _cards(story: Story) -> list[str]:
    found = compare(story)
    trained = judged(story)
    through = sum(passed(one) for one in trained)
    latency = [week.latency for week in story.services if 0.5 in week.latency]  # noqa: PLR2004 - the median
    cards = [
        ("predictions", f"{story.predictions:,}", f"{story.labels / max(story.predictions, 1):.1%} labelled"),
        ("trainings", str(len(trained)), f"{through} promoted, {len(trained) - through} refused"),
    ]
    if found:
        cards.append(
            (
                f"gain in {story.metric.replace('_', ' ')}",
                f"{found.gain:+.3f}",
                f"[{found.low:+.3f}, {found.high:+.3f}] against the frozen version",
            )
        )
    if latency:
        medians = sorted(one[0.5] for one in latency)
        slowest = sorted(one.get(0.99, 0.0) for one in latency)
        note = f"median of a week; 99 % under {slowest[len(slowest) // 2]:.1f} ms"
        cards.append(("latency", f"{medians[len(medians) // 2]:.1f} ms", note))
    return [
        f'<div class="card"><div class="name">{escape(name)}</div><div class="value">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for name, value, note in cards
    ]


def _ledger(story: Story) -> Iterator[str]:
    """Yield a row for every training, and one for all the occasions in between that were turned down."""
    turned_down: list[str] = []
    for occasion in story.occasions:
        if not occasion.entry.decision.started:
            turned_down.append(occasion.entry.decision.why)
            continue
        yield from _between(turned_down)
        turned_down = []
        yield _row(occasion)
    yield from _between(turned_down)


def _between(reasons: Sequence[str]) -> Iterator[str]:
    if reasons:
        kinds = Counter(_kind(reason) for reason in reasons)
        told = "; ".join(f"{count} × {escape(kind)}" for kind, count in kinds.most_common())
        yield f'<tr class="between"><td></td><td colspan="4">turned down in between: {told}</td></tr>'


def _kind(reason: str) -> str:
    """Return a reason without what differs from day to day: the moment, the job's key."""
    return re.sub(r" until \S+|(?<=job )\S+ ", "", reason)


def _row(occasion: Occasion) -> str:
    entry, version = occasion.entry, occasion.version
    verdict = version.verdict if version else None
    if verdict is None:
        mark, told, reasons = "wait", "no verdict", escape(entry.decision.why)
    elif verdict.passed:
        mark, told = "pass", f"version {version.version if version else ''} promoted"
        reasons = "<br>".join(
            escape(finding.message) for finding in verdict.reasons if finding.check in {"champion", "minimum"}
        )
    else:
        mark, told = "refuse", f"version {version.version if version else ''} refused"
        reasons = "<br>".join(escape(refusal) for refusal in verdict.refusals)
    return (
        f'<tr><td class="when">{short_day(entry.at)}</td><td>{escape(entry.reason.kind)}</td>'
        f'<td>{escape(entry.reason.detail)}</td><td><span class="mark {mark}">{escape(told)}</span></td>'
        f"<td>{reasons}</td></tr>"
    )


def _quality(story: Story) -> list[str]:
    return [
        f"<tr><td>{escape(line.name)}</td><td>{_CHECKS.get(line.check, escape(line.check))}</td>"
        f'<td class="number">{line.worst:.2%}</td><td>week of {short_day(line.worst_start)}</td>'
        f'<td class="number">{line.limit:.0%}</td><td class="number">{line.weeks}</td>'
        f'<td class="number{" over" if line.weeks_over else ""}">{line.weeks_over}</td></tr>'
        for line in story.quality
    ]


def _ages(story: Story) -> str:
    """Tell how old the looked-up features were when they were served."""
    views = dict.fromkeys(view for week in story.services for view in week.ages)
    told = []
    for view in views:
        ages = [week.ages[view] for week in story.services if view in week.ages]
        medians = sorted(age.median for age in ages if age.median is not None)
        stale = sum(age.stale_share for age in ages) / len(ages)
        if medians and medians[-1] < _SAID:
            told.append(f"{view}: {_age(medians[len(medians) // 2])} old, {stale:.1%} missing or too old")
        else:
            told.append(f"{view}: {stale:.1%} missing or too old")
    return f"<p>Looked-up features when they were served, at the median: {escape('; '.join(told))}.</p>" if told else ""


def _age(seconds: float) -> str:
    """Return an age as roughly as it is known: from counts in bins."""
    if seconds < 45 * 60:
        return f"about {max(round(seconds / 60), 1)} minutes"
    hours = round(seconds / 3600) or 1
    return f"about {hours} hour{'' if hours == 1 else 's'}"


def _drift_rule(story: Story) -> str:
    rule = story.model.monitors.drift
    if rule is None:
        return "Drift is not watched."
    return (
        f"Each column is a week. A cell compares what the champion was asked in the last {rule.window.days} days, or "
        f"since its promotion, with its own training rows, by {rule.measure.upper()}. The dot marks what the rule "
        f"counts as drift: {rule.threshold:g} or more that is no accident, over {rule.minimum_rows:,} rows or more. "
        "Weeks in which the champion changed are left blank: a new one starts afresh."
    )


def _figure(figure: go.Figure, name: str) -> str:
    return str(figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config={"displayModeBar": False}))


def _empty(told: str) -> str:
    return f'<p class="note">{escape(told)}</p>'

"""The report's charts. Colours are Okabe and Ito's, which people with any colour vision can tell apart."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pipelines.report.story import WEEK, Story, Week

INK: Final = "#1f2430"
FAINT: Final = "#6b7280"
LINE: Final = "#e5e7eb"
CHAMPION: Final = "#0072b2"
FROZEN: Final = "#d55e00"
PROMOTED: Final = "#009e73"
REFUSED: Final = "#cc79a7"
AMBER: Final = "#e69f00"

FONT: Final = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_LOWEST_SHADE: Final = 0.02


def performance(story: Story) -> go.Figure:
    """Return the metric by week of champion and shadow with intervals, what was promoted, and the label coverage."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.05)
    if story.shadow:
        name = f"version {story.shadow_version}, frozen (in the shadow)"
        _band(figure, story.shadow, name, FROZEN, dash="dot")
    _band(figure, story.champion, "champion", CHAMPION)
    estimated = [week for week in story.champion if week.estimated is not None]
    if estimated:
        figure.add_scatter(
            x=[_middle(week) for week in estimated],
            y=[week.estimated for week in estimated],
            name="champion, as its scores promise",
            mode="lines",
            line={"color": FAINT, "width": 1, "dash": "dash"},
            visible="legendonly",
            row=1,
            col=1,
        )
    covered = [week for week in story.champion if week.measured]
    figure.add_bar(
        x=[_middle(week) for week in covered],
        y=[week.measured.coverage if week.measured else 0 for week in covered],
        name="labelled",
        marker={"color": "#b8d4e8"},
        hovertemplate="%{y:.1%} of predictions labelled<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    _mark_decisions(figure, story)
    figure.update_yaxes(title=story.metric.replace("_", " "), row=1, col=1)
    figure.update_yaxes(title="labelled", tickformat=".0%", range=[0, 1.05], tickvals=[0, 0.5, 1], row=2, col=1)
    return _styled(figure, height=520)


def drift(story: Story) -> go.Figure:
    """Return a heat map of drift by feature and week; a dot marks what the rule counts as drifted."""
    rule = story.model.monitors.drift
    ends = sorted({week.end for week in story.champion})
    features = list(dict.fromkeys(cell.feature for cell in story.drift))
    place = {(cell.feature, cell.end): cell for cell in story.drift}
    worst = {name: max(cell.value for cell in story.drift if cell.feature == name) for name in features}
    features.sort(key=lambda name: worst[name])
    grid = [[place.get((name, end)) for end in ends] for name in features]
    threshold = rule.threshold if rule else 1.0
    shades = [[np.log10(max(cell.value, _LOWEST_SHADE) / threshold) if cell else None for cell in row] for row in grid]
    half = WEEK.total_seconds() / 2
    figure = go.Figure(
        go.Heatmap(
            x=[_day(end - half) for end in ends],
            y=features,
            z=shades,
            text=[["●" if cell and cell.drifted else "" for cell in row] for row in grid],
            texttemplate="%{text}",
            textfont={"size": 8, "color": "white"},
            customdata=[[cell.value if cell else None for cell in row] for row in grid],
            hoverongaps=False,
            hovertemplate="%{y}, week around %{x|%d %b}: %{customdata:.3f}<extra></extra>",
            colorscale=[[0, "#f7f9fb"], [0.5, "#c6dbef"], [0.7, "#fdae61"], [1, "#a50026"]],
            zmin=-1.2,
            zmax=0.9,
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": rule.measure.upper() if rule else "", "side": "right"},
                "tickvals": [-1, 0, 0.7],
                "ticktext": [f"{threshold / 10:.2g}", f"{threshold:.2g} bound", f"{threshold * 5:.2g}"],
                "thickness": 10,
                "outlinewidth": 0,
            },
        )
    )
    return _styled(figure, height=110 + 24 * len(features), grid=False)


def latency(story: Story) -> go.Figure:
    """Return the quantiles of the latency by week."""
    figure = go.Figure()
    shades = {0.5: (CHAMPION, "median"), 0.95: (AMBER, "95 %"), 0.99: (FROZEN, "99 %")}
    for share, (colour, name) in shades.items():
        weeks = [week for week in story.services if share in week.latency]
        figure.add_scatter(
            x=[_day((week.start + week.end) / 2) for week in weeks],
            y=[week.latency[share] for week in weeks],
            name=name,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate="%{y:.2f} ms<extra>" + name + "</extra>",
        )
    figure.update_yaxes(title="milliseconds", rangemode="tozero")
    return _styled(figure, height=280)


def _band(figure: go.Figure, weeks: Sequence[Week], name: str, colour: str, *, dash: str = "solid") -> None:
    known = [(week, week.measured) for week in weeks if week.measured and week.measured.value is not None]
    x = [_middle(week) for week, _ in known]
    low = [one.low if one.low is not None else one.value for _, one in known]
    high = [one.high if one.high is not None else one.value for _, one in known]
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        fill="toself",
        fillcolor=_faded(colour),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=x,
        y=[one.value for _, one in known],
        customdata=[[a, b, one.labels] for a, b, (_, one) in zip(low, high, known, strict=True)],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 5},
        hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}], %{customdata[2]:,} labels"
        f"<extra>{name}</extra>",
        row=1,
        col=1,
    )


def _mark_decisions(figure: go.Figure, story: Story) -> None:
    """Mark trainings: a line and a triangle where the candidate was promoted, a cross where the gate refused it."""
    values = [one.measured.value for one in story.champion if one.measured and one.measured.value is not None]
    bottom = min([*values, *(w.measured.value for w in story.shadow if w.measured and w.measured.value)], default=0.0)
    marks = {True: (PROMOTED, "triangle-up", "promoted"), False: (REFUSED, "x", "refused by the gate")}
    for passed, (colour, symbol, name) in marks.items():
        at = [
            occasion
            for occasion in story.occasions
            if occasion.version and occasion.version.verdict and occasion.version.verdict.passed == passed
        ]
        if passed:
            for occasion in at:
                figure.add_vline(x=_day(occasion.entry.at), line={"color": colour, "width": 1, "dash": "dot"}, row=1)
        figure.add_scatter(
            x=[_day(occasion.entry.at) for occasion in at],
            y=[bottom - 0.02] * len(at),
            customdata=[[o.version.version if o.version else 0, o.entry.reason.kind] for o in at],
            name=name,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            hovertemplate="version %{customdata[0]}, %{customdata[1]}<extra>" + name + "</extra>",
            row=1,
            col=1,
        )


def _styled(figure: go.Figure, *, height: int, grid: bool = True) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 20, "t": 40, "b": 40},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        hovermode="x unified" if grid else "closest",
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        bargap=0.15,
    )
    figure.update_xaxes(showgrid=False, linecolor=LINE, tickformat="%b", dtick="M1", ticklabelmode="period")
    figure.update_yaxes(showgrid=grid, gridcolor=LINE, zeroline=False)
    return figure


def _middle(week: Week) -> datetime:
    return _day((week.start + week.end) / 2)


def _day(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"

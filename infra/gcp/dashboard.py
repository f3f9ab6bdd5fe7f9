"""The loop at a glance, on one page of Cloud Monitoring."""

import json
from collections.abc import Sequence
from typing import Final

import pulumi_gcp as gcp

from infra.gcp.measures import CALLS, INSTANCES, MEASURES, MEDIAN, WAITING, Measure, measure_of
from infra.gcp.place import Place
from infra.spec import FAILURES, StackSpec

_WIDTH: Final = 16
_HEIGHT: Final = 12
_COLUMNS: Final = 48


def dashboard(place: Place, spec: StackSpec) -> gcp.monitoring.Dashboard:
    """Make the page: what is asked, how fast it is answered, what fails, what waits and what is dead."""
    functions = [one.name for one in spec.functions]
    asked = [one.name for one in spec.functions if one.routes]
    queues = [one.name for one in spec.queues]
    errors = [(MEASURES["errors"], name) for name in functions]
    graphs = [
        _graph(place, "Calls", [(CALLS, name) for name in functions]),
        _graph(place, "Errors", [*errors, (measure_of("errors", spec.jobs.name, spec.jobs), spec.jobs.name)]),
        _graph(place, "Throttles", [(MEASURES["throttles"], name) for name in functions]),
        _graph(place, "Milliseconds, p50", [(MEDIAN, name) for name in asked]),
        _graph(place, "Milliseconds, p99", [(MEASURES["p99"], name) for name in asked]),
        _graph(place, "Instances", [(INSTANCES, name) for name in functions]),
        _graph(place, "Messages that wait", [(WAITING, name) for name in queues]),
        _graph(place, "Oldest message, seconds", [(MEASURES["age"], name) for name in queues]),
        _graph(place, "Dead messages", [(MEASURES["dead"], f"{name}-dead") for name in (*queues, FAILURES)]),
    ]
    tiles = [_placed(number, graph) for number, graph in enumerate(graphs)]
    page = {"displayName": place.named("loop"), "mosaicLayout": {"columns": _COLUMNS, "tiles": tiles}}
    return gcp.monitoring.Dashboard(
        place.named("loop"), project=place.project, dashboard_json=json.dumps(page, sort_keys=True)
    )


def _graph(place: Place, title: str, lines: Sequence[tuple[Measure, str]]) -> dict[str, object]:
    sets = [
        {
            "timeSeriesQuery": {
                "timeSeriesFilter": {"filter": measure.filter(place, thing), "aggregation": measure.aggregation()}
            },
            "plotType": "LINE",
            "legendTemplate": thing,
        }
        for measure, thing in lines
    ]
    return {"title": title, "xyChart": {"dataSets": sets}}


def _placed(number: int, graph: dict[str, object]) -> dict[str, object]:
    row, column = divmod(number, _COLUMNS // _WIDTH)
    where = {"xPos": column * _WIDTH, "yPos": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
    return {**where, "widget": graph}

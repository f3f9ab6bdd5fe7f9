"""`GET /metrics`: counters and histograms in Prometheus' text format, where the provider keeps them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from functions.application import Application, Function, compose
from functions.openapi import Paths
from functions.web import Answer, Endpoint
from loopwright.definitions import Project
from loopwright.ports import Platform
from loopwright.ports.telemetry import LATENCY_BOUNDS, Series

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform)])


def build(platform: Platform) -> Function:
    """Return the function; a provider without a history of measurements answers with a problem."""

    def act(_: object) -> Answer:
        platform.telemetry.flush()
        return Answer(exposition(platform.telemetry.read()).encode(), content_type=CONTENT_TYPE)

    return Function([Endpoint("/metrics", act, platform.telemetry, method="GET", threaded=True)], _PATHS)


def exposition(series: Sequence[Series]) -> str:
    """Return the series in the text format: counters end in `_total`, histograms have cumulative buckets."""
    names: dict[str, list[Series]] = {}
    for one in series:
        names.setdefault(one.name, []).append(one)
    return "".join(f"{line}\n" for name, found in sorted(names.items()) for line in _metric(name, found))


def _metric(name: str, series: Sequence[Series]) -> Iterator[str]:
    full = f"loopwright_{name}"
    if not any(one.count for one in series):
        yield f"# TYPE {full}_total counter"
        for one in series:
            yield f"{full}_total{_labels(one.labels)} {one.total!r}"
        return
    yield f"# TYPE {full} histogram"
    for one in series:
        seen = 0
        for bound, count in zip((*map(repr, LATENCY_BOUNDS), "+Inf"), one.buckets, strict=True):
            seen += count
            yield f"{full}_bucket{_labels({**one.labels, 'le': bound})} {seen}"
        yield f"{full}_sum{_labels(one.labels)} {one.total!r}"
        yield f"{full}_count{_labels(one.labels)} {one.count}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_PATHS: Final[Paths] = {
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "Counters and histograms of the service, in Prometheus' text format.",
            "responses": {"200": {"description": "Done.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
        }
    }
}

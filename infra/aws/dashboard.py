"""The loop at a glance, on one page of CloudWatch."""

from typing import Final

import pulumi_aws as aws
from pulumi import Output

from infra.aws.place import Place
from infra.spec import FAILURES, StackSpec

_WIDTH: Final = 8
_HEIGHT: Final = 6
_ROW: Final = 24 // _WIDTH

Metric = list[str | dict[str, str]]


def dashboard(place: Place, spec: StackSpec) -> aws.cloudwatch.Dashboard:
    """Make the page: what is asked, how fast it is answered, what fails, what waits and what is dead."""
    functions = [one.name for one in (*spec.functions, spec.jobs)]
    asked = [one.name for one in spec.functions if one.routes]
    queues = [one.name for one in spec.queues]
    graphs = [
        _graph("Calls", [_of_function(place, name, "Invocations", "Sum") for name in functions]),
        _graph("Errors", [_of_function(place, name, "Errors", "Sum") for name in functions]),
        _graph("Throttles", [_of_function(place, name, "Throttles", "Sum") for name in functions]),
        _graph("Milliseconds, p50", [_of_function(place, name, "Duration", "p50") for name in asked]),
        _graph("Milliseconds, p99", [_of_function(place, name, "Duration", "p99") for name in asked]),
        _graph("At once", [_of_function(place, name, "ConcurrentExecutions", "Maximum") for name in functions]),
        _graph("Messages that wait", [_of_queue(place, name, "ApproximateNumberOfMessagesVisible") for name in queues]),
        _graph("Oldest message, seconds", [_of_queue(place, name, "ApproximateAgeOfOldestMessage") for name in queues]),
        _graph(
            "Dead messages",
            [_of_queue(place, f"{name}-dead", "ApproximateNumberOfMessagesVisible") for name in (*queues, FAILURES)],
        ),
    ]
    widgets = [_placed(number, graph, place) for number, graph in enumerate(graphs)]
    return aws.cloudwatch.Dashboard(
        place.named("loop"), dashboard_name=place.named("loop"), dashboard_body=Output.json_dumps({"widgets": widgets})
    )


def _graph(title: str, metrics: list[Metric]) -> dict[str, object]:
    return {"title": title, "metrics": metrics, "view": "timeSeries", "period": 300}


def _of_function(place: Place, function: str, metric: str, statistic: str) -> Metric:
    return ["AWS/Lambda", metric, "FunctionName", place.named(function), {"stat": statistic, "label": function}]


def _of_queue(place: Place, queue: str, metric: str) -> Metric:
    return ["AWS/SQS", metric, "QueueName", place.named(queue), {"stat": "Maximum", "label": queue}]


def _placed(number: int, graph: dict[str, object], place: Place) -> dict[str, object]:
    row, column = divmod(number, _ROW)
    where = {"x": column * _WIDTH, "y": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
    return {"type": "metric", **where, "properties": {**graph, "region": place.region}}

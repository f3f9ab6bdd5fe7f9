"""Lines that CloudWatch can read: the rules of the Embedded Metric Format's specification, checked one by one."""

import json
import math
from collections import Counter, defaultdict

import pytest

from adapters.aws.telemetry import EmfTelemetry
from loopwright.errors import CapabilityError, InvalidInputError

NOW = 1_362_139_200.25
UNITS = {"Count", "Milliseconds", "None"}


class Log:
    """A function's log, line by line."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def documents(self) -> list[dict]:
        assert self.text == "" or self.text.endswith("\n")
        found = [json.loads(line, parse_constant=refused) for line in self.text.splitlines()]
        for one in found:
            check(one)
        return found


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def check(document: dict) -> None:
    """Hold a document against the specification."""
    assert set(document["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert document["_aws"]["Timestamp"] == 1_362_139_200_250
    assert len(json.dumps(document)) <= 256 * 1024
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 255
        assert directive["Dimensions"]
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(document[name], str) and document[name] for name in dimensions)
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert 1 <= len(names) <= 100
        assert len(set(names)) == len(names)
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            measured = document[metric["Name"]]
            values = measured if isinstance(measured, list) else [measured]
            assert 1 <= len(values) <= 100
            assert all(isinstance(one, int | float) and math.isfinite(one) for one in values)


def measured(documents: list[dict]) -> dict[tuple, list[float]]:
    """What CloudWatch makes of the lines: by name, unit and dimensions, every value."""
    found: dict[tuple, list[float]] = defaultdict(list)
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                (dimensions,) = directive["Dimensions"]
                labels = tuple((name, document[name]) for name in dimensions)
                value = document[metric["Name"]]
                found[metric["Name"], metric["Unit"], labels] += value if isinstance(value, list) else [value]
    return found


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def telemetry(log: Log) -> EmfTelemetry:
    return EmfTelemetry("Airport/prod", lambda: NOW, write=log.write)


def test_counters_and_observations_of_one_set_of_labels_share_a_line(telemetry: EmfTelemetry, log: Log) -> None:
    telemetry.count("predictions", 3, model="delays")
    telemetry.count("predictions", 2, model="delays")
    telemetry.observe("prediction_ms", 1.5, model="delays")
    telemetry.observe("prediction_ms", 2.5, model="delays")
    telemetry.flush()
    (document,) = log.documents()
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Airport/prod"
    labels = (("model", "delays"),)
    assert measured([document]) == {
        ("predictions", "Count", labels): [5.0],
        ("prediction_ms", "Milliseconds", labels): [1.5, 2.5],
    }


def test_other_labels_are_another_line_in_whatever_order_they_come(telemetry: EmfTelemetry, log: Log) -> None:
    telemetry.observe("request_ms", 1.0, route="/a", status="200")
    telemetry.observe("request_ms", 2.0, status="200", route="/a")
    telemetry.observe("request_ms", 3.0, route="/a", status="500")
    telemetry.count("alone")
    telemetry.flush()
    documents = log.documents()
    assert len(documents) == 3
    assert sorted(measured(documents).values()) == [[1.0], [1.0, 2.0], [3.0]]


def test_more_than_a_hundred_observations_lose_none(telemetry: EmfTelemetry, log: Log) -> None:
    for number in range(250):
        telemetry.observe("size", float(number % 7))
    telemetry.flush()
    ((key, values),) = measured(log.documents()).items()
    assert key == ("size", "None", ())
    assert Counter(values) == Counter(float(number % 7) for number in range(250))


def test_more_than_a_hundred_metrics_lose_none(telemetry: EmfTelemetry, log: Log) -> None:
    for number in range(230):
        telemetry.count(f"m{number}")
    telemetry.flush()
    documents = log.documents()
    assert len(documents) == 3
    assert len(measured(documents)) == 230


def test_what_was_flushed_is_written_once_and_nothing_is_no_line(telemetry: EmfTelemetry, log: Log) -> None:
    telemetry.flush()
    assert log.text == ""
    telemetry.count("a")
    telemetry.flush()
    telemetry.flush()
    assert len(log.documents()) == 1


def test_values_that_cloudwatch_refuses_do_not_spoil_the_line(telemetry: EmfTelemetry, log: Log) -> None:
    telemetry.observe("share", math.nan)
    telemetry.observe("share", math.inf)
    telemetry.observe("share", 0.5, model="")
    telemetry.flush()
    assert measured(log.documents()) == {("share", "None", (("model", "-"),)): [0.5]}


def test_names_that_would_hide_each_other_are_refused(telemetry: EmfTelemetry) -> None:
    with pytest.raises(InvalidInputError, match="30 at the most"):
        telemetry.count("a", **{f"l{number}": "x" for number in range(31)})
    with pytest.raises(InvalidInputError, match="none named like the metric"):
        telemetry.observe("model", 1.0, model="delays")
    with pytest.raises(InvalidInputError, match="_aws"):
        telemetry.count("_aws")


def test_reading_back_is_told_to_be_cloudwatchs_business(telemetry: EmfTelemetry) -> None:
    with pytest.raises(CapabilityError, match="CloudWatch, in the namespace 'Airport/prod'"):
        telemetry.read()


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = EmfTelemetry("Airport/prod", lambda: NOW)
    telemetry.count("a")
    telemetry.flush()
    assert json.loads(capsys.readouterr().out)["a"] == 1.0

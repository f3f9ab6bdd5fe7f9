"""Lines that Cloud Logging can read, and log-based metrics can extract from."""

import json
import math
from collections.abc import Mapping

import pytest

from adapters.gcp.telemetry import LogTelemetry
from loopwright import logs
from loopwright.errors import CapabilityError, InvalidInputError

NOW = 1_362_139_200.25


class Log:
    """A container's standard output, line by line."""

    def __init__(self) -> None:
        self.text = ""
        self.writes = 0

    def write(self, text: str) -> None:
        self.text += text
        self.writes += 1

    def lines(self) -> list[dict]:
        assert self.text == "" or self.text.endswith("\n")
        found = [json.loads(line, parse_constant=refused) for line in self.text.splitlines()]
        for line in found:
            assert line["severity"] == "INFO"
            assert line["message"]
            assert line["time"] == "2013-03-01T12:00:00.250000Z"
        return found


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def extracted(line: dict, path: str) -> object:
    """What a log-based metric extracts from `jsonPayload.<path>`."""
    found: object = line
    for name in path.split("."):
        assert isinstance(found, Mapping)
        found = found[name]
    return found


def measured(log: Log) -> list[tuple[object, object, object]]:
    paths = (logs.MEASUREMENT_NAME, logs.MEASUREMENT_VALUE, logs.MEASUREMENT_LABELS)
    return [tuple(extracted(line, path) for path in paths) for line in log.lines()]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def telemetry(log: Log) -> LogTelemetry:
    return LogTelemetry(lambda: NOW, write=log.write)


def test_a_counter_is_a_line_with_its_sum_and_each_observation_is_one(telemetry: LogTelemetry, log: Log) -> None:
    telemetry.count("predictions", 3, model="delays")
    telemetry.count("predictions", 2, model="delays")
    telemetry.observe("prediction_ms", 1.5, model="delays")
    telemetry.observe("prediction_ms", 2.5, model="delays")
    telemetry.flush()
    assert measured(log) == [
        ("predictions", 5.0, {"model": "delays"}),
        ("prediction_ms", 1.5, {"model": "delays"}),
        ("prediction_ms", 2.5, {"model": "delays"}),
    ]


def test_other_labels_are_another_sum_in_whatever_order_they_come(telemetry: LogTelemetry, log: Log) -> None:
    telemetry.count("requests", route="/a", status="200")
    telemetry.count("requests", status="200", route="/a")
    telemetry.count("requests", route="/a", status="500")
    telemetry.flush()
    assert [value for _, value, _ in measured(log)] == [2.0, 1.0]


def test_what_was_flushed_is_written_once_in_one_piece_and_nothing_is_no_line(
    telemetry: LogTelemetry, log: Log
) -> None:
    telemetry.flush()
    assert log.writes == 0
    telemetry.count("a")
    telemetry.observe("b", 1.0)
    telemetry.flush()
    telemetry.flush()
    assert len(log.lines()) == 2
    assert log.writes == 1


def test_values_that_json_has_no_word_for_are_left_out(telemetry: LogTelemetry, log: Log) -> None:
    telemetry.observe("share", math.nan)
    telemetry.observe("share", math.inf)
    telemetry.observe("share", 0.5, model="")
    telemetry.flush()
    assert measured(log) == [("share", 0.5, {"model": ""})]


def test_what_cloud_monitoring_cannot_take_is_refused(telemetry: LogTelemetry) -> None:
    with pytest.raises(InvalidInputError, match="10 at the most"):
        telemetry.count("a", **{f"l{number}": "x" for number in range(11)})
    with pytest.raises(InvalidInputError, match="1 to 100 characters"):
        telemetry.observe("x" * 101, 1.0)


def test_reading_back_is_told_to_be_cloud_monitorings_business(telemetry: LogTelemetry) -> None:
    with pytest.raises(CapabilityError, match="Cloud Monitoring"):
        telemetry.read()


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = LogTelemetry(lambda: NOW)
    telemetry.count("a")
    telemetry.flush()
    assert json.loads(capsys.readouterr().out)["measurement"] == {"name": "a", "value": 1.0, "labels": {}}

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.columns import DType, length
from loopwright.errors import UnavailableError
from loopwright.features.ingest import push
from loopwright.ports import Lake, Platform
from loopwright.serving.collecting import collect
from loopwright.serving.labels import LabelRow, Labels
from loopwright.serving.log import Entry, encode
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings
from tests.airport import world
from tests.airport.faults import Faulty, FullLake, Switch


@pytest.fixture(params=["memory", "local"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """A fresh world of each provider that needs nothing but this machine."""
    platform = open_platform(Settings(request.param, tmp_path, world.FOLDER))
    world.report_weather(platform)
    yield platform
    platform.close()


@pytest.fixture
def predictor(platform: Platform) -> Predictor:
    world.crown(platform, world.register(platform))
    return Predictor(platform, world.project())


def predict(predictor: Predictor, ids: Sequence[str]) -> None:
    for one in ids:
        predictor.predict("delays", [{**world.ROW, "id": one}])


def ids_in(lake: Lake, table: str = "predictions/delays") -> list[str]:
    return [] if lake.version(table) is None else lake.read_columns(table)["prediction_id"].tolist()


def send_entry(platform: Platform, table: str, dtype: DType, value: object) -> None:
    column = np.array([value], dtype=object if dtype == "string" else float)
    entry = Entry(table, {"prediction_id": "string", "score": dtype}, {"prediction_id": column, "score": column})
    body = encode(Entry(table, entry.types, {**entry.columns, "prediction_id": np.array(["odd"], dtype=object)}))
    platform.queue.send("predictions", body)


def test_one_drain_is_one_version_of_a_table_and_leaves_empty_queues(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, ["a", "b", "c"])
    Labels(platform, world.project()).accept("delays", [LabelRow("a", 1), LabelRow("b", 0)])
    collected = collect(platform, world.project())
    assert collected.rows == {"predictions/delays": 3, "labels/delays": 2}
    assert (collected.messages, collected.failed) == (4, 0)
    assert sorted(ids_in(platform.lake)) == ["a", "b", "c"]
    assert sorted(ids_in(platform.lake, "labels/delays")) == ["a", "b"]
    assert platform.lake.version("predictions/delays") == 0
    assert collect(platform, world.project()).messages == 0


def test_the_log_keeps_the_types_of_the_definitions(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", [{**world.ROW, "seats": None}])
    collect(platform, world.project())
    schema = platform.lake.schema("predictions/delays")
    assert (schema["seats"], schema["night"], schema["scheduled"]) == ("int", "bool", "time")
    assert (schema["model_version"], schema["weather__age"], schema["sky"]) == ("int", "float", "string")


def test_pushed_features_land_in_the_lake_and_online(platform: Platform, predictor: Predictor) -> None:
    row = {"origin": "LGA", "hour": platform.clock() - 60, "wind": 30.0, "sky": "blue"}
    assert push(platform, world.project().view("weather"), [row]) == 1
    assert collect(platform, world.project()).rows == {"weather": 1}
    assert platform.lake.read_columns("weather")["wind"].tolist() == [30.0]
    answer = predictor.predict("delays", [{**world.ROW, "origin": "LGA"}])
    assert answer.predictions[0].score == 0.5


def test_a_message_of_another_kind_stays_behind_alone_and_dies_after_five_attempts(
    platform: Platform, predictor: Predictor
) -> None:
    platform.queue.send("predictions", [b"not a message"])
    send_entry(platform, "predictions/fares", "float", 0.5)  # no model of the project
    send_entry(platform, "labels/delays", "float", 0.5)  # in the wrong queue
    predict(predictor, ["a", "b"])
    collected = collect(platform, world.project())
    assert (collected.rows, collected.failed) == ({"predictions/delays": 2}, 3)
    assert sorted(ids_in(platform.lake)) == ["a", "b"]


def test_columns_that_do_not_fit_the_table_keep_nobody_else_out(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, ["first"])
    collect(platform, world.project())
    predict(predictor, ["a"])
    send_entry(platform, "predictions/delays", "string", "high")  # the table's score is a float
    predict(predictor, ["b"])
    collected = collect(platform, world.project())
    assert (collected.rows, collected.failed) == ({"predictions/delays": 2}, 1)
    assert sorted(ids_in(platform.lake)) == ["a", "b", "first"]


def test_messages_delivered_again_together_append_nothing(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, ["a", "b"])
    assert collect(platform, world.project(), lease=0).messages == 2  # too late for an acknowledgement
    assert collect(platform, world.project(), lease=60).messages == 2
    assert sorted(ids_in(platform.lake)) == ["a", "b"]


def test_while_the_lake_does_not_answer_nothing_is_lost(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, ["a", "b"])
    with pytest.raises(UnavailableError, match="disk is full"):
        collect(Faulty(platform, lake=FullLake(platform.lake, Switch())), world.project())
    depth = platform.queue.depth("predictions")
    assert depth.ready + depth.in_flight == 2
    assert depth.dead == 0


def test_two_collectors_at_once_share_the_messages(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, [f"p{number}" for number in range(200)])
    both = threading.Barrier(2)

    def work() -> None:
        both.wait()
        while collect(platform, world.project(), limit=7).messages:
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids_in(platform.lake)) == sorted(f"p{number}" for number in range(200))


def test_a_definition_that_grew_a_column_lands_beside_the_old_rows(platform: Platform, predictor: Predictor) -> None:
    predict(predictor, ["old"])
    send_entry(platform, "predictions/delays", "float", 0.5)
    assert collect(platform, world.project()).rows == {"predictions/delays": 2}
    assert length(platform.lake.read_columns("predictions/delays")) == 2

"""What a file may bring into the lake, and what is refused before it is there for good."""

from pathlib import Path

import pytest

from loopwright.errors import InvalidInputError
from pipelines.ingest import Ingested, ingest
from tests.pipelines.weather import World

FINE = """station,event_time,humidity,sky,rained
north,2013-02-28T12:00:00Z,40,clear,no
south,2013-02-28,,,yes
south,2013-02-27,41.5,,no
"""


def bring(world: World, folder: Path, text: str, table: str = "observations") -> Ingested:
    file = folder / "cases.csv"
    file.write_text(text)
    return ingest(world.platform, world.project, file, table)


def test_a_file_comes_in_once(world: World, tmp_path: Path) -> None:
    version = world.platform.lake.version("observations")
    assert version is not None
    assert bring(world, tmp_path, FINE) == Ingested(version + 1, 3, new=True)
    assert bring(world, tmp_path, FINE) == Ingested(version + 1, 3, new=False)
    assert world.train().version == 1


def test_a_table_that_no_definition_names_takes_any_file(world: World, tmp_path: Path) -> None:
    assert bring(world, tmp_path, "Some Name,b\n1,x\n", "other").new
    assert world.platform.lake.schema("other") == {"some_name": "int", "b": "string"}


def test_values_become_what_the_definitions_want_where_they_can(world: World, tmp_path: Path) -> None:
    numbered = FINE.replace("north", "007").replace("south", "18").replace("12:00:00Z", "12:00:00+02:00")
    version = bring(world, tmp_path, numbered).version
    rows = world.platform.lake.changed_columns("observations", since=version - 1, until=version)
    assert sorted(rows["station"]) == ["007", "18", "18"]
    assert sorted(rows["rained"]) == ["no", "no", "yes"]
    assert str(rows["event_time"].max()) == "2013-02-28T10:00:00.000000"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("humidity", "wet"), "column 'humidity' is missing; wanted float"),
        (("rained", "snowed"), "no column 'rained' for the label of model 'rain'"),
        (("2013-02-28T12:00:00Z", "soon"), "column 'event_time': wanted time, got string"),
        ((",40,", ",damp,"), "column 'humidity': wanted float, got string"),
        (("north,", ","), "column 'station' is null in 1 rows: fill it, or declare it nullable"),
        ((",40,", ",1e999,"), "column 'humidity' is infinite in 1 rows: mend the file"),
    ],
)
def test_what_no_training_could_use_is_refused_whole(
    world: World, tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    version = world.platform.lake.version("observations")
    with pytest.raises(InvalidInputError, match=told):
        bring(world, tmp_path, FINE.replace(*change))
    assert world.platform.lake.version("observations") == version


def test_a_source_that_lost_a_column_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="table 'pressure': column 'hectopascal' is missing"):
        bring(world, tmp_path, "station,event_time,known_time,hpa\nnorth,2013-02-28,2013-02-28,1010\n", "pressure")

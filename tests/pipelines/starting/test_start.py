"""What `init` makes of files of all kinds, and what it says about those that do not do."""

from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.definitions.project import load_project
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.settings import Settings
from pipelines.starting import Started, Wish, start

ROWS = 240


def write(path: Path, label: list[object], **others: list[object]) -> Path:
    rows = len(label)
    moments = [f"2024-{1 + row * 11 // rows:02d}-{1 + row % 28:02d}" for row in range(rows)]
    columns: dict[str, list[object]] = {
        "id": [*range(rows)],
        "at": [*moments],
        "size": [round(float(value), 3) for value in np.random.default_rng(1).normal(size=rows)],
        **others,
        "y": label,
    }
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def begin(folder: Path, file: Path, **wish: str) -> Started:
    wanted = {"label": "y", "entity": "id", "time": "at", **wish}
    return start(Wish(file, folder / "made", **wanted))


@pytest.mark.parametrize(
    ("label", "task", "positive"),
    [
        ([0, 1] * (ROWS // 2), "binary", None),
        (["true", "false"] * (ROWS // 2), "binary", None),
        (["kept", "kept", "gone"] * (ROWS // 3), "binary", "gone"),
        (["red", "green", "blue"] * (ROWS // 3), "multiclass", None),
        ([row / 7 for row in range(ROWS)], "regression", None),
    ],
)
def test_the_task_follows_from_the_label(tmp_path: Path, label: list[object], task: str, positive: str | None) -> None:
    made = begin(tmp_path, write(tmp_path / "file.csv", label))
    model = load_project(made.folder).model("y")
    assert model.task == task
    assert model.label.positive == positive


def test_a_person_says_which_text_is_positive(tmp_path: Path) -> None:
    file = write(tmp_path / "file.csv", ["kept", "kept", "gone"] * (ROWS // 3))
    assert begin(tmp_path, file, positive="kept").survey.target.positive == "kept"


def test_fields_carry_types_ranges_and_categories(tmp_path: Path) -> None:
    others: dict[str, list[object]] = {
        "Plan Name": ["a", "b"] * (ROWS // 2),
        "count": [row % 9 if row % 5 else "" for row in range(ROWS)],
        "flag": ["true", "false"] * (ROWS // 2),
        "score": [row % 4 for row in range(ROWS)],
    }
    made = begin(tmp_path, write(tmp_path / "file.csv", [0, 1] * (ROWS // 2), **others))
    fields = {field.name: field for field in load_project(made.folder).model("y").request}
    assert fields["plan_name"].categories == ("a", "b")
    assert fields["count"].dtype == "int"
    assert fields["count"].nullable
    assert (fields["count"].minimum, fields["count"].maximum) == (0, 8)
    assert fields["flag"].dtype == "bool"
    assert fields["score_value"].dtype == "int"


def test_what_cannot_be_a_feature_is_left_out_with_a_reason(tmp_path: Path) -> None:
    others: dict[str, list[object]] = {
        "remark": [f"text {row}" for row in range(ROWS)],
        "same": ["x"] * ROWS,
        "when": ["2024-01-01", "2024-01-02"] * (ROWS // 2),
    }
    made = begin(tmp_path, write(tmp_path / "file.csv", [0, 1] * (ROWS // 2), **others))
    told = dict(made.survey.left_out)
    assert set(told) == {"remark", "same", "when"}
    assert "always the same" in told["same"]


def test_numbers_that_a_file_writes_badly_are_nulls_or_left_out_with_a_reason(tmp_path: Path) -> None:
    rows = 30_000  # more than are looked at to guess a type
    numbers: list[object] = [row / 7 for row in range(rows)]
    others: dict[str, list[object]] = {
        "gaps": ["NaN", *numbers[1:]],
        "endless": [*numbers[:-1], 1e999],
        "typo": [*numbers[:-1], "oops"],
        "text": [*numbers[:-1], "inf"],
    }
    made = begin(tmp_path, write(tmp_path / "file.csv", [0, 1] * (rows // 2), **others))
    fields = {field.name: field for field in load_project(made.folder).model("y").request}
    assert fields["gaps"].nullable
    assert dict(made.survey.left_out) == {
        "text": "it has infinite values: mend the file to use it",
        "endless": "it has infinite values: mend the file to use it",
        "typo": "1 of 30,000 values are no numbers, one of them is 'oops': mend the file to use it",
    }


def test_a_byte_order_mark_and_line_breaks_in_quotes_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "file.csv", [0, 1] * (ROWS // 2), note=['"a\nb"', '"say ""x"""'] * (ROWS // 2))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    made = begin(tmp_path, file)
    fields = {field.name: field for field in load_project(made.folder).model("y").request}
    assert fields["note"].categories == ("a\nb", 'say "x"')
    assert made.rows == ROWS


def test_the_rows_are_in_the_lake(tmp_path: Path) -> None:
    made = begin(tmp_path, write(tmp_path / "file.csv", [0, 1] * (ROWS // 2)))
    platform = open_platform(Settings(home=made.folder / ".loopwright", project=made.folder))
    columns = platform.lake.read_columns("observations")
    platform.close()
    assert len(columns["y"]) == ROWS
    assert platform.lake.schema("observations")["at"] == "time"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": "churn"}, "no column 'churn' for --label; it has id, at, size, y"),
        ({"entity": "who"}, "no column 'who' for --entity"),
        ({"time": "size"}, "wanted dates or times"),
        ({"time": "y"}, "three different columns"),
        ({"positive": "maybe"}, "--positive 'maybe'"),
    ],
)
def test_a_wrong_choice_is_told_with_the_right_ones(tmp_path: Path, change: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        begin(tmp_path, write(tmp_path / "file.csv", [0, 1] * (ROWS // 2)), **change)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("label", "others", "told"),
    [
        ([1] * ROWS, {}, "always '1': there is nothing to predict"),
        ([0, 1] * 20, {}, "40 rows with a label; at least 100"),
        ([f"c{row}" for row in range(ROWS)], {}, "more than 20 different texts"),
        ([0, 1] * (ROWS // 2), {"at": ["2024-01-01", "soon"] * (ROWS // 2)}, "120 values are no times, .* 'soon'"),
        ([0, 1] * (ROWS // 2), {"at": ["2024-01-01"] * ROWS}, "the same moment"),
        ([0, 1] * (ROWS // 2), {"size": ["x"] * ROWS}, "no column that could be a feature: size: it is always"),
        ([0, 1] * (ROWS // 2), {"Size!": [1, 2] * (ROWS // 2)}, "would both be called 'size'"),
        ([0, 1] * (ROWS // 2), {"id": ["", 1] * (ROWS // 2)}, "120 rows have no value"),
    ],
)
def test_a_file_that_does_not_do_is_told_why(
    tmp_path: Path, label: list[object], others: dict[str, list[object]], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        begin(tmp_path, write(tmp_path / "file.csv", label, **others))
    assert not (tmp_path / "made").exists()


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        begin(tmp_path, tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InvalidInputError, match=r"empty\.csv is empty"):
        begin(tmp_path, tmp_path / "empty.csv")
    ragged = write(tmp_path / "ragged.csv", [0, 1] * (ROWS // 2))
    ragged.write_text(ragged.read_text().replace("\n100,", "\n100,7,"))
    with pytest.raises(InvalidInputError, match="line 102 has 5 values, the first line 4: mend that row"):
        begin(tmp_path, ragged)
    latin = write(tmp_path / "latin.csv", ["ä", "ö"] * (ROWS // 2))
    latin.write_bytes(latin.read_text().encode("latin-1"))
    with pytest.raises(InvalidInputError, match="it is not UTF-8 text: save it as UTF-8"):
        begin(tmp_path, latin)
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match="no CSV or Parquet file"):
        begin(tmp_path, tmp_path / "sheet.xlsx")
    (tmp_path / "broken.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        begin(tmp_path, tmp_path / "broken.parquet")

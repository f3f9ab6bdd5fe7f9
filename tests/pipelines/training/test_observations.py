from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from loopwright import Model
from loopwright.columns import Columns, length, take
from pipelines.training.observations import TARGET, Cases, split_rows, training_rows
from pipelines.training.snapshot import take_snapshot
from tests.pipelines.weather import AT, World

DAY = 86_400.0


def windowed(model: Model, window: int | None, holdout: int) -> Model:
    span = None if window is None else timedelta(days=window)
    return replace(model, training_window=span, holdout=timedelta(days=holdout))


def rows_of(world: World, model: Model, at: float) -> dict[str, np.ndarray]:
    lake = world.platform.lake
    return training_rows(Cases(lake), model, take_snapshot(lake, model, at=at))


def used(model: Model, rows: Columns) -> Columns:
    trained, held_out = split_rows(model, rows)
    return take(rows, trained | held_out)


# The last case is of 28 February: the later the moment, the longer the labels lag behind it.
@pytest.mark.parametrize("late", [0, 3, 200])
@pytest.mark.parametrize(("window", "holdout"), [(5, 2), (20, 14), (400, 14)])
def test_a_training_window_reads_just_the_rows_that_are_used(
    world: World, window: int, holdout: int, late: int
) -> None:
    model = windowed(world.project.models[0], window, holdout)
    at = AT + late * DAY
    everything = rows_of(world, windowed(model, None, holdout), at)
    found = rows_of(world, model, at)
    expected = used(model, everything)
    assert length(expected) > 0
    assert {name: column.tolist() for name, column in found.items() if column.dtype.kind != "f"} == {
        name: column.tolist() for name, column in expected.items() if column.dtype.kind != "f"
    }
    np.testing.assert_array_equal(found[TARGET], expected[TARGET])
    np.testing.assert_array_equal(found["humidity"], expected["humidity"])


def test_unlabelled_rows_do_not_move_the_window(world: World) -> None:
    model = windowed(world.project.models[0], 5, 2)
    before = rows_of(world, model, AT)
    newer = {name: column[:20] for name, column in world.rain.past_cases(2).items()}
    unlabelled = newer | {
        "event_time": np.full(20, np.datetime64("2013-03-20", "us")),
        "rained": np.full(20, "", dtype=object),
    }
    world.platform.lake.append("observations", unlabelled)
    after = rows_of(world, model, AT + 30 * DAY)
    np.testing.assert_array_equal(before["event_time"], after["event_time"])


def test_rows_without_a_time_are_left_out(world: World) -> None:
    model = windowed(world.project.models[0], None, 2)
    before = rows_of(world, model, AT)
    timeless = {name: column[:20] for name, column in world.rain.past_cases(2).items()}
    world.platform.lake.append("observations", timeless | {"event_time": np.full(20, np.datetime64("NaT", "us"))})
    np.testing.assert_array_equal(before["event_time"], rows_of(world, model, AT)["event_time"])


def test_another_window_of_the_same_model_is_read_anew(world: World) -> None:
    cases, model = Cases(world.platform.lake), world.project.models[0]
    taken = take_snapshot(world.platform.lake, model, at=AT)
    wide, narrow = (training_rows(cases, windowed(model, days, 2), taken) for days in (20, 5))
    assert length(narrow) < length(wide)

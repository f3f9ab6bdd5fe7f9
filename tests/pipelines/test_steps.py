from collections.abc import Callable, Mapping

import numpy as np
import pytest

from adapters import open_platform
from loopwright.errors import DefinitionError, IntegrityError
from loopwright.ports import Blobs
from loopwright.settings import Settings
from pipelines.checkpoints import ColumnsCodec, Json, pack_columns, unpack_columns
from pipelines.steps import Pipeline, Step, StepEvent


@pytest.fixture
def blobs() -> Blobs:
    return open_platform(Settings(provider="memory")).blobs


def double(calls: list[str], number: int) -> int:
    calls.append("double")
    return number * 2


def shout(calls: list[str], number: int) -> str:
    calls.append("shout")
    return f"{number}!"


def whisper(calls: list[str], number: int) -> str:
    calls.append("whisper")
    return f"{number}..."


def pipeline(last: Callable[..., object] = shout) -> Pipeline:
    first = Step("double", double, ("calls", "number"), "doubled", Json(int))
    return Pipeline(
        "sums", (first, Step("say", last, ("calls", "doubled"), "said", Json(str))), ("number",), ("calls",)
    )


def run(
    blobs: Blobs, number: int = 4, *, key: str = "1", last: Callable[..., object] = shout
) -> tuple[object, list[str]]:
    calls: list[str] = []
    results: Mapping[str, object] = pipeline(last).run(blobs, key, {"number": number}, {"calls": calls})
    return results["said"], calls


def test_steps_run_in_order_and_give_all_results(blobs: Blobs) -> None:
    assert run(blobs) == ("8!", ["double", "shout"])


def test_a_second_run_under_the_same_key_repeats_nothing(blobs: Blobs) -> None:
    run(blobs)
    assert run(blobs) == ("8!", [])


def test_another_key_shares_nothing(blobs: Blobs) -> None:
    run(blobs)
    assert run(blobs, key="2") == ("8!", ["double", "shout"])


def test_other_inputs_are_worked_on(blobs: Blobs) -> None:
    run(blobs)
    assert run(blobs, 5) == ("10!", ["double", "shout"])


def test_changed_code_repeats_what_follows_from_it_and_no_more(blobs: Blobs) -> None:
    run(blobs)
    assert run(blobs, last=whisper) == ("8...", ["whisper"])


def test_a_run_goes_on_after_the_step_that_failed(blobs: Blobs) -> None:
    def fail(_calls: list[str], _number: int) -> str:
        raise OSError("a full disk")

    with pytest.raises(OSError, match="a full disk"):
        run(blobs, last=fail)
    assert run(blobs) == ("8!", ["shout"])


def test_a_checkpoint_that_cannot_be_read_is_made_again(blobs: Blobs) -> None:
    run(blobs)
    for info in list(blobs.list("checkpoints/")):
        blobs.put(info.key, b"scribble")
    assert run(blobs) == ("8!", ["double", "shout"])


def test_progress_tells_what_was_restored(blobs: Blobs) -> None:
    def fail(_calls: list[str], _number: int) -> str:
        raise OSError("a full disk")

    with pytest.raises(OSError, match="a full disk"):
        run(blobs, last=fail)
    events: list[StepEvent] = []
    pipeline().run(blobs, "1", {"number": 4}, {"calls": []}, progress=events.append)
    assert [(one.step, one.number, one.count, one.state) for one in events] == [
        ("double", 1, 2, "restored"),
        ("say", 2, 2, "started"),
        ("say", 2, 2, "finished"),
    ]


def test_forgetting_a_run_leaves_the_others(blobs: Blobs) -> None:
    run(blobs, key="1")
    run(blobs, key="2")
    pipeline().forget(blobs, "1")
    assert {info.key.split("/")[2] for info in blobs.list("checkpoints/")} == {"2"}


def test_an_input_that_nothing_provides_is_found_when_the_pipeline_is_made() -> None:
    step = Step("say", shout, ("calls", "doubled"), "said", Json(str))
    with pytest.raises(DefinitionError, match="step 'say' wants 'doubled', which nothing before it provides"):
        Pipeline("sums", (step,), (), ("calls",))


def test_a_result_has_one_maker() -> None:
    step = Step("double", double, ("calls", "number"), "number", Json(int))
    with pytest.raises(DefinitionError, match="'number' is provided twice"):
        Pipeline("sums", (step,), ("number",), ("calls",))


def test_a_run_wants_all_that_was_declared(blobs: Blobs) -> None:
    with pytest.raises(DefinitionError, match="wants number, calls"):
        pipeline().run(blobs, "1", {}, {"calls": []})


def test_columns_come_back_as_they_were() -> None:
    columns = {
        "number": np.array([1.5, np.nan, -0.0]),
        "text": np.array(["b", "", "b"], dtype=object),
        "at": np.array(["2013-01-01", "NaT", "2014-01-01"], dtype="datetime64[us]"),
    }
    again = unpack_columns(pack_columns(columns))
    assert list(again) == list(columns)
    for name, column in columns.items():
        assert again[name].dtype == column.dtype
        np.testing.assert_array_equal(again[name], column)


def test_no_rows_come_back_as_no_rows() -> None:
    again = unpack_columns(pack_columns({"text": np.empty(0, dtype=object), "number": np.empty(0)}))
    assert [len(column) for column in again.values()] == [0, 0]


def test_objects_other_than_text_cannot_hide_in_columns() -> None:
    with pytest.raises(IntegrityError, match="holds no columns"):
        ColumnsCodec().decode(b"scribble")
    with pytest.raises(TypeError):
        pack_columns({"odd": np.array([object()], dtype=object)})

import numpy as np
import pytest

from loopwright.columns import Array, Columns, times
from loopwright.definitions import Field, OnDemandTransformation
from loopwright.definitions.features import Transform
from loopwright.errors import DefinitionError, InvalidInputError
from loopwright.features.transformations import apply
from tests.loopwright.features.world import model, numbers, texts


def made(function: Transform, *outputs: Field, inputs: tuple[str, ...] = ("distance",)) -> OnDemandTransformation:
    return OnDemandTransformation("derived", inputs, outputs or (Field("miles"),), function)


def applied(*transformations: OnDemandTransformation, rows: Columns | None = None) -> Columns:
    return apply(model(transformations=transformations), rows or {"distance": numbers(1, 2)})


def test_outputs_come_after_the_columns_and_feed_later_transformations() -> None:
    first = made(lambda columns: {"miles": columns["distance"] * 2})
    second = OnDemandTransformation("far", ("miles",), (Field("far", dtype="bool"),), lambda c: {"far": c["miles"] > 3})
    columns = applied(first, second)
    assert list(columns) == ["distance", "miles", "far"]
    assert columns["far"].tolist() == [0.0, 1.0]
    assert columns["far"].dtype == np.float64


def test_a_function_sees_its_inputs_only_and_cannot_change_them() -> None:
    def greedy(columns: Columns) -> Columns:
        assert list(columns) == ["distance"]
        columns["distance"][0] = 99.0
        return {"miles": columns["distance"]}

    rows = {"distance": numbers(1, 2), "origin": texts("JFK", "LGA")}
    with pytest.raises(DefinitionError, match="'derived' fails with ValueError: assignment destination is read-only"):
        applied(made(greedy), rows=rows)
    assert rows["distance"].tolist() == [1, 2]


def test_event_time_is_there_to_be_used() -> None:
    hour = made(lambda c: {"miles": c["event_time"].astype("datetime64[h]").astype(int) % 24}, inputs=("event_time",))
    columns = applied(hour, rows={"distance": numbers(0), "event_time": times([7200])})
    assert columns["miles"].tolist() == [2.0]


def test_strings_and_times_have_their_arrays() -> None:
    fields = (Field("code", dtype="string"), Field("due", dtype="time"))
    columns = applied(
        made(lambda _: {"code": np.array(["a", "b"]), "due": np.array([0, 1], dtype="datetime64[s]")}, *fields)
    )
    assert columns["code"].dtype == object
    assert columns["due"].dtype == np.dtype("datetime64[us]")


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ({"mile": numbers(1, 2)}, "'derived' must return miles; it returned mile"),
        ({}, "'derived' must return miles; it returned nothing"),
        ({"miles": numbers(1)}, r"output 'miles': wanted a numpy array of shape \(2,\), got \(1,\)"),
        ({"miles": [1.0, 2.0]}, r"output 'miles': wanted a numpy array of shape \(2,\), got list"),
        ({"miles": texts("a", "b")}, "output 'miles': wanted float64, got object"),
    ],
)
def test_a_function_that_does_not_keep_its_word_is_told_so(outputs: Columns, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        applied(made(lambda _: outputs))


@pytest.mark.parametrize(
    ("field", "output", "told"),
    [
        (Field("code", dtype="string"), np.array(["a", None], dtype=object), "wanted an object array of str"),
        (Field("code", dtype="string"), numbers(1, 2), "wanted an object array of str"),
        (Field("due", dtype="time"), numbers(1, 2), r"wanted datetime64\[us\], got float64"),
    ],
)
def test_outputs_have_the_declared_type(field: Field, output: Array, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        applied(made(lambda _: {field.name: output}, field))


def test_infinity_is_refused_and_found() -> None:
    with pytest.raises(InvalidInputError, match="output 'miles' is infinite in row 1: return NaN"):
        applied(made(lambda columns: {"miles": 1 / (columns["distance"] - 2)}))

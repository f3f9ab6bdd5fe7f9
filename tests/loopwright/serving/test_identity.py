import itertools

import pytest

from loopwright.errors import InvalidInputError
from loopwright.serving.identity import in_canary, take_ids


def counting() -> str:
    return next(NUMBERS)


NUMBERS = (f"new-{number}" for number in itertools.count())


def test_rows_keep_their_ids_and_get_those_they_lack() -> None:
    rows: list[dict[str, object]] = [{"id": "mine", "x": 1}, {"x": 2}, {"id": None, "x": 3}]
    ids = take_ids(rows, "id", counting)
    assert ids[0] == "mine"
    assert len(set(ids)) == 3
    assert rows == [{"x": 1}, {"x": 2}, {"x": 3}]


def test_every_repeated_id_is_named_with_the_row_that_had_it_first() -> None:
    with pytest.raises(InvalidInputError) as caught:
        take_ids([{"id": "a"}, {"id": "b"}, {"id": "a"}, {"id": "a"}], "id", counting)
    assert caught.value.problems == ("row 2, id: 'a' is row 0's already", "row 3, id: 'a' is row 0's already")


@pytest.mark.parametrize("wrong", ["", "x" * 129, 7, True])
def test_an_id_is_a_text_of_1_to_128_characters(wrong: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        take_ids([{"id": "fine"}, {"id": wrong}], "id", counting)
    assert caught.value.problems == ("row 1, id: wanted a text of 1 to 128 characters",)


def test_an_id_always_takes_the_same_way() -> None:
    assert [in_canary(f"p{number}", 0.5) for number in range(50)] == [
        in_canary(f"p{number}", 0.5) for number in range(50)
    ]


def test_the_canary_answers_its_share_of_ids_and_a_larger_weight_only_adds_to_them() -> None:
    ids = [f"prediction-{number}" for number in range(20_000)]
    few = {one for one in ids if in_canary(one, 0.1)}
    many = {one for one in ids if in_canary(one, 0.3)}
    assert 0.09 < len(few) / len(ids) < 0.11
    assert few < many
    assert not any(in_canary(one, 0.0) for one in ids)
    assert all(in_canary(one, 1.0) for one in ids)

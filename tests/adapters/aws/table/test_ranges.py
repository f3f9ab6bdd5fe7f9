from hypothesis import given
from hypothesis import strategies as st

from adapters.aws.ranges import Range

LETTERS = "ab/é☂\ufffd\U0001f300\U0010ffff"
SORTS = st.text(LETTERS, min_size=1, max_size=6) | st.builds(
    lambda letter, more: letter * ((512 - 4 * len(more)) // len(letter.encode())) + more,
    st.sampled_from(LETTERS),
    st.text(LETTERS, max_size=3),
)
BOUNDS = st.text(LETTERS, max_size=6) | SORTS | st.builds(lambda sort: sort * 3, SORTS)


@given(SORTS, BOUNDS, st.none() | BOUNDS, st.none() | BOUNDS)
def test_whatever_is_wanted_lies_within_the_bounds(
    sort: str, prefix: str, after: str | None, before: str | None
) -> None:
    wanted = Range("p", prefix, after, before)
    if wanted.has(sort):
        assert not wanted.empty
        assert wanted.low.encode() <= sort.encode()
        assert wanted.high is None or sort.encode() <= wanted.high.encode()


@given(BOUNDS, st.none() | BOUNDS, st.none() | BOUNDS)
def test_a_condition_is_one_that_dynamodb_takes(prefix: str, after: str | None, before: str | None) -> None:
    wanted = Range("p", prefix, after, before)
    if not wanted.empty:
        bounds = [value["S"] for value in wanted.values.values()]
        assert all(1 <= len(bound.encode()) <= 1_024 for bound in bounds)
        assert bounds[1:] == sorted(bounds[1:])
        assert all(name in wanted.condition for name in wanted.values)
        assert wanted.condition.count(":") == len(wanted.values)


def test_bounds_that_leave_nothing_are_not_asked_about() -> None:
    assert Range("p", "", "b", "a").empty
    assert Range("p", "", None, "").empty
    assert Range("p", "c", None, "b").empty
    assert not Range("p", "", None, None).empty

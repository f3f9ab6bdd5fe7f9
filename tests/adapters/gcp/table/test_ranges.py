from hypothesis import given
from hypothesis import strategies as st

from adapters.gcp.ranges import Range, filters, range_of

LETTERS = "ab/é☂\ufffd\U0001f300\U0010ffff"
SORTS = st.text(LETTERS, min_size=1, max_size=6) | st.builds(
    lambda letter, more: letter * ((512 - 4 * len(more)) // len(letter.encode())) + more,
    st.sampled_from(LETTERS),
    st.text(LETTERS, max_size=3),
)
BOUNDS = st.text(LETTERS, max_size=6) | SORTS | st.builds(lambda sort: sort * 3, SORTS)


def within(wanted: Range, sort: str) -> bool:
    """Return whether Firestore would find it."""
    digits, low, high = sort.encode().hex(), wanted.low, wanted.high
    return (
        not wanted.empty
        and (low is None or digits > low.digits or (low.inclusive and digits == low.digits))
        and (high is None or digits < high.digits or (high.inclusive and digits == high.digits))
    )


@given(SORTS, BOUNDS, st.none() | BOUNDS, st.none() | BOUNDS)
def test_exactly_what_is_wanted_lies_within_the_bounds(
    sort: str, prefix: str, after: str | None, before: str | None
) -> None:
    wanted = (
        sort.startswith(prefix) and (after is None or sort > after) and (before is None or sort < before)
    )  # in Python too, text is ordered by code point
    assert within(range_of("p", prefix=prefix, after=after, before=before), sort) == wanted


@given(BOUNDS, st.none() | BOUNDS, st.none() | BOUNDS, st.sampled_from(["s", "__name__"]))
def test_a_name_is_one_that_firestore_takes(prefix: str, after: str | None, before: str | None, field: str) -> None:
    wanted = range_of("p", prefix=prefix, after=after, before=before)
    if not wanted.empty:
        values = [each["fieldFilter"]["value"] for each in filters(wanted, field, "parent")]
        digits = [next(iter(value.values())).removeprefix("parent/") for value in values]
        assert all(1 <= len(each) <= 1_500 for each in digits)
        assert digits == sorted(digits)


@given(st.lists(SORTS, min_size=2, unique=True), st.booleans())
def test_what_comes_after_an_item_is_the_rest(sorts: list[str], reverse: bool) -> None:  # noqa: FBT001
    first, *rest = sorted(sorts, reverse=reverse)
    beyond = range_of("p", prefix="", after=None, before=None).beyond(first.encode().hex(), reverse=reverse)
    assert [sort for sort in sorts if within(beyond, sort)] == [sort for sort in sorts if sort in rest]


def test_bounds_that_leave_nothing_are_not_asked_about() -> None:
    for prefix, after, before in (("", "b", "a"), ("", None, ""), ("c", None, "b"), ("x" * 513, None, None)):
        assert range_of("p", prefix=prefix, after=after, before=before).empty
    assert not range_of("p", prefix="", after=None, before=None).empty

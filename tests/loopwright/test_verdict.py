import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import InvalidInputError
from loopwright.verdict import Finding, Verdict

FINDINGS = st.builds(
    Finding,
    check=st.sampled_from(["rows", "slice", "champion"]),
    passed=st.booleans(),
    wanted=st.text(),
    got=st.text(),
    decides=st.booleans(),
)
METRICS = st.dictionaries(st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False))


@given(
    st.builds(
        Verdict,
        passed=st.booleans(),
        reasons=st.lists(FINDINGS).map(tuple),
        rows=st.integers(0, 10**9),
        candidate=METRICS,
        champion=METRICS,
        champion_version=st.none() | st.integers(1, 10**6),
        share_better=st.none() | st.floats(0, 1),
    )
)
def test_a_verdict_survives_json(verdict: Verdict) -> None:
    assert Verdict.from_dict(msgspec.json.decode(msgspec.json.encode(verdict.to_dict()))) == verdict


def test_what_is_no_verdict_is_refused_with_the_field() -> None:
    with pytest.raises(InvalidInputError, match=r"no verdict: .* `\$\.passed`"):
        Verdict.from_dict({"passed": "yes", "reasons": [], "rows": 1})

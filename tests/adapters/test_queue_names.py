import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.queue_names import dead_name, queue_name

QUEUES = st.text() | st.from_regex(r"[a-z_-]{1,90}(-dead|-x[0-9a-f]{16})?", fullmatch=True) | st.just("events")


@pytest.mark.parametrize("limit", [80, 255])
@given(queues=st.lists(QUEUES, min_size=2, max_size=5, unique=True), prefix=st.sampled_from(["loop-dev", "x" * 40]))
def test_no_two_queues_share_a_name(queues: list[str], prefix: str, limit: int) -> None:
    names = [queue_name(prefix, queue, limit=limit, reserved={"events"}) for queue in queues]
    everything = [*names, *map(dead_name, names), f"{prefix}-events"]
    assert len(set(everything)) == len(everything)
    assert all(re.fullmatch(f"[A-Za-z0-9_-]{{1,{limit}}}", name) for name in everything)


def test_a_queue_of_the_stack_keeps_its_name() -> None:
    assert queue_name("loop-dev", "predictions", limit=80) == "loop-dev-predictions"
    assert queue_name("loop-dev", "events", limit=80) == "loop-dev-events"
    assert dead_name(queue_name("loop-dev", "triggers", limit=80)) == "loop-dev-triggers-dead"

from hypothesis import given
from hypothesis import strategies as st

from adapters.aws.messages import batches, body_of, entry_of, seconds_of


@given(st.binary() | st.text().map(str.encode))
def test_a_body_comes_back_as_it_was(body: bytes) -> None:
    entry = entry_of(body, 0.0)
    assert entry["MessageBody"]
    received = {"Body": entry["MessageBody"], "MessageAttributes": entry["MessageAttributes"]}
    assert body_of(received) == body


def test_text_is_sent_as_text_and_anything_else_as_an_attribute() -> None:
    assert entry_of(b'{"a": "\xc3\xa9"}', 0.0)["MessageBody"] == '{"a": "é"}'
    for body in (b"", b"\x00", b"\xff", "\ufffe".encode()):
        entry = entry_of(body, 0.0)
        assert entry["MessageBody"] == "-"
        assert entry["MessageAttributes"]["body"]["DataType"] == "Binary"


@given(st.lists(st.integers(1, 240_000), max_size=40))
def test_a_batch_is_what_one_call_takes(sizes: list[int]) -> None:
    entries = [entry_of(bytes([number]) * size, 0.0) for number, size in enumerate(sizes)]
    found = list(batches(entries))
    assert [entry for batch in found for entry in batch] == entries
    for batch in found:
        assert 1 <= len(batch) <= 10
        assert sum(len(body_of({"Body": one["MessageBody"], **one})) for one in batch) < 262_144


def test_a_lease_is_never_shorter_than_asked_for() -> None:
    assert [seconds_of(lease) for lease in (-1.0, 0.0, 0.2, 59.001, 1e6)] == [0, 0, 1, 60, 43_200]

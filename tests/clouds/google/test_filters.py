import pytest

from tests.clouds.google.filters import parsed

ALARMS = 'attributes.queue = "alarms" OR hasPrefix(attributes."ce-type", "loopwright.drift.")'


@pytest.mark.parametrize(
    ("text", "attributes", "matches"),
    [
        ("", {}, True),
        (ALARMS, {"queue": "alarms"}, True),
        (ALARMS, {"ce-type": "loopwright.drift.detected"}, True),
        (ALARMS, {"ce-type": "loopwright.training.failed"}, False),
        (ALARMS, {"queue": "others"}, False),
        (ALARMS, {}, False),
        ("attributes:a", {"a": ""}, True),
        ("NOT attributes:a", {"b": "1"}, True),
        ('attributes.a != "1"', {}, True),
        ('-attributes.a = "1"', {"a": "1"}, False),
        ('attributes:a AND (attributes.b = "1" OR attributes.b = "2")', {"a": "", "b": "2"}, True),
        ('attributes:a AND (attributes.b = "1" OR attributes.b = "2")', {"b": "2"}, False),
        (r'attributes.a = "say \"a\""', {"a": 'say "a"'}, True),
    ],
)
def test_a_filter_chooses_by_attributes(text: str, attributes: dict[str, str], *, matches: bool) -> None:
    assert parsed(text)(attributes) is matches


@pytest.mark.parametrize(
    "text",
    [
        "attributes:a AND attributes:b OR attributes:c",
        'attributes.ce-type = "x"',
        'attributes.a > "1"',
        "attributes.a = 1",
        'data = "1"',
        'attributes.a = "1" and attributes:b',
        "(attributes:a",
        "attributes:a attributes:b",
        'hasSuffix(attributes.a, "x")',
        'attributes.a = "' + "x" * 256 + '"',
    ],
)
def test_a_filter_that_pubsub_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        parsed(text)

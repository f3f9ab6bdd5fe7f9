from datetime import UTC, datetime

import pytest

from tests.clouds.google.scheduler import due

AT = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
"""A Sunday."""


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "30 * * * *", "0,15,30,45 * * * *", "*/10 14 * * *", "20-40 14 1 3 *", "30 14 * * 0", "30 14 1 * 3"],
)
def test_a_schedule_names_its_minutes(schedule: str) -> None:
    assert due(schedule, AT)


@pytest.mark.parametrize("schedule", ["31 * * * *", "*/7 * * * *", "30 15 * * *", "30 14 2 * *", "30 14 * * 1"])
def test_and_no_other(schedule: str) -> None:
    assert not due(schedule, AT)

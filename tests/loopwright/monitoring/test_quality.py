import numpy as np
from numpy.typing import NDArray

from loopwright.definitions.rules import DataQuality
from loopwright.monitoring.counting import count_rows
from loopwright.monitoring.profiles import Profile, build_profile
from loopwright.monitoring.quality import QualityResult, check_quality
from tests.loopwright.monitoring.world import DAY, MODEL, day, profile_of, rows_at

RULE = DataQuality(minimum_rows=100)


def quality_of(
    change: dict[str, NDArray[np.generic] | float | str], *, share: float = 0.1, profile: Profile | None = None
) -> QualityResult:
    rows = rows_at(day(0, 1_000), seed=3)
    for name, value in change.items():
        rows[name][: int(1_000 * share)] = value
    profile = profile or profile_of()
    (counts,) = count_rows(rows, model=MODEL, version=1, window=DAY, profile=profile).values()
    return check_quality(profile, counts, RULE)


def broken(found: QualityResult) -> list[tuple[str, str, float]]:
    return [(one.check, one.name, one.share) for one in found.broken]


def test_good_data_is_not_broken() -> None:
    assert broken(quality_of({})) == []


def test_nulls_are_found() -> None:
    assert broken(quality_of({"temp": float("nan")})) == [("nulls", "temp", 0.1)]
    assert broken(quality_of({"origin": ""})) == [("nulls", "origin", 0.1)]


def test_nulls_that_were_there_at_training_are_allowed_for() -> None:
    columns = rows_at(day(0, 1_000), seed=4)
    columns["temp"][:100] = np.nan
    profile = build_profile(MODEL, columns, scores=np.ones(1), target=np.ones(1))
    assert broken(quality_of({"temp": float("nan")}, share=0.14, profile=profile)) == []
    assert broken(quality_of({"temp": float("nan")}, share=0.16, profile=profile)) == [("nulls", "temp", 0.16)]


def test_values_out_of_their_range_are_found_on_both_sides() -> None:
    assert broken(quality_of({"distance": -1.0}, share=0.02)) == [("out_of_range", "distance", 0.02)]
    assert broken(quality_of({"temp": 60.5}, share=0.02)) == [("out_of_range", "temp", 0.02)]
    assert broken(quality_of({"temp": 60.0}, share=0.02)) == []


def test_unknown_texts_are_found() -> None:
    assert broken(quality_of({"origin": "XXX"})) == [("unknown_category", "origin", 0.1)]


def test_rows_that_are_too_old_or_not_there_are_stale() -> None:
    assert broken(quality_of({"weather__age": float("nan")}, share=0.3)) == [("stale", "weather", 0.3)]
    assert broken(quality_of({"weather__age": 6 * 3600 + 1.0}, share=0.3)) == [("stale", "weather", 0.3)]
    assert broken(quality_of({"weather__age": 6 * 3600.0}, share=0.3)) == []


def test_a_share_under_its_limit_is_reported_and_not_broken() -> None:
    found = quality_of({"origin": "XXX"}, share=0.01)
    assert [(one.name, one.share) for one in found.findings] == [("origin", 0.01)]
    assert found.broken == ()


def test_few_rows_are_never_called_broken() -> None:
    rows = rows_at(day(0, 50), seed=3)
    rows["temp"][:] = np.nan
    (counts,) = count_rows(rows, model=MODEL, version=1, window=DAY, profile=profile_of()).values()
    found = check_quality(profile_of(), counts, RULE)
    assert not found.enough
    assert found.broken == ()

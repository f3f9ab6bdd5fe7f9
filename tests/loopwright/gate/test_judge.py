import math
from dataclasses import replace

import numpy as np
import pytest

from loopwright.definitions import Entity, Field, Gate, Label, Model, Slice
from loopwright.gate import Evidence, Opponent, Verdict, judge
from loopwright.metrics import Answers

ROWS = 1_000
CHANCE = np.random.default_rng(0)
TARGET = (CHANCE.random(ROWS) < 0.4).astype(float)
NOISE = CHANCE.normal(size=ROWS)
SCHEMA = {"distance": "float", "origin": "string"}
COLUMNS = {
    "origin": np.where(np.arange(ROWS) % 2 == 0, "JFK", "EWR").astype(object),
    "hour": (np.arange(ROWS) % 24).astype(float),
}


def train(*_: object) -> object:
    return None


def model(**rules: object) -> Model:
    return Model(
        name="delays",
        task="binary",
        entity=Entity("flight", (Field("flight", "string"),)),
        label=Label("late"),
        observations="flights",
        request=(Field("distance"), Field("origin", "string")),
        features=("distance", "origin"),
        train=train,
        gate=Gate(**{"metric": "roc_auc", "minimum_rows": 100, "resamples": 100, **rules}),
    )


def skilled(skill: float) -> Answers:
    return Answers(1 / (1 + np.exp(-(skill * TARGET + NOISE))))


def evidence(**changes: object) -> Evidence:
    start = Evidence(
        target=TARGET,
        candidate=skilled(1.0),
        champion=None,
        columns=COLUMNS,
        schema=SCHEMA,
        latency_ms=0.05,
        size_bytes=100_000,
    )
    return replace(start, **changes)


def verdict_of(found: Evidence, **rules: object) -> Verdict:
    judged = model(**rules)
    return judge(judged.gate, judged, found)


def message(verdict: Verdict, check: str) -> str:
    return next(reason.message for reason in verdict.reasons if reason.check == check)


def test_without_a_champion_thresholds_slices_and_budgets_decide() -> None:
    verdict = verdict_of(evidence(), minimum=0.6, slices=(Slice("origin", "JFK", 0.6),))
    assert verdict.passed
    assert not verdict.refusals
    assert [reason.check for reason in verdict.reasons] == [
        "rows", "minimum", "slice", "schema", "champion", "latency", "size",
    ]  # fmt: skip
    assert message(verdict, "champion").endswith("got no champion to beat [reported, decides nothing]")
    assert verdict.rows == ROWS
    assert set(verdict.candidate) == {"roc_auc", "average_precision", "log_loss", "brier", "accuracy"}
    assert verdict.champion == {}
    assert verdict.share_better is None


def test_a_metric_under_the_minimum_refuses_in_words() -> None:
    verdict = verdict_of(evidence(), minimum=0.9)
    assert not verdict.passed
    value = verdict.candidate["roc_auc"]
    assert verdict.refusals == (f"wanted roc_auc >= 0.9; got {value:.4g} (n=1,000)",)


def test_for_an_error_the_bound_is_an_upper_one() -> None:
    assert not verdict_of(evidence(), metric="log_loss", minimum=0.1).passed
    assert verdict_of(evidence(), metric="log_loss", minimum=2.0).passed
    assert "wanted log_loss <= 0.1;" in verdict_of(evidence(), metric="log_loss", minimum=0.1).refusals[0]


def test_a_weak_slice_refuses_by_name() -> None:
    scores = skilled(1.0).score.copy()
    weak = COLUMNS["origin"] == "JFK"
    scores[weak] = CHANCE.random(int(weak.sum()))
    verdict = verdict_of(evidence(candidate=Answers(scores)), slices=(Slice("origin", "JFK", 0.65),))
    (refusal,) = verdict.refusals
    assert refusal.startswith("wanted roc_auc >= 0.65 on slice origin=JFK; got 0.")
    assert refusal.endswith("(n=500)")


def test_a_slice_of_numbers_is_compared_as_a_number() -> None:
    verdict = verdict_of(evidence(), slices=(Slice("hour", "3", 0.0, minimum_rows=10),))
    assert verdict.passed
    assert "on slice hour=3; got" in message(verdict, "slice")
    assert "(n=42)" in message(verdict, "slice")


@pytest.mark.parametrize(("column", "value"), [("hour", "noon"), ("departed", "2013"), ("departed", "2013-01-01")])
def test_a_slice_that_nothing_equals_has_no_rows(column: str, value: str) -> None:
    departed = np.full(ROWS, np.datetime64("2013-01-01"), dtype="datetime64[us]")
    found = evidence(columns={**COLUMNS, "departed": departed})
    assert "(n=0)" in message(verdict_of(found, slices=(Slice(column, value, 0.0),)), "slice")


def test_a_small_or_empty_slice_is_reported_but_decides_nothing() -> None:
    verdict = verdict_of(evidence(), slices=(Slice("origin", "LGA", 0.65), Slice("hour", "3", 0.99)))
    assert verdict.passed
    empty, small = (reason for reason in verdict.reasons if reason.check == "slice")
    assert empty.message == (
        "wanted roc_auc >= 0.65 on slice origin=LGA; got a value that cannot be told (n=0) [reported, decides nothing]"
    )
    assert not small.passed
    assert not small.decides


def test_a_slice_that_cannot_be_found_refuses() -> None:
    verdict = verdict_of(evidence(), slices=(Slice("carrier", "UA", 0.5),))
    assert verdict.refusals == (
        "wanted roc_auc >= 0.5 on slice carrier=UA; got no column 'carrier' among the held-out rows",
    )


def test_a_better_candidate_beats_the_champion() -> None:
    verdict = verdict_of(evidence(champion=Opponent(3, skilled(0.2))), margin=0.01)
    assert verdict.passed
    assert verdict.champion_version == 3
    assert verdict.share_better == 1.0
    assert verdict.champion["roc_auc"] is not None
    wanted = "wanted roc_auc above the champion's by more than 0.01 in >= 95.0% of 100 resamples; got in 100.0%: "
    assert message(verdict, "champion").startswith(wanted)
    assert message(verdict, "champion").endswith("of champion 3")


@pytest.mark.parametrize("skill", [1.0, 1.5])
def test_an_equal_or_worse_candidate_does_not(skill: float) -> None:
    verdict = verdict_of(evidence(champion=Opponent(3, skilled(skill))))
    assert not verdict.passed
    assert "of champion 3" in verdict.refusals[0]


def test_a_negative_margin_lets_an_equal_candidate_pass() -> None:
    assert verdict_of(evidence(champion=Opponent(3, skilled(1.0))), margin=-0.01).passed


def test_a_champion_that_cannot_score_is_said_so_and_the_other_checks_decide() -> None:
    unable = Opponent(3, None, "feature weather__gust is gone")
    assert verdict_of(evidence(champion=unable), minimum=0.6).passed
    verdict = verdict_of(evidence(champion=unable), minimum=0.99)
    assert not verdict.passed
    assert (
        "no comparison: champion 3 cannot score these rows (feature weather__gust is gone); the other checks decide"
    ) in message(verdict, "champion")


def test_what_changed_in_the_inputs_since_the_champion_is_reported() -> None:
    before = {"distance": "int", "carrier": "string"}
    verdict = verdict_of(evidence(champion=Opponent(3, skilled(0.2), schema=before)))
    assert verdict.passed
    assert verdict.reasons[3].message == (
        "wanted the input columns of champion 3; got - carrier, + origin string, distance float instead of int "
        "[reported, decides nothing]"
    )


@pytest.mark.parametrize(
    ("schema", "got"),
    [
        ({"distance": "float"}, "got - origin"),
        ({"origin": "string", "distance": "float"}, "got them in another order"),
        ({**SCHEMA, "hour": "int"}, "got + hour int"),
    ],
)
def test_inputs_other_than_the_definition_s_refuse(schema: dict[str, str], got: str) -> None:
    verdict = verdict_of(evidence(schema=schema))
    assert not verdict.passed
    assert verdict.refusals[0].endswith(got)


def test_budgets_refuse_what_is_slow_or_large() -> None:
    verdict = verdict_of(evidence(latency_ms=60.0, size_bytes=250_000_000))
    assert verdict.refusals == (
        "wanted one row in at most 50 ms; got 60 ms",
        "wanted a model of at most 100 MB; got 250 MB",
    )
    assert verdict_of(
        evidence(latency_ms=60.0, size_bytes=250_000_000), maximum_latency_ms=None, maximum_size_mb=None
    ).passed


def test_too_few_rows_refuse() -> None:
    assert verdict_of(evidence(), minimum_rows=2_000).refusals == ("wanted at least 2,000 held-out rows; got 1,000",)


def test_what_cannot_be_told_refuses() -> None:
    alike = np.ones(ROWS)
    opponent = Opponent(3, skilled(0.2))
    verdict = verdict_of(evidence(target=alike, champion=opponent, latency_ms=math.nan))
    assert {reason.check for reason in verdict.reasons if not reason.passed} == {"metric", "champion", "latency"}
    assert verdict.candidate["roc_auc"] is None
    assert verdict.share_better is None
    assert not verdict_of(evidence(candidate=Answers(np.full(ROWS, np.nan))), minimum=0.5).passed


def test_rounding_never_prints_two_equal_numbers_for_a_refusal() -> None:
    value = verdict_of(evidence()).candidate["roc_auc"]
    assert value is not None
    (refusal,) = verdict_of(evidence(), minimum=value + 1e-9).refusals
    assert f"got {value!r}" in refusal


def test_equal_evidence_gets_an_equal_verdict() -> None:
    found = evidence(champion=Opponent(3, skilled(0.9)))
    assert verdict_of(found) == verdict_of(found)

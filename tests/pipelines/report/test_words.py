"""The report's sentences say what the numbers say."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pytest

from adapters import open_platform
from loopwright.clock import parse_time
from loopwright.definitions import Entity, Field, Gate, Label, Model, Project
from loopwright.errors import NotFoundError
from loopwright.gate import Finding, Verdict
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.performance import Measured
from loopwright.registry import AliasChange, Lineage, ModelVersion
from loopwright.settings import Settings
from loopwright.triggers import Decision, LedgerEntry, Reason
from pipelines.report.page import page
from pipelines.report.story import DriftCell, Occasion, QualityLine, Story, Week, gather
from pipelines.report.words import compare, sentences

START = parse_time("2024-01-01")
DAY = 86_400.0
MODEL = Model(
    name="churned",
    task="binary",
    entity=Entity("customer", keys=(Field("customer_id", "string"),)),
    label=Label("churned"),
    observations="observations",
    request=(Field("age"),),
    features=("age",),
    train=lambda *_: None,
    gate=Gate("roc_auc"),
)


def weeks(values: Sequence[float | None]) -> tuple[Week, ...]:
    def measured(value: float | None) -> Measured | None:
        if value is None:
            return None
        return Measured("roc_auc", value, value - 0.01, value + 0.01, rows=1000, labels=900, others={})

    return tuple(
        Week(START + 7 * DAY * number, START + 7 * DAY * (number + 1), measured(value))
        for number, value in enumerate(values)
    )


def occasion(day: float, number: int, *, passed: bool, kind: str = "drift") -> Occasion:
    at = START + day * DAY
    finding = Finding("champion", passed, "roc_auc above the champion's", "0.7 against <0.8>")
    verdict = Verdict(passed, (finding,), rows=500)
    lineage = Lineage("abc", code_dirty=False, code_digest="", datasets=(), parameters={}, environment_digest="")
    version = ModelVersion(
        model="churned",
        version=number,
        run_id=f"r{number}",
        source="",
        digest="",
        features_digest="",
        created=at,
        lineage=lineage,
        metrics={},
        tags={},
        verdict=verdict,
    )
    reason = Reason(kind, "age psi 0.4", f"e{number}")  # type: ignore[arg-type] # kinds as text
    return Occasion(LedgerEntry(at, reason, Decision(started=True, job=f"j{number}", why="drift")), version)


def story(
    champion: Sequence[float | None], shadow: Sequence[float | None], occasions: Sequence[Occasion] = ()
) -> Story:
    return Story(
        project="shop",
        model=MODEL,
        metric="roc_auc",
        start=START,
        end=START + 7 * DAY * len(champion),
        predictions=1000 * len(champion),
        labels=900 * len(champion),
        champion=weeks(champion),
        shadow=weeks(shadow),
        shadow_version=1,
        promotions=(
            AliasChange(START - DAY, "me", "first", None, 1),
            AliasChange(START + 8 * DAY, "me", "drift", 1, 2),
        ),
        versions=MappingProxyType({}),
        occasions=tuple(occasions),
        alerts=(Alert("drift", "churned", 1, START, START + 8 * DAY, "age psi 0.400 over 1,000 rows", ("age",)),),
        drift=(DriftCell("age", START + 7 * DAY, 0.4, drifted=True),),
        quality=(QualityLine("age", "nulls", 0.2, START, 0.05, 3, 1),),
        services=(),
    )


def test_weeks_before_the_first_other_champion_are_not_compared() -> None:
    found = compare(story([0.7, 0.8, 0.8], [0.7, 0.7, 0.6]))
    assert found is not None
    assert found.weeks == 2
    assert np.isclose(found.gain, 0.15)
    assert found.low <= found.gain <= found.high
    assert found.weeks_ahead == 2
    assert found.best[0] == START + 14 * DAY


def test_weeks_without_labels_are_passed_over() -> None:
    found = compare(story([0.7, None, 0.8], [0.7, 0.7, 0.7]))
    assert found is not None
    assert found.weeks == 1


def test_without_a_frozen_version_nothing_is_compared() -> None:
    assert compare(story([0.7, 0.8], [])) is None


def test_a_loss_is_called_a_loss() -> None:
    told = " ".join(sentences(story([0.7, 0.6], [0.7, 0.7])))
    assert "retraining lost 0.100 roc auc" in told
    assert "weakest week was that of 8 January 2024, at roc auc 0.600" in told


def test_trainings_and_refusals_are_counted() -> None:
    occasions = [occasion(8, 2, passed=True), occasion(20, 3, passed=False, kind="performance")]
    told = " ".join(sentences(story([0.7, 0.8], [0.7, 0.7], occasions)))
    assert "It was trained 2 times (1 by drift, 1 by performance)" in told
    assert "let 1 candidate pass and refused 1" in told
    assert "A drift alert was raised once, first on 9 January 2024: age psi 0.400" in told


def test_the_page_escapes_what_it_quotes() -> None:
    text = page(story([0.7, 0.8], [0.7, 0.7], [occasion(8, 2, passed=False)]))
    assert "&lt;0.8&gt;" in text
    assert "version 2 refused" in text
    assert "values are missing" in text


def test_a_model_without_predictions_has_no_report() -> None:
    platform = open_platform(Settings(provider="memory"))
    with pytest.raises(NotFoundError, match="has made no predictions yet"):
        gather(platform, Project("shop", (MODEL,)), "churned")

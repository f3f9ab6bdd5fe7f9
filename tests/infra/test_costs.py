from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from infra.costs import Work, default_spec, idle, million, read_prices, told

ROOT = Path(__file__).parents[2]


def total(costs: list[object]) -> float:
    return sum(cost.dollars for cost in costs)  # type: ignore[attr-defined] # each is a Cost


def test_the_readme_tells_what_the_price_table_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for line in told(default_spec(ROOT)):
        assert line in readme, "run `python -m infra.costs` and put its tables into the README"


def test_a_million_predictions_cost_more_when_each_takes_longer() -> None:
    spec, (prices, _) = default_spec(ROOT), read_prices()
    slow = million(spec, prices, replace(Work(), predict_milliseconds=16.0))
    answering = spec.functions[0].memory / 1024 * 8e3 * prices["lambda"]["gigabyte_second_x86_64"]
    assert total(slow) - total(million(spec, prices, Work())) == pytest.approx(answering)


def test_warm_instances_are_paid_for_while_nobody_asks() -> None:
    spec, (prices, _) = default_spec(ROOT), read_prices()
    predict, *others = spec.functions
    warm = replace(spec, functions=(replace(predict, warm=2), *others))
    seconds = timedelta(days=30).total_seconds()
    dearer = 2 * seconds * predict.memory / 1024 * prices["lambda"]["warm_gigabyte_second_x86_64"]
    assert total(idle(warm, prices)) - total(idle(spec, prices)) == pytest.approx(dearer)


def test_every_price_is_dated() -> None:
    _, which = read_prices()
    assert which.startswith("20")

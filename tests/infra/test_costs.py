from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from infra.costs.bill import MONTH, Cost, Logging, Prices, Work, read_prices
from infra.costs.tables import BILLS, default_spec, told
from infra.limits import Cloud

ROOT = Path(__file__).parents[2]
PROVIDERS = get_args(Cloud)


def total(costs: list[Cost]) -> float:
    return sum(cost.dollars for cost in costs)


def second(provider: Cloud, memory: int, prices: Prices, *, warm: bool = False) -> float:
    """Return what a second of predict costs, with its default memory."""
    kept, gigabytes = "warm_" if warm else "", memory / 1024
    if provider == "aws":
        return gigabytes * prices["lambda"][f"{kept}gigabyte_second_x86_64"]
    return prices["run"][f"{kept}cpu_second"] + gigabytes * prices["run"][f"{kept}gigabyte_second"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_readme_tells_what_the_price_table_says(provider: Cloud) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for line in told(default_spec(ROOT, provider)):
        assert line in readme, f"run `python -m infra.costs {provider}` and put its tables into the README"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_million_predictions_cost_more_when_each_takes_longer(provider: Cloud) -> None:
    spec, (prices, _) = default_spec(ROOT, provider), read_prices(provider)
    short, long = replace(Work(), predict_milliseconds=200.0), replace(Work(), predict_milliseconds=300.0)
    dearer = total(BILLS[provider].million(spec, prices, long)) - total(BILLS[provider].million(spec, prices, short))
    assert dearer == pytest.approx(1e6 * 0.1 * second(provider, spec.functions[0].memory, prices))


def test_google_bills_whole_tenths_of_a_second() -> None:
    spec, (prices, _) = default_spec(ROOT, "gcp"), read_prices("gcp")
    quick = [BILLS["gcp"].million(spec, prices, replace(Work(), predict_milliseconds=one)) for one in (1.0, 100.0)]
    assert total(quick[0]) == total(quick[1])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_warm_instances_are_paid_for_while_nobody_asks(provider: Cloud) -> None:
    spec, (prices, _) = default_spec(ROOT, provider), read_prices(provider)
    predict, *others = spec.functions
    warm = replace(spec, functions=(replace(predict, warm=2), *others))
    dearer = total(BILLS[provider].idle(warm, prices)) - total(BILLS[provider].idle(spec, prices))
    waiting = 2 * MONTH.total_seconds() * second(provider, predict.memory, prices, warm=True)
    assert dearer == pytest.approx(waiting)
    assert timedelta(days=30) == MONTH


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_run_costs_what_its_files_cost_and_nothing_where_none_are_tracked(provider: Cloud) -> None:
    spec, (prices, _) = default_spec(ROOT, provider), read_prices(provider)
    small, large = Logging(), replace(Logging(), file_bytes=Logging().file_bytes * 1_001)
    dearer = total(BILLS[provider].thousand(spec, prices, large)) - total(BILLS[provider].thousand(spec, prices, small))
    store = prices["s3" if provider == "aws" else "storage"]
    assert dearer == pytest.approx(1_000_000 * Logging().file_bytes / 1e9 * store["gigabyte_month"])
    without = replace(spec, config=replace(spec.config, tracking=False))
    assert "runs of notebooks" in " ".join(told(spec))
    assert "runs of notebooks" not in " ".join(told(without))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_price_is_dated(provider: Cloud) -> None:
    _, which = read_prices(provider)
    assert which.startswith("20")

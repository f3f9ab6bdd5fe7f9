from functions.metrics.app import create_app, exposition
from loopwright.ports import Platform
from loopwright.ports.telemetry import LATENCY_BOUNDS, Series
from tests.airport import world
from tests.airport.caller import Caller


def test_counters_and_histograms_are_told_in_the_text_format(platform: Platform) -> None:
    platform.telemetry.count("requests", 2, route="/models/{model}/predict", status="200")
    for value in (0.4, 3.0, 9_000.0):
        platform.telemetry.observe("prediction_ms", value, model="delays")
    answer = Caller(create_app(platform, world.project())).get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert "# TYPE loopwright_requests_total counter" in lines
    assert 'loopwright_requests_total{route="/models/{model}/predict",status="200"} 2.0' in lines
    assert "# TYPE loopwright_prediction_ms histogram" in lines
    assert 'loopwright_prediction_ms_bucket{model="delays",le="0.5"} 1' in lines
    assert 'loopwright_prediction_ms_bucket{model="delays",le="5.0"} 2' in lines
    assert 'loopwright_prediction_ms_bucket{model="delays",le="+Inf"} 3' in lines
    assert 'loopwright_prediction_ms_count{model="delays"} 3' in lines


def test_a_label_may_hold_any_text() -> None:
    series = Series("odd", {"text": 'a"b\\c\nd'}, 0, 1.0, (0,) * (len(LATENCY_BOUNDS) + 1))
    assert exposition([series]).splitlines()[1] == 'loopwright_odd_total{text="a\\"b\\\\c\\nd"} 1.0'

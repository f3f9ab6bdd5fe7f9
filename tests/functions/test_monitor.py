from functions.monitor.app import create_app
from loopwright.ports import Platform
from loopwright.serving.collecting import collect
from loopwright.serving.predictor import Predictor
from tests.airport import world
from tests.airport.caller import Caller


def test_monitoring_counts_what_was_logged_once(platform: Platform) -> None:
    world.crown(platform, world.register(platform))
    Predictor(platform, world.project()).predict("delays", world.rows(5))
    collect(platform, world.project())
    caller = Caller(create_app(platform, world.project()))
    assert caller.post("/monitor").body == {"delays": {"champion": 1, "predictions": 5, "labels": 0, "alerts": []}}
    assert caller.post("/monitor").body["delays"]["predictions"] == 0

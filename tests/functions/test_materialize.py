import numpy as np

from functions.materialize.app import create_app
from loopwright.columns import times
from loopwright.ports import Platform
from tests.airport import world
from tests.airport.caller import Caller


def test_what_changed_in_the_lake_comes_online_once(platform: Platform) -> None:
    platform.lake.append(
        "weather",
        {
            "origin": np.array(["LGA", "LGA", "EWR"], dtype=object),
            "hour": times([platform.clock() - age for age in (7_200, 60, 60)]),
            "wind": np.array([1.0, 2.0, 3.0]),
            "sky": np.array(["blue", "grey", ""], dtype=object),
        },
    )
    caller = Caller(create_app(platform, world.project()))
    assert caller.post("/materialize").body == {"weather": {"rows_read": 3, "rows_written": 2}}
    assert caller.post("/materialize").body == {"weather": {"rows_read": 0, "rows_written": 0}}

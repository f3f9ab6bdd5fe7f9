import json

import pytest

from loopwright.errors import CapabilityError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.ports.queues import Depth
from loopwright.settings import Settings
from tests.contracts.counting import Depths
from tests.contracts.racing import processes, threads
from tests.contracts.worlds import DAWN


def event(identity: str = "e1", kind: str = "loopwright.drift.detected") -> Event:
    return Event(identity, "loopwright/flights", kind, DAWN + 0.25, "delays", {"feature": "temp", "psi": 0.4, "n": [1]})


def test_a_subscriber_gets_a_structured_cloudevent(platform: Platform) -> None:
    platform.events.publish(event())
    (message,) = platform.queue.receive("alarms")
    assert json.loads(message.body) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "loopwright/flights",
        "type": "loopwright.drift.detected",
        "time": "2013-01-01T00:00:00.250000Z",
        "subject": "delays",
        "datacontenttype": "application/json",
        "data": {"feature": "temp", "psi": 0.4, "n": [1]},
    }


def test_an_event_goes_to_every_queue_that_subscribes_to_its_type_once(platform: Platform, depths: Depths) -> None:
    platform.events.publish(event("1", "loopwright.drift.detected"))
    platform.events.publish(event("2", "loopwright.training.failed"))
    platform.events.publish(event("3", "somebody.else"))
    depths.are("alarms", Depth(1, 0, 0))
    depths.are("everything", Depth(2, 0, 0))


def test_the_same_id_again_is_dropped(platform: Platform, depths: Depths) -> None:
    for _ in range(3):
        platform.events.publish(event())
    depths.are("alarms", Depth(1, 0, 0))
    depths.are("everything", Depth(1, 0, 0))


def test_the_newest_events_come_first(platform: Platform) -> None:
    if not platform.capabilities.event_history:
        with pytest.raises(CapabilityError):
            platform.events.recent()
        pytest.skip("Capabilities.event_history is false")
    assert platform.events.recent() == []
    for number in range(5):
        platform.events.publish(event(str(number)))
    assert [each.id for each in platform.events.recent(limit=3)] == ["4", "3", "2"]
    assert platform.events.recent(limit=1) == [event("4")]


def test_the_same_event_from_everywhere_arrives_once(platform: Platform, depths: Depths) -> None:
    threads(6, lambda number: platform.events.publish(event(str(number % 2))))
    depths.are("alarms", Depth(2, 0, 0))


def test_the_same_event_from_several_processes_arrives_once(
    durable: Platform, depths: Depths, settings: Settings
) -> None:
    processes(3, settings, publish)
    depths.are("alarms", Depth(1, 0, 0))
    assert len(durable.events.recent()) == 1


def publish(platform: Platform, number: int) -> None:
    platform.events.publish(event())

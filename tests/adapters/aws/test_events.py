"""Publishing on a bus that refuses, and beside publishers that died."""

import json
from collections.abc import Callable

import pytest

from adapters.aws.api import ATTEMPTS
from adapters.aws.events import EventBridgeEvents
from adapters.aws.replies import ServiceError
from adapters.memory.table import MemoryTable
from adapters.publishing import KEPT, LEASE
from loopwright.errors import InvalidInputError, UnavailableError
from loopwright.ports.events import Event

DONE = {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}


class Moment:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Bus:
    """EventBridge: answers what it is told to, and keeps what it took."""

    def __init__(self) -> None:
        self.answers: list[dict | BaseException | Callable[[], dict]] = []
        self.sent: list[dict] = []
        self.calls = 0

    def call(self, target: str, body: dict, *, version: str) -> dict:
        assert (target, version) == ("AWSEvents.PutEvents", "1.1")
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else DONE
        answer = answer() if callable(answer) else answer
        if isinstance(answer, BaseException):
            raise answer
        if not answer["FailedEntryCount"]:
            self.sent += body["Entries"]
        return answer


def failed(code: str) -> dict:
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "busy"}]}


def event(identity: str = "e1", data: object = "wind") -> Event:
    return Event(identity, "loopwright/airport", "loopwright.drift.detected", 5.0, "delays", {"detail": data})


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def table(moment: Moment) -> MemoryTable:
    return MemoryTable(moment)


@pytest.fixture
def publisher(bus: Bus, table: MemoryTable, moment: Moment) -> Callable[[], EventBridgeEvents]:
    """Makes publishers, as many processes would."""
    stamps, names = iter(range(1_000)), iter(range(1_000))

    def make(clock: Callable[[], float] = moment, items: MemoryTable = table) -> EventBridgeEvents:
        return EventBridgeEvents(
            bus,
            "the-bus",
            items,
            clock,
            lambda: str(next(names)),
            sleep=moment.sleep,
            timer=moment,
            stamp=lambda: next(stamps),
        )

    return make


Publisher = Callable[..., EventBridgeEvents]


def test_the_entry_is_what_the_rules_match(publisher: Publisher, bus: Bus) -> None:
    publisher().publish(event())
    (entry,) = bus.sent
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
        "the-bus",
        "loopwright/airport",
        "loopwright.drift.detected",
    )
    assert json.loads(entry["Detail"])["subject"] == "delays"


def test_an_entry_that_was_not_taken_is_sent_again(publisher: Publisher, bus: Bus) -> None:
    bus.answers = [failed("ThrottlingException"), failed("InternalFailure")]
    publisher().publish(event())
    assert (bus.calls, len(bus.sent)) == (3, 1)


def test_an_entry_that_is_never_taken_is_an_error_and_may_be_published_later(publisher: Publisher, bus: Bus) -> None:
    bus.answers = [failed("InternalFailure")] * ATTEMPTS
    with pytest.raises(UnavailableError, match=r"publish loopwright\.drift\.detected: InternalFailure: busy"):
        publisher().publish(event())
    assert publisher().recent() == []
    publisher().publish(event())
    assert len(bus.sent) == 1


def test_an_entry_that_is_wrong_is_not_sent_again(publisher: Publisher, bus: Bus) -> None:
    bus.answers = [failed("MalformedDetail")]
    with pytest.raises(UnavailableError, match="MalformedDetail"):
        publisher().publish(event())
    assert bus.calls == 1


def test_after_an_error_the_next_publisher_does_not_wait(publisher: Publisher, bus: Bus, moment: Moment) -> None:
    bus.answers = [ServiceError("InternalException", "", 500, b"", repeated=True)]
    with pytest.raises(UnavailableError):
        publisher().publish(event())
    before = moment.now
    publisher().publish(event())
    assert (len(bus.sent), moment.now) == (1, before)


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("stands", [False, True])
def test_who_died_before_he_sent_is_replaced_after_his_lease(
    publisher: Publisher, bus: Bus, moment: Moment, *, stands: bool
) -> None:
    """Also where the platform's clock stands still."""
    clock = (lambda: 7.0) if stands else moment
    items = MemoryTable(clock)
    bus.answers = [Killed()]
    with pytest.raises(Killed):
        publisher(clock, items).publish(event())
    before = moment.now
    publisher(clock, items).publish(event())
    assert len(bus.sent) == 1
    assert LEASE <= moment.now - before < LEASE + 1


def test_who_died_after_he_sent_makes_it_arrive_twice_but_listed_once(publisher: Publisher, bus: Bus) -> None:
    def taken_and_killed() -> Exception:
        bus.sent.append({})
        raise Killed

    bus.answers = [taken_and_killed]
    with pytest.raises(Killed):
        publisher().publish(event())
    publisher().publish(event())
    publisher().publish(event())
    assert len(bus.sent) == 2
    assert publisher().recent() == [event()]


def test_while_one_sends_another_waits_and_sends_nothing(publisher: Publisher, bus: Bus, moment: Moment) -> None:
    """The second begins in the middle of the first one's call, and sees its end while it sleeps."""
    first, second = publisher(), publisher()
    waits = []

    class Stop(Exception):  # noqa: N818
        pass

    def looking(seconds: float) -> None:
        waits.append(seconds)
        raise Stop

    def meanwhile() -> dict:
        second._publishing._sleep = looking
        with pytest.raises(Stop):
            second.publish(event())
        return DONE

    bus.answers = [meanwhile]
    first.publish(event())
    second.publish(event())
    assert (len(bus.sent), len(waits)) == (1, 1)


def test_who_was_so_slow_that_he_was_replaced_lists_nothing_twice(
    publisher: Publisher, bus: Bus, moment: Moment
) -> None:
    slow, other = publisher(), publisher()

    def late() -> dict:
        moment.now += LEASE + 1
        other.publish(event())
        return DONE

    bus.answers = [late]
    slow.publish(event())
    assert len(bus.sent) == 2
    assert slow.recent() == [event()]


def test_events_are_known_for_thirty_days(publisher: Publisher, bus: Bus, moment: Moment) -> None:
    publisher().publish(event())
    moment.now += KEPT - 1
    publisher().publish(event())
    assert (len(bus.sent), len(publisher().recent())) == (1, 1)
    moment.now += 2
    assert publisher().recent() == []
    publisher().publish(event())
    assert len(bus.sent) == 2


def test_an_event_that_no_bus_takes_is_refused(publisher: Publisher, bus: Bus) -> None:
    with pytest.raises(InvalidInputError, match="240,000 is the most"):
        publisher().publish(event(data="x" * 240_000))
    assert bus.calls == 0

import pytest

from adapters.cloudevents import encode
from functions.retrain.app import create_app
from functions.retrain.deciding import consider_alert
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.triggers.service import Triggers
from tests.airport import world
from tests.airport.caller import Caller


@pytest.fixture
def triggers(platform: Platform) -> Triggers:
    return Triggers(platform, world.project())


def alert(kind: str = "loopwright.drift.detected", *, identity: str = "one", model: str = "delays") -> bytes:
    return encode(Event(identity, "loopwright/airport", kind, 0.0, model, {"detail": "wind psi 0.31"}))


def test_a_person_asks_and_is_told_what_was_decided(platform: Platform, triggers: Triggers) -> None:
    caller = Caller(create_app(platform, world.project()))
    answer = caller.post("/models/delays/retrain", {"why": "new planes", "who": "ada"})
    assert answer.status == 200
    assert answer.body["started"] is True
    assert platform.jobs.status(answer.body["job"]).state == "running"
    refused = caller.post("/models/delays/retrain", {"why": "again"}).body
    assert (refused["started"], refused["job"]) == (False, None)
    newest, first = triggers.ledger("delays")
    assert (first.reason.detail, first.reason.who) == ("new planes", "ada")
    assert newest.decision.why == refused["why"]


def test_a_request_that_names_its_occasion_is_decided_once(platform: Platform) -> None:
    caller = Caller(create_app(platform, world.project()))
    body = {"why": "new planes", "id": "ticket-7"}
    assert caller.post("/models/delays/retrain", body).body == caller.post("/models/delays/retrain", body).body


def test_bodies_of_another_kind_and_unknown_models_are_problems(platform: Platform) -> None:
    caller = Caller(create_app(platform, world.project()))
    assert caller.post("/models/delays/retrain", {}).status == 400
    assert caller.post("/models/fares/retrain", {"why": "x"}).status == 404


@pytest.mark.parametrize(
    ("kind", "reason"), [("loopwright.drift.detected", "drift"), ("loopwright.performance.lost", "performance")]
)
def test_an_alert_becomes_a_reason_with_its_own_words(triggers: Triggers, kind: str, reason: str) -> None:
    first = consider_alert(triggers, alert(kind), now=1e9)
    assert consider_alert(triggers, alert(kind), now=2e9) == first
    (entry,) = triggers.ledger("delays")
    assert (entry.reason.kind, entry.reason.detail, entry.at) == (reason, "wind psi 0.31", 1e9)


def test_what_is_no_alert_starts_nothing(triggers: Triggers) -> None:
    with pytest.raises(InvalidInputError, match="starts no retraining"):
        consider_alert(triggers, alert("loopwright.registry.promoted"), now=1e9)
    with pytest.raises(InvalidInputError, match="CloudEvent"):
        consider_alert(triggers, b"{}", now=1e9)
    with pytest.raises(NotFoundError, match="it has delays"):
        consider_alert(triggers, alert(model="fares"), now=1e9)

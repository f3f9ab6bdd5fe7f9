from collections.abc import Sequence
from functools import cached_property

import pytest
from msgspec.structs import replace

from adapters.cloudevents import encode
from adapters.memory.provider import MemoryPlatform
from functions.mirror.app import create_app
from functions.mirror.hearing import consumer
from loopwright.errors import UnavailableError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.ports.mirror import Mirror, MirroredRun, MirroredVersion
from loopwright.ports.queues import Message
from loopwright.settings import Settings
from loopwright.tracking import Metric, Tracking
from tests.airport import world
from tests.airport.caller import Caller


class Shown(Mirror):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.versions: dict[str, tuple[MirroredVersion, ...]] = {}
        self.runs: dict[str, MirroredRun] = {}
        self.away = False

    def show_versions(self, model: str, versions: Sequence[MirroredVersion]) -> None:
        if self.away:
            raise UnavailableError("the mirror is away")
        self.versions[model] = tuple(versions)

    def show_run(self, run: MirroredRun) -> None:
        self.runs[run.id] = run


class Mirrored(MemoryPlatform):
    @cached_property
    def mirror(self) -> Shown:
        return Shown()


@pytest.fixture
def mirrored() -> Mirrored:
    return Mirrored(Settings("memory"))


def message(kind: str = "loopwright.registry.promoted", *, run_id: str = "", identity: str = "m1") -> Message:
    event = Event("e", "loopwright/airport", kind, 0.0, "delays", {"run_id": run_id} if run_id else {})
    return Message(identity, identity, encode(event), 1, 0.0)


def run_of(platform: Platform) -> str:
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    run = tracking.create_run(tracking.ensure_experiment("delays").id, name="n", run_id=platform.new_id(), started=1.0)
    metrics = [Metric("roc_auc", 0.75, 1.0), Metric("broken", float("nan"), 1.0)]
    tracking.log_batch(run.id, params={"depth": "3"}, metrics=metrics)
    tracking.finish_run(run.id, "FAILED")
    return run.id


def take(platform: Platform, *messages: Message) -> Sequence[str]:
    return consumer(platform).take("mirror", messages)


def test_what_an_event_is_about_is_looked_at_again(mirrored: Mirrored) -> None:
    first, second = world.register(mirrored), world.register(mirrored)
    world.crown(mirrored, first)
    assert take(mirrored, message()) == []
    assert [(one.version, one.aliases) for one in mirrored.mirror.versions["delays"]] == [(first, ("champion",))]
    world.crown(mirrored, second)
    assert take(mirrored, message(), message(identity="m2")) == []
    (shown,) = mirrored.mirror.versions["delays"]
    kept = world.registry(mirrored).version("delays", second)
    assert (shown.version, shown.package, shown.run_id) == (second, kept.source, kept.run_id)
    assert shown.lineage["features"] == kept.features_digest
    assert shown.lineage["digest"] == kept.digest


def test_a_run_is_shown_with_its_finite_metrics(mirrored: Mirrored) -> None:
    run_id = run_of(mirrored)
    assert take(mirrored, message("loopwright.training.failed", run_id=run_id)) == []
    assert mirrored.mirror.runs == {
        run_id: MirroredRun(run_id, "delays", "failed", {"depth": "3"}, {"roc_auc": 0.75}),
    }


def test_a_run_that_is_gone_is_nothing_to_show(mirrored: Mirrored) -> None:
    assert take(mirrored, message("loopwright.training.finished", run_id="0" * 32)) == []
    assert mirrored.mirror.runs == {}


def test_a_mirror_that_is_away_has_the_message_come_back(
    mirrored: Mirrored, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrored.mirror.away = True
    assert take(mirrored, message()) == ["m1"]
    assert '"severity":"ERROR"' in capsys.readouterr().err


def test_what_is_about_neither_versions_nor_runs_is_dropped(mirrored: Mirrored) -> None:
    strange = replace(message(), body=b"no event")
    assert take(mirrored, message("loopwright.drift.detected"), strange) == []
    assert mirrored.mirror.versions == {}


def test_where_nothing_is_configured_messages_are_done_and_a_person_is_told(platform: Platform) -> None:
    assert take(platform, message()) == []
    answer = Caller(create_app(platform, world.project())).post("/mirror", {})
    assert answer.status == 501
    assert "no mirror is configured" in answer.body["detail"]


def test_a_person_has_everything_shown(mirrored: Mirrored) -> None:
    world.crown(mirrored, world.register(mirrored))
    answer = Caller(create_app(mirrored, world.project())).post("/mirror", {})
    assert (answer.status, answer.body) == (200, {"versions": 1})
    assert set(mirrored.mirror.versions) == {model.name for model in world.project().models}

"""A version's whole way to Vertex AI: registered, promoted, told by an event, shown by Google's own client."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from adapters import open_platform
from adapters.cloudevents import encode
from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.tokens import Nobody
from functions.mirror.hearing import consumer
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.ports.queues import Message
from loopwright.settings import Settings
from loopwright.tracking import Metric, Tracking
from tests.airport import world
from tests.clouds.google.throwaway import PROJECT, REGION, throwaway
from tests.clouds.google.world import SERVICES, google
from tests.clouds.tools import MissingToolError

VERTEX = f"/v1/projects/{PROJECT}/locations/{REGION}"


@pytest.fixture
def place() -> Iterator[GcpPlace]:
    try:
        endpoint = google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    with throwaway(endpoint, ()) as bare:
        yield replace(bare, vertex="true", training_image="images/loopwright:1")


@pytest.fixture
def platform(place: GcpPlace) -> Iterator[Platform]:
    with closing(open_platform(Settings("gcp", project=world.FOLDER, place=place.to_env()))) as platform:
        yield platform


def test_a_promoted_version_and_its_run_are_on_vertex_ai_after_the_event(platform: Platform, place: GcpPlace) -> None:
    version = world.register(platform)
    world.crown(platform, version)
    run_id = world.registry(platform).version("delays", version).run_id
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    tracking.create_run(tracking.ensure_experiment("delays").id, name="n", run_id=run_id, started=1.0)
    tracking.log_batch(run_id, params={"depth": "3"}, metrics=[Metric("roc_auc", 0.75, 1.0)])
    tracking.finish_run(run_id, "FINISHED")
    event = Event("e", "loopwright/airport", "loopwright.registry.promoted", 0.0, "delays", {"run_id": run_id})
    message = Message("m", "m", encode(event), 1, 0.0)
    assert consumer(platform).take("mirror", [message, message]) == []
    with closing(Api("", endpoint=place.endpoint, tokens=Nobody())) as api:
        (model,) = api.call("GET", f"{VERTEX}/models/{place.queues}-delays:listVersions")["models"]
        assert {"champion", f"loopwright-{version}"} <= set(model["versionAliases"])
        prefix = model["artifactUri"].removeprefix(f"gs://{place.bucket}/blobs/")
        assert [one.key for one in platform.blobs.list(prefix)]
        run = api.call("GET", f"{VERTEX}/metadataStores/default/contexts/{place.queues}-delays-{run_id}")
        assert run["metadata"] == {"_params": {"depth": "3"}, "_metrics": {"roc_auc": 0.75}, "_state": "COMPLETE"}


def test_nothing_is_shown_where_nothing_is_configured(place: GcpPlace) -> None:
    settings = Settings("gcp", project=world.FOLDER, place=replace(place, vertex="").to_env())
    with closing(open_platform(settings)) as platform:
        assert platform.mirror is None

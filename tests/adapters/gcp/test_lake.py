import json

import numpy as np
import pytest

from adapters.gcp.api import Clients
from adapters.gcp.lake import GcsLake
from adapters.gcp.place import GcpPlace
from adapters.gcp.provider import STORAGE
from adapters.gcp.signing import PersonSigner
from loopwright.columns import Columns
from loopwright.errors import NotFoundError
from tests.adapters.gcp.seen import Seen
from tests.clouds.losing import Losses

T = "predictions/delays"


@pytest.fixture
def lake(straight_clients: Clients, straight: GcpPlace) -> GcsLake:
    return opened(straight_clients, straight)


def opened(clients: Clients, place: GcpPlace) -> GcsLake:
    return GcsLake(clients.api(STORAGE), place, PersonSigner())


def rows(*numbers: float) -> Columns:
    return {"x": np.array(numbers)}


@pytest.mark.parametrize("transaction", [None, "once"])
def test_a_commit_whose_answer_was_lost_is_made_once(
    lake: GcsLake, clients: Clients, place: GcpPlace, losses: Losses, transaction: str | None
) -> None:
    writer = opened(clients, place)
    for version in range(3):
        # The first commit is ours to make, over JSON; the later ones are `deltalake`'s, over XML.
        losses.method, losses.part = ("POST", "/upload/") if version == 0 else ("PUT", f"{version:020}%2Ejson")
        losses.count = 1
        told = transaction and f"{transaction}{version}"
        assert writer.append(T, rows(float(version)), transaction=told) == version
        assert losses.count == 0
    assert lake.version(T) == 2
    assert sorted(lake.read_columns(T)["x"]) == [0.0, 1.0, 2.0]


def test_a_first_commit_whose_answer_was_lost_is_known_again(
    lake: GcsLake, clients: Clients, place: GcpPlace, losses: Losses
) -> None:
    # Each upload's answer is lost once: that of the rows, and that of the commit which may not be there yet.
    losses.method, losses.part, losses.count = "POST", "ifGenerationMatch=0", 1
    assert opened(clients, place).append(T, rows(1.0)) == 0
    assert losses.count == 0
    assert lake.read_columns(T)["x"].tolist() == [1.0]


def test_a_table_that_another_was_faster_to_create_leaves_nothing_behind(
    lake: GcsLake, straight_clients: Clients, straight: GcpPlace, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, late = opened(straight_clients, straight), opened(straight_clients, straight)
    assert other.append(T, rows(1.0), transaction="same") == 0
    looks = iter([False, False])
    exists = late._storage.exists
    monkeypatch.setattr(late._storage, "exists", lambda table: next(looks, None) is None and exists(table))
    assert late.append(T, rows(1.0), transaction="same") == 0
    assert lake.read_columns(T)["x"].tolist() == [1.0]
    assert len([key for key in seen.objects() if key.endswith(".parquet")]) == 1


def test_an_expired_version_is_not_found(lake: GcsLake) -> None:
    versions = [lake.append(T, rows(float(number))) for number in range(4)]
    assert lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]]).files_expired == 2
    for act in (
        lambda: lake.read(T, version=versions[2]),
        lambda: lake.changes(T, since=versions[0], until=versions[2]),
        lambda: lake.changed_columns(T, since=-1, until=versions[3]),
    ):
        with pytest.raises(NotFoundError, match="expired"):
            act()
    assert sorted(lake.read_columns(T, version=versions[1])["x"]) == [0.0, 1.0]


def test_a_log_that_others_tidied_away_is_opened_anew(
    lake: GcsLake, straight_clients: Clients, straight: GcpPlace, seen: Seen
) -> None:
    idle = opened(straight_clients, straight)
    first = lake.append(T, rows(0.0), transaction="first")
    assert idle.version(T) == first
    for number in range(1, 4):
        lake.append(T, rows(float(number)))
    # One version later the table is as old as the log: nothing before its checkpoint is needed.
    for _ in range(2):
        lake.maintain(T, keep_seconds=-5.0)
        lake.append(T, rows(9.0))
    assert not any(key.endswith(f"{0:020}.json") for key in seen.objects())
    assert idle.version(T) == lake.version(T)
    assert idle.tables() == [T]
    assert idle.append(T, rows(0.0), transaction="first") == lake.version(T)
    with pytest.raises(NotFoundError, match="expired"):
        idle.read(T, version=first)
    assert len(idle.read_columns(T)["x"]) == 6


def test_a_file_too_large_for_one_request_arrives_in_parts(
    lake: GcsLake, clients: Clients, place: GcpPlace, losses: Losses
) -> None:
    lake.append(T, rows(-1.0))
    many = np.random.default_rng(1).random(3_000_000)
    losses.method, losses.part, losses.count = "PUT", "partNumber=", 1
    opened(clients, place).append(T, {"x": many})
    assert len(losses.lost) == 1
    found = lake.read_columns(T)["x"]
    assert len(found) == 3_000_001
    assert np.isclose(float(np.sum(found)), float(np.sum(many)) - 1.0)


def test_at_google_credentials_are_found_by_what_opens_the_tables(straight_clients: Clients) -> None:
    place = GcpPlace("p", "r", "bucket", "d", "q")
    storage = opened(straight_clients, place)._storage
    assert storage.location(T) == "gs://bucket/lake/predictions-/delays"
    assert storage.options() == {}
    assert storage.options() is storage.options()


def test_elsewhere_nobody_is_asked_who_he_is(straight_clients: Clients, straight: GcpPlace) -> None:
    options = opened(straight_clients, straight)._storage.options()
    assert options
    key = json.loads(options["google_service_account_key"])
    assert (key["gcs_base_url"], key["disable_oauth"]) == (straight.endpoint, True)

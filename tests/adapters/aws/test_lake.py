from collections.abc import Iterator

import numpy as np
import pytest

from adapters.aws.api import Api
from adapters.aws.credentials import CredentialsKeeper
from adapters.aws.lake import S3Lake
from adapters.aws.place import AwsPlace
from adapters.aws.signing import Credentials
from loopwright.columns import Columns
from loopwright.errors import NotFoundError
from tests.clouds.aws import client, moto
from tests.clouds.losing import Losses

T = "predictions/delays"


@pytest.fixture
def lake(straight_api: Api, straight: AwsPlace) -> S3Lake:
    return S3Lake(straight_api, straight)


def rows(*numbers: float) -> Columns:
    return {"x": np.array(numbers)}


def keys(place: AwsPlace) -> Iterator[str]:
    for each in client(moto(), "s3").list_objects_v2(Bucket=place.bucket).get("Contents", []):
        yield each["Key"]


@pytest.mark.parametrize("transaction", [None, "once"])
def test_a_commit_whose_answer_was_lost_is_made_once(
    lake: S3Lake, api: Api, place: AwsPlace, losses: Losses, transaction: str | None
) -> None:
    writer = S3Lake(api, place)
    for version in range(3):
        losses.method, losses.part, losses.count = "PUT", f"_delta_log/{version:020}.json", 1
        told = transaction and f"{transaction}{version}"
        assert writer.append(T, rows(float(version)), transaction=told) == version
        assert losses.count == 0
    assert lake.version(T) == 2
    assert sorted(lake.read_columns(T)["x"]) == [0.0, 1.0, 2.0]


def test_a_table_that_another_was_faster_to_create_leaves_nothing_behind(
    lake: S3Lake, straight_api: Api, straight: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, late = S3Lake(straight_api, straight), S3Lake(straight_api, straight)
    assert other.append(T, rows(1.0), transaction="same") == 0
    seen = iter([False, False])
    exists = late._storage.exists
    monkeypatch.setattr(late._storage, "exists", lambda table: next(seen, None) is None and exists(table))
    assert late.append(T, rows(1.0), transaction="same") == 0
    assert lake.read_columns(T)["x"].tolist() == [1.0]
    assert len([key for key in keys(straight) if key.endswith(".parquet")]) == 1


def test_an_expired_version_is_not_found(lake: S3Lake) -> None:
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


def test_a_log_that_others_tidied_away_is_opened_anew(lake: S3Lake, straight_api: Api, straight: AwsPlace) -> None:
    idle = S3Lake(straight_api, straight)
    first = lake.append(T, rows(0.0), transaction="first")
    assert idle.version(T) == first
    for number in range(1, 4):
        lake.append(T, rows(float(number)))
    # One version later the table is as old as the log: nothing before its checkpoint is needed.
    for _ in range(2):
        lake.maintain(T, keep_seconds=-5.0)
        lake.append(T, rows(9.0))
    assert not any(key.endswith(f"{0:020}.json") for key in keys(straight))
    assert idle.version(T) == lake.version(T)
    assert idle.tables() == [T]
    assert idle.append(T, rows(0.0), transaction="first") == lake.version(T)
    with pytest.raises(NotFoundError, match="expired"):
        idle.read(T, version=first)
    assert len(idle.read_columns(T)["x"]) == 6


def test_tables_are_opened_anew_with_new_credentials(straight: AwsPlace) -> None:
    now = [0.0]
    keeper = CredentialsKeeper(lambda: Credentials(f"key{now[0]:g}", "test", "t", now[0] + 3_600.0), lambda: now[0])
    api = Api("s3", straight.region, endpoint=straight.endpoint, credentials=keeper)
    lake = S3Lake(api, straight)
    lake.append(T, rows(1.0))
    lake.append(T, rows(2.0))
    before = lake._opened[T], lake._storage.options()
    assert lake.version(T) == 1
    assert lake._opened[T] is before[0]
    now[0] = 4_000.0
    assert lake.read_columns(T, version=0)["x"].tolist() == [1.0]
    assert sorted(lake.read_columns(T)["x"]) == [1.0, 2.0]
    assert lake._opened[T] is not before[0]
    after = lake._storage.options()
    assert (before[1] or {})["AWS_ACCESS_KEY_ID"] == "key0"
    assert (after or {})["AWS_ACCESS_KEY_ID"] == "key4000"
    api.close()

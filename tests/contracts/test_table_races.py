import pytest

from loopwright.ports import Platform, Table
from loopwright.ports.table import ABSENT, Key, Put, Version
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads, won
from tests.contracts.reading import sorts

KEY = Key("model/delays", "alias/champion")


def test_no_addition_is_lost_in_a_race(table: Table) -> None:
    threads(4, lambda _: [table.add(KEY, {"n": 1, "half": 0.5}) for _ in range(25)])
    found = table.get(KEY)
    assert found
    assert (found.value, found.version) == ({"n": 100, "half": 50.0}, 100)


def test_of_transactions_in_a_race_one_wins(table: Table) -> None:
    table.put(KEY, {"at": 0})

    def move(number: int) -> bool:
        mine = Key("moves", str(number))
        return won(lambda: table.transact([Put(mine, {}, ABSENT), Put(KEY, {"at": number}, Version(1))]))

    wins = threads(8, move)
    assert sum(wins) == 1
    assert sorts(table.query("moves")) == [str(wins.index(True))]


def test_readers_never_see_half_a_transaction(platform: Platform, table: Table) -> None:
    if not platform.capabilities.isolated_reads:
        pytest.skip("Capabilities.isolated_reads is false: a query may fall into the middle of a transaction")
    pair = [Key("pair", "left"), Key("pair", "right")]
    table.transact([Put(key, {"n": 0}) for key in pair])

    def act(number: int) -> None:
        for turn in range(100):
            if number == 0:
                table.transact([Put(key, {"n": turn}) for key in pair])
            else:
                assert len({item.value["n"] for item in table.query("pair")}) == 1

    threads(3, act)


def test_processes_race_as_threads_do(durable: Platform, settings: Settings) -> None:
    versions = processes(3, settings, add_and_claim)
    found = durable.table.get(KEY)
    assert found
    assert found.value == {"n": 90}
    assert sum(versions) == 1


def add_and_claim(platform: Platform, number: int) -> bool:
    for _ in range(30):
        platform.table.add(KEY, {"n": 1})
    return won(lambda: platform.table.put(Key("claim", "it"), {"by": number}, expect=ABSENT))

"""Point-in-time join of 1M observations with 10M feature rows (4 features, 30-day TTL), beside plain DuckDB ASOF.

Both read the same Delta table of the local lake and give the same columns, in the order of the observations; each
runs in a process of its own, so that its peak memory is its own. Plain DuckDB may use 1 GB, as in the baseline.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from adapters import open_platform
from benchmarks.report import AtMost, Below, Result, print_results
from loopwright.columns import Columns
from loopwright.definitions import Entity, FeatureView, Field
from loopwright.features.offline import features_at
from loopwright.settings import Settings

OBSERVATIONS, ROWS, ENTITIES, PARTS = 1_000_000, 10_000_000, 100_000, 10
TTL = timedelta(days=30)
FEATURES = ("spend", "visits", "returns", "income")
ROUNDS = 3

VIEW = FeatureView(
    "customers",
    Entity("customer", (Field("customer", dtype="int"),)),
    tuple(Field(name) for name in FEATURES),
    ttl=TTL,
)
LATE = FeatureView("customers", VIEW.entity, VIEW.features, known_time="known_time", ttl=TTL)

_START = np.datetime64("2013-01-01", "us").astype(np.int64)
_YEAR = 365 * 86_400_000_000
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Join:
    """What a join took, and what tells its result from another one's."""

    seconds: float
    peak: float
    found: list[object]


def write_tables(home: Path) -> None:
    lake = open_platform(Settings(home=home)).lake
    chance = np.random.default_rng(1)
    for _ in range(PARTS):
        count = ROWS // PARTS
        event = _START + chance.integers(0, _YEAR, count)
        columns: dict[str, np.ndarray] = {
            "customer": chance.integers(0, ENTITIES, count).astype(np.float64),
            "event_time": event.view("datetime64[us]"),
            "known_time": (event + chance.integers(0, _DAY, count)).view("datetime64[us]"),
        }
        columns |= {name: chance.standard_normal(count) for name in FEATURES}
        lake.append("customers", columns, schema={"customer": "int"})


def observations() -> Columns:
    chance = np.random.default_rng(2)
    return {
        "customer": chance.integers(0, ENTITIES, OBSERVATIONS).astype(np.float64),
        "event_time": (_START + chance.integers(0, _YEAR, OBSERVATIONS)).view("datetime64[us]"),
    }


def ours(home: Path, asked: Columns) -> Columns:
    return features_at(open_platform(Settings(home=home)).lake, VIEW, asked)


def ours_late(home: Path, asked: Columns) -> Columns:
    return features_at(open_platform(Settings(home=home)).lake, LATE, asked)


def plain(home: Path, asked: Columns) -> Columns:
    import duckdb  # noqa: PLC0415 - it is not ours to pay for

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '1GB'; SET temp_directory = '{folder}'; SET TimeZone = 'UTC'")
        customer = asked["customer"].astype(np.int64)
        connection.register("asked", {"n": np.arange(OBSERVATIONS), **asked, "customer": customer})
        young = "v.event_time > a.event_time - INTERVAL 30 DAY"
        features = ", ".join(f"CASE WHEN {young} THEN v.{name} END AS {name}" for name in FEATURES)
        found = connection.execute(f"""
            SELECT {features} FROM asked a ASOF LEFT JOIN (
                SELECT customer, event_time::TIMESTAMP AS event_time, {", ".join(FEATURES)}
                FROM read_parquet('{home}/**/*.parquet')) v
            ON a.customer = v.customer AND a.event_time >= v.event_time ORDER BY a.n
        """).fetchnumpy()  # noqa: S608 - no name comes from outside
    return {name: np.ma.filled(found[name], np.nan) for name in FEATURES}


WAYS: dict[str, Callable[[Path, Columns], Columns]] = {"ours": ours, "ours_late": ours_late, "plain": plain}


def measure(way: str, home: Path) -> None:
    """Join once and print seconds, peak MB and a sum of what was found."""
    asked = observations()
    started = time.perf_counter()
    found = WAYS[way](home, asked)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = {name: round(float(np.nansum(column)), 6) for name, column in found.items()}
    nulls = int(np.isnan(found[FEATURES[0]]).sum())
    print(json.dumps(asdict(Join(seconds, peak, [total, nulls]))))


def in_a_process(way: str, home: Path) -> Join:
    command = [sys.executable, "-m", "benchmarks.point_in_time", way, str(home)]
    return Join(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_tables(home)
        runs = [{way: in_a_process(way, home) for way in ("ours", "plain")} for _ in range(ROUNDS)]
        late = in_a_process("ours_late", home)
    if runs[0]["ours"].found != runs[0]["plain"].found:
        raise AssertionError(f"the joins disagree: {runs[0]}")
    best = {way: min(run[way].seconds for run in runs) for way in ("ours", "plain")}
    peak = {way: max(run[way].peak for run in runs) for way in ("ours", "plain")}
    print_results(
        f"point-in-time join, {OBSERVATIONS:,} × {ROWS:,} rows, best of {ROUNDS}",
        [
            Result("time", best["ours"], best["plain"], "s", AtMost(1.3)),
            Result("peak memory of the process", peak["ours"], peak["plain"], "MB", Below(1_200)),
            Result("time, rows that are known late, once", late.seconds, best["plain"], "s"),
            Result("peak memory, rows that are known late", late.peak, peak["plain"], "MB", Below(1_200)),
        ],
        peer="plain DuckDB ASOF",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()

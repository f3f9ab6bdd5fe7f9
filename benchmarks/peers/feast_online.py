"""Feast's online read on SQLite, for `benchmarks.online_features`; it runs in an environment that has Feast.

Prints the median microseconds of `get_online_features` of 20 features for 100 entities, and for one.
"""

import json
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

FEATURES = [f"f{number}" for number in range(20)]


def main(folder: Path, entities: int, rounds: int) -> None:
    (folder / "feature_store.yaml").write_text(
        "project: peer\nregistry: registry.db\nprovider: local\nonline_store:\n  type: sqlite\n  path: online.db\n"
        "entity_key_serialization_version: 3\n"
    )
    moment = pd.Timestamp.now(tz="UTC").floor("s")
    rows = {name: [float(number)] * 1_000 for number, name in enumerate(FEATURES)}
    frame = pd.DataFrame({"customer": range(1_000), "event_time": [moment] * 1_000, **rows})
    frame.to_parquet(folder / "customers.parquet")
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    view = FeatureView(
        name="customers",
        entities=[customer],
        ttl=timedelta(days=30),
        schema=[Field(name=name, dtype=Float64) for name in FEATURES],
        source=FileSource(path=str(folder / "customers.parquet"), timestamp_field="event_time"),
    )
    store = FeatureStore(repo_path=str(folder))
    store.apply([customer, view])
    store.write_to_online_store("customers", frame)
    names = [f"customers:{name}" for name in FEATURES]
    figures = {}
    for count in (entities, 1):
        asked = [{"customer": number} for number in range(count)]
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            found = store.get_online_features(features=names, entity_rows=asked)
            seconds.append(time.perf_counter() - started)
        if found.to_dict()["f19"] != [19.0] * count:
            raise AssertionError("Feast did not find what was written")
        figures[count] = statistics.median(seconds) * 1e6
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

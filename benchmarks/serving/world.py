"""A local home with a trained champion and a customer online, and the events that both sides answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters import open_platform
from benchmarks.serving.project import COLOURS, LOOKED_UP, NUMBERS, WORDS
from loopwright.columns import Columns
from loopwright.definitions.project import load_project
from loopwright.features.online import OnlineStore
from loopwright.registry import Registry
from loopwright.settings import Settings
from pipelines.train import train

FOLDER = Path(__file__).parent
ROWS = 20_000
DAY = 86_400.0
PATH = "/models/churn/predict"

SENT: Mapping[str, object] = {
    "customer_id": "c7",
    **{name: 0.1 * index for index, name in enumerate(NUMBERS)},
    **{name: COLOURS[index] for index, name in enumerate(WORDS)},
}
FOUND: Mapping[str, object] = {"balance": 3.5, "visits": 12.0, "age": 41.0, "segment": "blue"}


@dataclass(frozen=True)
class Prepared:
    """Where our side lives, the ONNX file that it runs, and the rows that the model was trained on, as JSON."""

    settings: Settings
    model: Path
    rows: Path


def prepare(home: Path) -> Prepared:
    """Train a model through the pipeline and bring a customer online."""
    settings = Settings("local", home, FOLDER)
    platform, project = open_platform(settings), load_project(FOLDER)
    now = platform.clock()
    rows = _customers(now)
    platform.lake.append("standing", {name: rows[name] for name in ("customer_id", "event_time", *LOOKED_UP)})
    platform.lake.append("customers", {name: rows[name] for name in rows if name not in LOOKED_UP})
    outcome = train(platform, project, "churn", reason="benchmark", at=now, who="benchmark")
    if not outcome.promoted or outcome.version is None:
        raise RuntimeError(f"the benchmark's model was not promoted: {outcome}")
    online = {name: rows[name][7:8] for name in ("customer_id", "event_time", *LOOKED_UP)}
    OnlineStore(platform.table).write(project.view("standing"), online)
    version = Registry(platform.table, clock=platform.clock, new_id=platform.new_id).version("churn", outcome.version)
    model = home / "peer.onnx"
    model.write_bytes(platform.blobs.get(f"{version.source}/model.onnx").data)
    platform.close()
    told = home / "rows.json"
    told.write_text(json.dumps({name: rows[name].tolist() for name in (*NUMBERS, *WORDS, *LOOKED_UP, "left")}))
    return Prepared(settings, model, told)


def event(row: Mapping[str, object]) -> dict[str, object]:
    """Return a call of a Lambda function URL that asks for a prediction."""
    return {
        "version": "2.0",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": {"host": "example.org", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": PATH, "sourceIp": "192.0.2.1"}},
        "body": json.dumps({"row": row}),
        "isBase64Encoded": False,
    }


def _customers(now: float) -> Columns:
    random = np.random.default_rng(0)
    rows: dict[str, np.ndarray] = {"customer_id": np.array([f"c{index}" for index in range(ROWS)], dtype=object)}
    moments = now - random.uniform(1, 90, ROWS) * DAY
    rows["event_time"] = (moments * 1e6).astype(np.int64).astype("datetime64[us]")
    for name in (*NUMBERS, *LOOKED_UP[:3]):
        rows[name] = random.normal(size=ROWS)
    for name in (*WORDS, "segment"):
        rows[name] = random.choice(np.array(COLOURS, dtype=object), ROWS)
    chance = 1 / (1 + np.exp(-rows["n0"] - rows["n1"] * rows["balance"] - (rows["w0"] == "red")))
    rows["left"] = (random.uniform(size=ROWS) < chance).astype(np.float64)
    return rows

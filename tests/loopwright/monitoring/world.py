"""A small world with one model, whose log of predictions and labels tests write by themselves."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from adapters import open_platform
from loopwright import (
    DataQuality,
    Drift,
    Entity,
    FeatureView,
    Field,
    Gate,
    Label,
    Model,
    Monitors,
    Performance,
    Project,
)
from loopwright.columns import Array, Columns, concat, times
from loopwright.monitoring import Monitor, MonitorReport, Profile, WindowResult, build_profile
from loopwright.monitoring.store import WindowStore
from loopwright.monitoring.windows import Slot
from loopwright.ports import Platform
from loopwright.registry import Lineage, NewVersion, Registry
from loopwright.settings import Settings
from loopwright.verdict import Verdict

DAY: Final = 86_400.0
START: Final = 1_356_998_400.0  # 2013-01-01T00:00:00Z

ENTITY: Final = Entity("flight", (Field("flight_id", "string"),))
AIRPORT: Final = Entity("airport", (Field("origin", "string", categories=("JFK", "LGA", "EWR")),))
WEATHER: Final = FeatureView(
    "weather", AIRPORT, (Field("temp", nullable=True, minimum=-50.0, maximum=60.0),), ttl=timedelta(hours=6)
)

MODEL: Final = Model(
    name="delays",
    task="binary",
    entity=ENTITY,
    label=Label("late", horizon=timedelta(days=20)),
    observations="flights",
    request=(Field("distance", minimum=0.0), *AIRPORT.keys),
    views=(WEATHER,),
    features=("distance", "origin", "temp"),
    train=lambda _rows, _target, _context: None,
    gate=Gate("roc_auc"),
    monitors=Monitors(
        drift=Drift(minimum_rows=100),
        quality=DataQuality(minimum_rows=20),
        performance=Performance("roc_auc", minimum_labels=100, window=timedelta(days=3)),
    ),
)


def rows_at(
    moments: NDArray[np.float64], *, seed: int, version: int = 1, arm: str = "champion", shift: float = 0.0
) -> dict[str, Array]:
    """Return rows of the log; `shift` moves the temperature."""
    generator = np.random.default_rng(seed)
    size = len(moments)
    score = generator.random(size)
    return {
        "prediction_id": np.array([f"{seed}-{place}" for place in range(size)], dtype=object),
        "predicted_at": times(moments),
        "arm": np.full(size, arm, dtype=object),
        "model_version": np.full(size, float(version)),
        "score": score,
        "prediction": np.where(score >= 0.5, "1", "0").astype(object),
        "latency_ms": generator.exponential(5.0, size),
        "weather__age": generator.uniform(0, 3 * 3600, size),
        "flight_id": np.array([f"f{place}" for place in range(size)], dtype=object),
        "distance": generator.lognormal(6.0, 0.5, size),
        "origin": generator.choice(np.array(["JFK", "LGA", "EWR"], dtype=object), size),
        "temp": generator.normal(10.0 + shift, 5.0, size),
    }


def truth_of(rows: Columns, *, seed: int = 0, noise: float = 0.2) -> NDArray[np.float64]:
    """Return labels that follow the score up to noise."""
    generator = np.random.default_rng(seed)
    return (rows["score"].astype(np.float64) + generator.normal(0, noise, len(rows["score"])) > 0.5).astype(np.float64)


def profile_of(model: Model = MODEL, *, rows: int = 5_000, seed: int = 99) -> Profile:
    """Return the profile of a training on rows like those of the log."""
    columns = rows_at(np.full(rows, START), seed=seed)
    target = truth_of(columns)
    predictions = columns["prediction"].astype(object)
    scores = columns["score"].astype(np.float64)
    metrics = {"roc_auc": 0.95, "accuracy": 0.85}
    return build_profile(model, columns, scores=scores, target=target, predictions=predictions, metrics=metrics)


@dataclass
class World:
    """A platform with the model's log; versions have packages that hold nothing but a profile."""

    platform: Platform = field(default_factory=lambda: open_platform(Settings(provider="memory")))
    model: Model = MODEL
    chunk: int = 90

    @property
    def project(self) -> Project:
        return Project("air", (self.model,))

    @property
    def monitor(self) -> Monitor:
        return Monitor(self.platform, self.project, chunk=self.chunk)

    @property
    def registry(self) -> Registry:
        return Registry(self.platform.table, clock=self.platform.clock, new_id=self.platform.new_id)

    def promote(self, profile: Profile | None = None) -> int:
        """Register a version and make it champion."""
        lineage = Lineage("", False, "", (), {}, "")
        run_id = self.platform.new_id()
        source = f"runs/{run_id}/artifacts/model"
        self.platform.blobs.put(f"{source}/profile.json", (profile or profile_of(self.model)).to_json())
        new = NewVersion(
            model=self.model.name,
            run_id=run_id,
            source=source,
            digest="sha256:0",
            features_digest="sha256:0",
            lineage=lineage,
            verdict=Verdict(passed=True, reasons=(), rows=0),
        )
        version = self.registry.register(new).version
        before = self.registry.routing(self.model.name).champion
        self.registry.promote(self.model.name, version, expected=before, who="test", why="test")
        return version

    def log(self, rows: Columns) -> None:
        """Append rows to the log of predictions."""
        self.platform.lake.append(f"predictions/{self.model.name}", rows, schema={"model_version": "int"})

    def label(
        self,
        ids: NDArray[np.object_],
        labels: NDArray[np.float64] | NDArray[np.object_],
        *,
        at: float,
    ) -> None:
        """Append labels that were known at a moment."""
        size = len(ids)
        rows: Columns = {
            "prediction_id": ids,
            "label": labels,
            "labeled_at": times(np.full(size, at)),
            "received_at": times(np.full(size, at)),
        }
        self.platform.lake.append(f"labels/{self.model.name}", rows)

    def run(self, *, now: float) -> MonitorReport:
        """Run the monitor."""
        return self.monitor.run(self.model.name, now=now)

    def with_model(self, **changes: object) -> "World":
        """Return the same world with the model's definition changed."""
        return World(self.platform, replace(self.model, **changes))  # type: ignore[arg-type]  # names are checked there


def day(number: float, count: int) -> NDArray[np.float64]:
    """Return so many moments spread over a day of the world."""
    return START + (number + (np.arange(count) + 0.5) / count) * DAY


def counted(world: World) -> dict[Slot, int]:
    """Return how many rows were counted in each slot."""
    store = WindowStore(world.platform.table, world.model)
    return {slot: counts.rows for slot, counts in store.all_counts()}


def ids(rows: Columns) -> NDArray[np.object_]:
    """Return the ids of predictions."""
    return rows["prediction_id"].astype(object)


def windows(world: World) -> list[WindowResult]:
    """Return what is known of each window."""
    return world.monitor.history("delays").windows()


def auc(rows: Columns, labels: NDArray[np.float64]) -> float:
    """Return the area that scikit-learn finds."""
    return float(roc_auc_score(labels, rows["score"].astype(np.float64)))


def lived(days: int, *, shift: float = 0.0, world: World | None = None, each: int = 150) -> tuple[World, Columns]:
    """Return a world with a champion, some days of predictions in its log, and these."""
    world = world or World()
    world.promote(profile_of())
    rows = concat([rows_at(day(number, each), seed=number + 10, shift=shift) for number in range(days)])
    world.log(rows)
    return world, rows

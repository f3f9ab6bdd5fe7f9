"""What a run of a training or an adoption leaves in the tracker, and whom it tells."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from loopwright.clock import isoformat
from loopwright.gate import Verdict
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.ports.table import Value
from loopwright.tracking import DatasetInput, Metric, Tracking
from pipelines.training.observations import Validation
from pipelines.training.provenance import Provenance
from pipelines.training.request import TrainRequest
from pipelines.training.snapshot import Snapshot

PREFIX: Final = "loopwright."
_ERROR: Final = f"{PREFIX}error"
_TAG_LENGTH: Final = 5_000
_NOTE: Final = "mlflow.note.content"
"""What MLflow's UI shows at the top of a run."""


class Journal:
    """Records one run. Everything may be recorded again: a resumed run says what it said before."""

    def __init__(self, platform: Platform, request: TrainRequest) -> None:
        self._platform = platform
        self._request = request
        self._tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
        self._points: list[Metric] = []

    @property
    def run_id(self) -> str:
        """The run's identity."""
        return self._request.run_id

    def begin(self, provenance: Provenance, *, features: str, seed: int) -> None:
        """Start the run, or take it up again, and record what decides it."""
        request = self._request
        experiment = self._tracking.ensure_experiment(request.model)
        name = f"{request.model}-{request.run_id[:8]}"
        run = self._tracking.create_run(
            experiment.id, name=name, run_id=self.run_id, started=request.at, user=request.who
        )
        self._tracking.update_run(self.run_id, status="RUNNING")
        if _ERROR in run.tags:
            self._tracking.remove_tag(self.run_id, _ERROR)
        tags = {
            "model": request.model,
            **request.tags,
            "at": repr(request.at),
            "features": features,
            "seed": str(seed),
            "commit": provenance.commit or "unknown",
            "dirty": str(bool(provenance.dirty)).lower(),
            "code": provenance.code,
            "environment": provenance.environment_digest,
        }
        mlflow = {
            "mlflow.user": request.who,
            "mlflow.source.name": f"loopwright/{request.project}",
            "mlflow.source.type": "JOB",
            _NOTE: self._known(),
            **({"mlflow.source.git.commit": provenance.commit} if provenance.commit else {}),
        }
        self._tracking.log_batch(
            self.run_id,
            params=dict(request.parameters),
            tags={f"{PREFIX}{name}": value[:_TAG_LENGTH] for name, value in tags.items()} | mlflow,
        )
        self._tracking.put_artifact(self.run_id, REQUEST_FILE, msgspec.json.encode(request))
        self._tracking.put_artifact(self.run_id, "lineage/dirty.diff", provenance.dirty.encode())
        self._tracking.put_artifact(self.run_id, "lineage/environment.txt", provenance.environment.encode())
        self._tell("started", "started", {})

    def read(self, snapshot: Snapshot) -> None:
        """Record which tables are read, at which versions."""
        context = self._request.reads_for
        self._tracking.log_inputs(
            self.run_id,
            [
                DatasetInput(pin.table, pin.digest, f"lake:{pin.table}@{pin.version}", pin.version, context, "lake")
                for pin in snapshot.pins
            ],
        )
        self._tracking.put_artifact(self.run_id, SNAPSHOT_FILE, msgspec.json.encode(snapshot))

    def follow(self, name: str, value: float, step: int) -> None:
        """Take a metric of the training function; it is recorded with the next `flush`."""
        self._points.append(Metric(name, float(value), self._request.at, int(step)))

    def flush(self) -> None:
        """Record what the training function told."""
        for start in range(0, len(self._points), _BATCH):
            self._tracking.log_batch(self.run_id, metrics=self._points[start : start + _BATCH])
        self._points.clear()

    def measured(self, verdict: Verdict, validation: Validation, others: Mapping[str, float]) -> None:
        """Record the metrics of candidate and champion, and the numbers of rows."""
        values: dict[str, float] = {**others, **msgspec.to_builtins(validation), "held_out_rows": verdict.rows}
        values |= {name: value for name, value in verdict.candidate.items() if value is not None}
        values |= {f"champion_{name}": value for name, value in verdict.champion.items() if value is not None}
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        points = [Metric(name, value, self._request.at) for name, value in finite.items()]
        self._tracking.log_batch(self.run_id, metrics=points)

    def finish(
        self, version: int, *, verdict: Verdict, promoted: bool, replaced: int | None, tags: Mapping[str, str]
    ) -> None:
        """Record the outcome, end the run and tell."""
        outcome = {
            "version": str(version),
            "promoted": str(promoted).lower(),
            "gate": "passed" if verdict.passed else "refused",
        }
        named = {f"{PREFIX}{name}": value[:_TAG_LENGTH] for name, value in {**tags, **outcome}.items()}
        self._tracking.put_artifact(self.run_id, "verdict.json", msgspec.json.encode(verdict))
        note = f"Version {version}: the gate {outcome['gate']}, {'promoted' if promoted else 'not promoted'}."
        self._tracking.log_batch(self.run_id, tags={**named, _NOTE: f"{self._known()} {note}"})
        if promoted:
            data = {"version": version, "replaced": replaced, "who": self._request.who}
            self._publish("registry.promoted", "promoted", data)
        self._tracking.finish_run(self.run_id, "FINISHED")
        self._tell("finished", "finished", {"version": version, "promoted": promoted, "passed": verdict.passed})

    def fail(self, error: BaseException) -> None:
        """Record the error, end the run as failed and tell."""
        text = f"{type(error).__name__}: {error}"
        cut = text[:_TAG_LENGTH]
        self._tracking.log_batch(self.run_id, tags={_ERROR: cut, _NOTE: f"{self._known()} It failed: {cut}"})
        self._tracking.finish_run(self.run_id, "FAILED")
        self._tell("failed", f"failed-{self._platform.new_id()}", {"error": text[:_TAG_LENGTH]})

    def _known(self) -> str:
        return f"Of what was known at {isoformat(self._request.at)}."

    def _tell(self, what: str, moment: str, data: Mapping[str, Value]) -> None:
        self._publish(f"{self._request.kind}.{what}", moment, data)

    def _publish(self, kind: str, moment: str, data: Mapping[str, Value]) -> None:
        request = self._request
        event = Event(
            id=f"{self.run_id}-{moment}",
            source=f"loopwright/{request.project}",
            type=f"loopwright.{kind}",
            time=self._platform.clock(),
            subject=request.model,
            data={"run_id": self.run_id, "reason": request.reason, **data},
        )
        self._platform.events.publish(event)


REQUEST_FILE: Final = "lineage/request.json"
SNAPSHOT_FILE: Final = "lineage/datasets.json"
_BATCH: Final = 500

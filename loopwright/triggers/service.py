"""Decides about reasons to retrain, starts the job, and keeps the ledger."""

import hashlib
from typing import Final

import msgspec

from loopwright.clock import isoformat
from loopwright.definitions.model import Model
from loopwright.definitions.project import Project
from loopwright.optimistic import commit
from loopwright.ports import Platform
from loopwright.ports.table import ABSENT, Item, Key, Put, Version, Write
from loopwright.registry import Registry
from loopwright.triggers.rules import Decision, LedgerEntry, Past, Reason, refusal, remembered

JOB: Final = "train"


class Triggers:
    """Starts at most one retraining at a time, within cooldown and budget; every decision is in the ledger."""

    def __init__(self, platform: Platform, project: Project) -> None:
        self._platform = platform
        self._project = project

    def consider(self, model_name: str, reason: Reason, *, now: float) -> Decision:
        """Decide about a reason and start the training job if the rules allow it.

        An event is decided once: told again, the first decision is returned. Of several callers in a race at most one
        starts a job. A decision that was stored by a process that died before it started the job is carried out by
        the next call for this model.

        Raises:
            NotFoundError: the project has no such model.
            UnavailableError: too many others decide at the same time.
        """
        model = self._project.model(model_name)

        def plan() -> tuple[list[Write], Decision]:
            state, past = self._carried_out(model)
            earlier = self._platform.table.get(_event_key(model_name, reason.event_id))
            if earlier:
                return [], msgspec.convert(dict(earlier.value), Decision)
            return _planned(model, reason, state, past, now)

        decision = commit(self._platform.table, plan, what=f"the triggers of {model_name!r}")
        if decision.started:
            self._carried_out(model)
        return decision

    def due(self, now: float) -> list[tuple[str, Reason]]:
        """Return the models whose schedule is due, each with a reason for `consider`.

        The schedule counts from the last start, or from the newest version where that is later. Where there is
        neither, the first training is due at once. A refused occasion comes back one period later. A job that was
        decided but never started is started on the way.
        """
        for model in self._project.models:
            self._carried_out(model)
        return [(model.name, reason) for model in self._project.models if (reason := self._scheduled(model, now))]

    def ledger(self, model_name: str, *, limit: int | None = None) -> list[LedgerEntry]:
        """Return the decisions about a model, newest first."""
        items = self._platform.table.query(_partition(model_name), prefix="ledger/", limit=limit, reverse=True)
        return [msgspec.convert(dict(item.value), LedgerEntry) for item in items]

    def _carried_out(self, model: Model) -> tuple[Item | None, Past]:
        """Start the newest job if it was decided but never started; return the state, and what the rules look at."""
        state = self._platform.table.get(_state_key(model.name))
        if state is None:
            return None, Past()
        newest = msgspec.convert(dict(state.value), _State)
        status = self._platform.jobs.status(newest.job)
        if status is None:
            self._platform.jobs.start(JOB, key=newest.job, arguments=newest.arguments, resources=model.resources)
            status = self._platform.jobs.status(newest.job)
        running = newest.job if status is not None and status.state == "running" else None
        return state, Past(newest.starts, running)

    def _scheduled(self, model: Model, now: float) -> Reason | None:
        if model.triggers.every is None:
            return None
        period = model.triggers.every.total_seconds()
        anchor = self._last_training(model)
        if anchor is None:
            return Reason("schedule", "there is no version yet", f"schedule/{model.name}/first")
        periods = int((now - anchor) // period)
        if periods < 1:
            return None
        moment = isoformat(anchor + periods * period)
        return Reason("schedule", f"due since {moment}", f"schedule/{model.name}/{moment}")

    def _last_training(self, model: Model) -> float | None:
        state = self._platform.table.get(_state_key(model.name))
        starts = msgspec.convert(dict(state.value), _State).starts if state else ()
        registry = Registry(self._platform.table, clock=self._platform.clock, new_id=self._platform.new_id)
        created = [version.created for version in registry.versions(model.name) if version.packaged]
        return max([*starts, *created], default=None)


class _State(msgspec.Struct, frozen=True):
    """The starts that still matter, and the newest job with its arguments."""

    starts: tuple[float, ...]
    job: str
    arguments: dict[str, str]


def _planned(model: Model, reason: Reason, state: Item | None, past: Past, now: float) -> tuple[list[Write], Decision]:
    """Decide, and return what is to be written: the decision, its place in the ledger, the start if there is one."""
    why_not = refusal(model.triggers, reason.kind, past, now)
    if why_not:
        decision = Decision(started=False, job=None, why=why_not)
        return _record(model.name, reason, decision, now), decision
    job = f"{JOB}-{model.name}-{_digest(reason.event_id)}"
    decision = Decision(started=True, job=job, why=f"{reason.kind}: {reason.detail}")
    arguments = {"model": model.name, "reason": decision.why, "who": reason.who, "at": isoformat(now)}
    started = _State(remembered(model.triggers, (*past.starts, now), now), job, arguments)
    expect = Version(state.version) if state else ABSENT
    put = Put(_state_key(model.name), msgspec.to_builtins(started), expect=expect)
    return [put, *_record(model.name, reason, decision, now)], decision


def _record(model_name: str, reason: Reason, decision: Decision, now: float) -> list[Write]:
    entry = Key(_partition(model_name), f"ledger/{now:020.6f}/{_digest(reason.event_id)}")
    return [
        Put(_event_key(model_name, reason.event_id), msgspec.to_builtins(decision), expect=ABSENT),
        Put(entry, msgspec.to_builtins(LedgerEntry(now, reason, decision))),
    ]


def _partition(model_name: str) -> str:
    return f"trigger/{model_name}"


def _state_key(model_name: str) -> Key:
    return Key(_partition(model_name), "state")


def _event_key(model_name: str, event_id: str) -> Key:
    return Key(_partition(model_name), f"event/{_digest(event_id)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]

"""Pipelines: plain functions with declared inputs and outputs, each result kept, so that a killed run goes on.

A result is kept under the digest of all that it follows from: the step's code, its inputs and the parameters. A run
that starts again under the same key takes what is there and repeats no finished step; where code, inputs or parameters
have changed, exactly the steps that follow from the change are done anew. A step's result is one object, written
whole; a step that also acts on the world (registers, promotes) must be able to do so twice.

    checkpoints/<pipeline>/<run key>/<step>-<digest>

When the run has ended well its checkpoints are deleted.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from loopwright.errors import DefinitionError, IntegrityError, NotFoundError
from loopwright.hashing import code_digest, digest, digest_of
from loopwright.ports.blobs import Blobs
from pipelines.checkpoints import Codec

StepState = Literal["started", "finished", "restored"]


@dataclass(frozen=True, slots=True)
class Step:
    """One function of a pipeline.

    Attributes:
        name: for people, and in the checkpoint's key.
        function: takes the inputs by position.
        inputs: what the pipeline is given, its resources, or outputs of earlier steps.
        output: the name of the result.
        codec: how the result is kept.
    """

    name: str
    function: Callable[..., object]
    inputs: tuple[str, ...]
    output: str
    codec: Codec[Any]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What a run tells while it goes on: `restored` is a result that an earlier run had finished."""

    step: str
    number: int
    count: int
    state: StepState
    seconds: float


Progress = Callable[[StepEvent], None]


def silent(_: StepEvent) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps whose wiring is checked when the pipeline is made.

    Attributes:
        name: of the pipeline; part of the checkpoints' keys.
        steps: in the order in which they run.
        given: names of values that decide results: their digests are part of every key that they reach.
        resources: names of values that results do not depend on, such as a platform.
    """

    name: str
    steps: tuple[Step, ...]
    given: tuple[str, ...]
    resources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that every input is provided by something before it, and that nothing is provided twice."""
        available = {*self.given, *self.resources}
        for step in self.steps:
            if missing := [name for name in step.inputs if name not in available]:
                raise DefinitionError(
                    f"pipeline {self.name!r}: step {step.name!r} wants {missing[0]!r}, which nothing before it provides"
                )
            if step.output in available:
                raise DefinitionError(f"pipeline {self.name!r}: {step.output!r} is provided twice")
            available.add(step.output)

    def run(
        self,
        blobs: Blobs,
        key: str,
        given: Mapping[str, object],
        resources: Mapping[str, object],
        *,
        progress: Progress = silent,
    ) -> Mapping[str, object]:
        """Run the steps that have no kept result under this key, and return the results of all by their names.

        The checkpoints stay until `forget`: the caller first records that the run has ended.

        Raises:
            DefinitionError: something that the pipeline wants is not given.
            Exception: whatever a step raises.
        """
        if {*given} != {*self.given} or {*resources} != {*self.resources}:
            raise DefinitionError(f"pipeline {self.name!r} wants {', '.join((*self.given, *self.resources))}")
        digests = {name: digest_of(value) for name, value in given.items()}
        run = _Run(blobs, self._prefix(key), len(self.steps), progress, {**given, **resources}, digests)
        for number, step in enumerate(self.steps, start=1):
            run.do(step, number)
        return {step.output: run.values[step.output] for step in self.steps}

    def forget(self, blobs: Blobs, key: str) -> None:
        """Delete the checkpoints of a run."""
        for info in list(blobs.list(self._prefix(key))):
            blobs.delete(info.key)

    def _prefix(self, key: str) -> str:
        return f"checkpoints/{self.name}/{key}/"


@dataclass(slots=True)
class _Run:
    blobs: Blobs
    prefix: str
    count: int
    progress: Progress
    values: dict[str, object]
    digests: dict[str, str]

    def do(self, step: Step, number: int) -> None:
        """Take the step's kept result, or make and keep it."""
        began = time.perf_counter()
        key = f"{self.prefix}{step.name}-{self._address(step)}"
        restored = self._restore(step, key)
        if not restored:
            self.progress(StepEvent(step.name, number, self.count, "started", 0.0))
            result = step.function(*(self.values[name] for name in step.inputs))
            data = step.codec.encode(result)
            self.blobs.put(key, data)
            self.values[step.output], self.digests[step.output] = result, digest(data)
        state: StepState = "restored" if restored else "finished"
        self.progress(StepEvent(step.name, number, self.count, state, time.perf_counter() - began))

    def _restore(self, step: Step, key: str) -> bool:
        with suppress(NotFoundError):
            data = self.blobs.get(key).data
            # What cannot be read is made again: a checkpoint is worth no error.
            with suppress(IntegrityError):
                self.values[step.output] = step.codec.decode(data)
                self.digests[step.output] = digest(data)
                return True
        return False

    def _address(self, step: Step) -> str:
        inputs = {name: self.digests[name] for name in step.inputs if name in self.digests}
        content = {"name": step.name, "code": code_digest(step.function), "inputs": inputs}
        return digest_of(content).removeprefix("sha256:")[:_ADDRESS_LENGTH]


_ADDRESS_LENGTH: Final = 40

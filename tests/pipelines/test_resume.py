"""A run that was stopped goes on by its id."""

from dataclasses import replace

import pytest

from loopwright.errors import ConflictError, NotFoundError
from pipelines.steps import StepEvent
from pipelines.train import resume
from tests.pipelines.weather import World


def test_a_run_that_was_stopped_goes_on_by_its_id(world: World) -> None:
    def stop(event: StepEvent) -> None:
        if (event.step, event.state) == ("evaluate", "started"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.train(parameters={"c": 0.5}, progress=stop)
    (run,) = world.tracking.runs(world.tracking.experiment_by_name("rain").id)
    assert run.status == "RUNNING"
    told: list[StepEvent] = []
    outcome = resume(world.platform, world.project, run.id, progress=told.append)
    assert (outcome.run_id, outcome.version) == (run.id, 1)
    assert [event.step for event in told if event.state == "restored"] == ["snapshot", "validate", "features", "train"]
    assert world.tracking.run(run.id).params["c"] == "0.5"
    assert resume(world.platform, world.project, run.id) == outcome


def test_a_run_that_is_not_there_cannot_go_on(world: World) -> None:
    with pytest.raises(NotFoundError, match="no run 'nothing' to go on with"):
        resume(world.platform, world.project, "nothing")
    run = world.train().run_id
    with pytest.raises(ConflictError, match="project 'weather'"):
        resume(world.platform, replace(world.project, name="other"), run)

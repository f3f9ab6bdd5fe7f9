"""Retraining by a person: decided by the same rules as by schedule or drift, and run as the same job."""

from loopwright.definitions.project import Project
from loopwright.ports import Platform
from loopwright.triggers import Decision, Reason, Triggers


def retrain(platform: Platform, project: Project, model_name: str, *, why: str, who: str, at: float) -> Decision:
    """Ask for a training of the model and return what was decided; a job does the work.

    A person is not held up by the cooldown, but by the budget and by a training that is running already.

    Raises:
        NotFoundError: the project has no such model.
        UnavailableError: too many decide at the same time.
    """
    occasion = f"person/{model_name}/{platform.new_id()}"
    return Triggers(platform, project).consider(model_name, Reason("person", why, occasion, who), now=at)

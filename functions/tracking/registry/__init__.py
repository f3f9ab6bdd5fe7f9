"""MLflow's model registry on ours."""

from collections.abc import Sequence

from functions.tracking.registry import aliases, models, versions
from functions.tracking.registry.moves import Moves
from functions.tracking.registry.sources import Sources
from functions.tracking.requests import Route
from loopwright.registry import Registry
from loopwright.tracking import LoggedModels, Tracking

__all__ = ["routes"]


def routes(registry: Registry, tracking: Tracking, logged: LoggedModels, moves: Moves) -> Sequence[Route]:
    """Return the calls."""
    return [
        *models.routes(registry),
        *versions.routes(registry, Sources(registry, tracking, logged), moves),
        *aliases.routes(registry, moves),
    ]

"""MLflow's calls about aliases."""

from collections.abc import Sequence

from functions.callers import Caller
from functions.tracking.errors import MlflowError
from functions.tracking.registry.models import AREA
from functions.tracking.registry.moves import Moves
from functions.tracking.registry.requests import Alias, Aliased
from functions.tracking.registry.views import version_described
from functions.tracking.requests import Route, acting, acting_as
from loopwright.errors import NotFoundError
from loopwright.registry import Registry
from loopwright.registry.keys import checked_alias_text, checked_model

_LATEST = "latest"


def routes(registry: Registry, moves: Moves) -> Sequence[Route]:
    """Return the calls."""

    def set_alias(asked: Aliased, caller: Caller) -> object:
        moves.lead(asked.name, asked.alias, asked.number, caller=caller)
        return {}

    def delete_alias(asked: Alias, caller: Caller) -> object:
        alias = checked_alias_text(asked.alias)
        registry.model(asked.name)
        moves.drop(asked.name, alias, caller=caller)
        return {}

    def get(asked: Alias) -> object:
        alias = checked_alias_text(asked.alias)
        if alias.lower() == _LATEST:
            return {"model_version": _newest(registry, asked.name)}
        # A model that has the alias is there, so this is the only read before that of the version.
        routing = registry.routing(checked_model(asked.name))
        number = routing.aliases.get(alias)
        if number is None:
            registry.model(asked.name)
            raise MlflowError("INVALID_PARAMETER_VALUE", f"model {asked.name!r} has no alias {alias!r}: set it first")
        return {"model_version": version_described(registry.version(asked.name, number), routing)}

    path = f"{AREA}/alias"
    return [
        Route("POST", path, acting_as(Aliased, set_alias)),
        Route("DELETE", path, acting_as(Alias, delete_alias)),
        Route("GET", path, acting(Alias, get)),
    ]


def _newest(registry: Registry, model: str) -> object:
    registry.model(model)
    versions = registry.versions(model)
    if not versions:
        raise NotFoundError(f"registered model {model!r} has no versions yet, and so no latest one")
    return version_described(versions[0], registry.routing(model))

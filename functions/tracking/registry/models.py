"""MLflow's calls about registered models."""

from collections.abc import Sequence

from functions.tracking.registry.requests import (
    Described,
    ModelTag,
    Name,
    NewModel,
    Renamed,
    SearchModels,
    Stages,
    tags_in,
)
from functions.tracking.registry.searches import found_models
from functions.tracking.registry.views import model_described, version_described
from functions.tracking.requests import Route, acting
from loopwright.registry import RegisteredModel, Registry, Routing, latest_by_stage, stage_named

AREA = "2.0/mlflow/registered-models"


def routes(registry: Registry) -> Sequence[Route]:
    """Return the calls."""
    return [*_of_models(registry), *_of_listings(registry), *_of_tags(registry)]


def _of_models(registry: Registry) -> Sequence[Route]:
    def create(asked: NewModel) -> object:
        made = registry.create_model(asked.name, description=asked.description, tags=tags_in(asked.tags))
        return {"registered_model": model_described(made, (), Routing())}

    def get(asked: Name) -> object:
        return _told(registry, registry.model(asked.name))

    def update(asked: Described) -> object:
        # Who sends no description takes it away, as at MLflow, which tells it from an empty one by nothing.
        return _told(registry, registry.describe_model(asked.name, asked.description))

    def rename(asked: Renamed) -> object:
        return _told(registry, registry.rename_model(asked.name, asked.new_name))

    def delete(asked: Name) -> object:
        registry.delete_model(asked.name)
        return {}

    return [
        Route("POST", f"{AREA}/create", acting(NewModel, create)),
        Route("GET", f"{AREA}/get", acting(Name, get)),
        Route("PATCH", f"{AREA}/update", acting(Described, update)),
        Route("POST", f"{AREA}/rename", acting(Renamed, rename)),
        Route("DELETE", f"{AREA}/delete", acting(Name, delete)),
    ]


def _of_listings(registry: Registry) -> Sequence[Route]:
    def search(asked: SearchModels) -> object:
        page = found_models(registry, asked)
        told: dict[str, object] = {}
        if page.found:
            models = [one.model for one in page.found]
            routings = registry.routings([one.name for one in models])
            told["registered_models"] = [
                model_described(one, registry.versions(one.name) if one.latest else (), routings[one.name])
                for one in models
            ]
        return {**told, "next_page_token": page.token} if page.token else told

    def latest(asked: Stages) -> object:
        registry.model(asked.name)
        wanted = {stage_named(stage) for stage in asked.stages}
        routing = registry.routing(asked.name)
        newest = latest_by_stage(registry.versions(asked.name), routing)
        told = [version_described(one, routing) for stage, one in newest.items() if not wanted or stage in wanted]
        return {"model_versions": told} if told else {}

    path = f"{AREA}/get-latest-versions"
    return [
        Route("GET", f"{AREA}/search", acting(SearchModels, search)),
        Route("GET", path, acting(Stages, latest)),
        Route("POST", path, acting(Stages, latest)),
    ]


def _of_tags(registry: Registry) -> Sequence[Route]:
    def set_tag(asked: ModelTag) -> object:
        registry.set_model_tag(asked.name, asked.key, asked.value)
        return {}

    def delete_tag(asked: ModelTag) -> object:
        registry.set_model_tag(asked.name, asked.key, None)
        return {}

    return [
        Route("POST", f"{AREA}/set-tag", acting(ModelTag, set_tag)),
        Route("DELETE", f"{AREA}/delete-tag", acting(ModelTag, delete_tag)),
    ]


def _told(registry: Registry, model: RegisteredModel) -> object:
    versions = registry.versions(model.name) if model.latest else ()
    return {"registered_model": model_described(model, versions, registry.routing(model.name))}

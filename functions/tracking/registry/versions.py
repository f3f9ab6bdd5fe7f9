"""MLflow's calls about versions of registered models."""

from collections.abc import Sequence

from functions.callers import Caller
from functions.tracking.registry.moves import Moves
from functions.tracking.registry.requests import (
    NewModelVersion,
    Numbered,
    SearchVersions,
    Staged,
    VersionDescribed,
    VersionTag,
)
from functions.tracking.registry.searches import found_versions
from functions.tracking.registry.sources import Sources
from functions.tracking.registry.views import files_of, version_described
from functions.tracking.requests import Route, acting, acting_as
from loopwright.registry import ModelVersion, Registry, Routing

AREA = "2.0/mlflow/model-versions"


def routes(registry: Registry, sources: Sources, moves: Moves) -> Sequence[Route]:
    """Return the calls."""
    return [*_of_versions(registry, sources, moves), *_of_readings(registry), *_of_tags(registry)]


def _of_versions(registry: Registry, sources: Sources, moves: Moves) -> Sequence[Route]:
    def create(asked: NewModelVersion, caller: Caller) -> object:
        new = sources.read(asked, user=caller.name)
        made = registry.register_source(new)
        if asked.model_id:
            sources.remember(asked.model_id, made)
        # Nothing leads to a version that has just got its number.
        return {"model_version": version_described(made, Routing())}

    def update(asked: VersionDescribed) -> object:
        return _told(registry, registry.describe_version(asked.name, asked.number, asked.description))

    def stage(asked: Staged, caller: Caller) -> object:
        moved = moves.stage(
            asked.name, asked.number, asked.stage, archive_others=asked.archive_existing_versions, caller=caller
        )
        return _told(registry, moved)

    def delete(asked: Numbered, caller: Caller) -> object:
        moves.withdraw(asked.name, asked.number, caller=caller)
        return {}

    return [
        Route("POST", f"{AREA}/create", acting_as(NewModelVersion, create)),
        Route("PATCH", f"{AREA}/update", acting(VersionDescribed, update)),
        Route("POST", f"{AREA}/transition-stage", acting_as(Staged, stage)),
        Route("DELETE", f"{AREA}/delete", acting_as(Numbered, delete)),
    ]


def _of_readings(registry: Registry) -> Sequence[Route]:
    def get(asked: Numbered) -> object:
        return {"model_version": version_described(*registry.version_with_routing(asked.name, asked.number))}

    def search(asked: SearchVersions) -> object:
        page = found_versions(registry, asked)
        told: dict[str, object] = {}
        if page.found:
            versions = [one.version for one in page.found]
            routings = registry.routings(sorted({one.model for one in versions}))
            told["model_versions"] = [version_described(one, routings[one.model], aliases=False) for one in versions]
        return {**told, "next_page_token": page.token} if page.token else told

    def download_uri(asked: Numbered) -> object:
        return {"artifact_uri": files_of(registry.version(asked.name, asked.number))}

    return [
        Route("GET", f"{AREA}/get", acting(Numbered, get)),
        Route("GET", f"{AREA}/search", acting(SearchVersions, search)),
        Route("GET", f"{AREA}/get-download-uri", acting(Numbered, download_uri)),
    ]


def _of_tags(registry: Registry) -> Sequence[Route]:
    def set_tag(asked: VersionTag) -> object:
        registry.set_tag(asked.name, asked.number, asked.key, asked.value)
        return {}

    def delete_tag(asked: VersionTag) -> object:
        registry.set_tag(asked.name, asked.number, asked.key, None)
        return {}

    return [
        Route("POST", f"{AREA}/set-tag", acting(VersionTag, set_tag)),
        Route("DELETE", f"{AREA}/delete-tag", acting(VersionTag, delete_tag)),
    ]


def _told(registry: Registry, version: ModelVersion) -> object:
    return {"model_version": version_described(version, registry.routing(version.model))}

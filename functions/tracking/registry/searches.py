"""Searches for registered models and versions, as MLflow's server does them on SQLite.

Prompts are registered models with a tag, and are told only to those who ask for prompts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from functions.tracking.errors import MlflowError
from functions.tracking.registry.requests import SearchModels, SearchVersions
from functions.tracking.registry.views import changed, millis, source_of, tags_of
from loopwright.registry import ModelVersion, RegisteredModel, Registry
from loopwright.tracking.search import (
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    Clause,
    Facts,
    Filter,
    Page,
    paged,
    parse_filter,
    parse_order,
)

MODELS_LIMIT: Final = 1_000
VERSIONS_LIMIT: Final = 200_000

IS_PROMPT: Final = "mlflow.prompt.is_prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel(Facts):
    """A model and what can be asked of it."""

    model: RegisteredModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion(Facts):
    """A version and what can be asked of it."""

    version: ModelVersion


def found_models(registry: Registry, asked: SearchModels) -> Page[FoundModel]:
    """Return a page of registered models.

    Raises:
        InvalidInputError: MLflow would not take the filter, the order or the token.
        MlflowError: it would not take so many results.
    """
    size = _size(asked.max_results, MODELS_LIMIT)
    wanted, prompts = _asked_for(parse_filter(asked.filter, REGISTERED_MODELS))
    order = parse_order(asked.order_by, REGISTERED_MODELS)
    found = (
        FoundModel(
            attributes={"name": one.name, "last_updated_timestamp": millis(changed(one))}, tags=one.tags, model=one
        )
        for one in registry.models()
        if prompts or not is_prompt(one)
    )
    return paged((one for one in found if wanted.accepts(one)), order, size=size, token=asked.page_token)


def found_versions(registry: Registry, asked: SearchVersions) -> Page[FoundVersion]:
    """Return a page of versions; raises as `found_models` does.

    One read a model that the filter's names leave, and one for the models, unless the filter names one.
    """
    size = _size(asked.max_results, VERSIONS_LIMIT)
    wanted, prompts = _asked_for(parse_filter(asked.filter, MODEL_VERSIONS))
    order = parse_order(asked.order_by, MODEL_VERSIONS)
    found = (one for name in _names(registry, wanted) for one in _versions(registry, name, prompts=prompts))
    return paged((one for one in found if wanted.accepts(one)), order, size=size, token=asked.page_token)


def is_prompt(model: RegisteredModel) -> bool:
    """Say whether it is a prompt."""
    return model.tags.get(IS_PROMPT) == "true"


def _asked_for(wanted: Filter) -> tuple[Filter, bool]:
    """Return the filter without what it says of prompts unless it asks for them, and whether it does."""
    about = [one for one in wanted.clauses if _is_about_prompts(one)]
    if about and (about[0].comparator, str(about[0].value).lower()) in {("=", "true"), ("!=", "false")}:
        return wanted, True
    return Filter(tuple(one for one in wanted.clauses if one not in about)), False


def _is_about_prompts(clause: Clause) -> bool:
    return clause.part == "tag" and clause.key == IS_PROMPT


def _names(registry: Registry, wanted: Filter) -> Sequence[str]:
    """Return the names of the models whose versions may be wanted."""
    about = [one for one in wanted.clauses if one.part == "attribute" and one.key == "name"]
    for clause in about:
        if clause.comparator == "=":
            return [str(clause.value)]
    named = Filter(tuple(about))
    names = [one.name for one in registry.models() if one.latest]
    return [name for name in names if named.accepts(Facts(attributes={"name": name}))]


def _versions(registry: Registry, name: str, *, prompts: bool) -> Iterator[FoundVersion]:
    found = [
        FoundVersion(
            attributes={
                "name": one.model,
                "run_id": one.run_id,
                "source": source_of(one),
                "version": one.version,
                "creation_timestamp": millis(one.created),
                "last_updated_timestamp": millis(changed(one)),
            },
            tags=tags_of(one),
            version=one,
        )
        for one in registry.versions(name)
    ]
    if prompts or not any(one.tags.get(IS_PROMPT) == "true" for one in found):
        yield from found


def _size(wanted: int, limit: int) -> int:
    if not 0 < wanted <= limit:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"max_results is {wanted}: it is between 1 and {limit:,}")
    return wanted

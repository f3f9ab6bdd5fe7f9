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

    Two reads if the filter names runs; else one a model that its names leave, and one for the models, or none.
    """
    size = _size(asked.max_results, VERSIONS_LIMIT)
    wanted, prompts = _asked_for(parse_filter(asked.filter, MODEL_VERSIONS))
    order = parse_order(asked.order_by, MODEL_VERSIONS)
    found = _candidates(registry, wanted, prompts=prompts)
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


def _candidates(registry: Registry, wanted: Filter, *, prompts: bool) -> Iterator[FoundVersion]:
    """Yield the versions that a filter may want."""
    runs = _told(wanted, "run_id")
    names = _told(wanted, "name")
    of_runs = registry.versions_of_runs(sorted(runs)) if runs is not None and names is None else None
    if of_runs is not None:
        yield from _facts(of_runs, prompts=prompts)
        return
    if names is None or len(names) > 1:
        asked = Filter(tuple(one for one in wanted.clauses if _is_about(one, "name")))
        models = (one.name for one in registry.models() if one.latest)
        names = [name for name in models if asked.accepts(Facts(attributes={"name": name}))]
    for name in names:
        yield from _facts(registry.versions(name), prompts=prompts)


def _told(wanted: Filter, key: str) -> Sequence[str] | None:
    """Return to which values of an attribute a filter leads; None: it does not name them."""
    for clause in wanted.clauses:
        match clause.comparator, clause.value:
            case "=", str() if _is_about(clause, key):
                return [clause.value]
            case "IN", tuple() if _is_about(clause, key):
                return clause.value
            case _:
                continue
    return None


def _is_about(clause: Clause, key: str) -> bool:
    return clause.part == "attribute" and clause.key == key


def _facts(versions: Sequence[ModelVersion], *, prompts: bool) -> Iterator[FoundVersion]:
    """Yield versions with what can be asked of them; none of a model that has a prompt, unless prompts are wanted."""
    hidden = frozenset() if prompts else {one.model for one in versions if one.tags.get(IS_PROMPT) == "true"}
    for one in versions:
        if one.model not in hidden:
            yield FoundVersion(
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


def _size(wanted: int, limit: int) -> int:
    if not 0 < wanted <= limit:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"max_results is {wanted}: it is between 1 and {limit:,}")
    return wanted

"""Searches for registered models and versions, as MLflow's server does them on SQLite.

Prompts are registered models with a tag, and are told only to those who ask for prompts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.registry.requests import SearchModels, SearchVersions
from functions.tracking.registry.views import changed, millis, source_of, tags_of
from loopwright.registry import ModelVersion, RegisteredModel, Registry
from loopwright.tracking.search import (
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    Clause,
    Dataset,
    Filter,
    Page,
    paged,
    parse_filter,
    parse_order,
)

MODELS_LIMIT: Final = 1_000
VERSIONS_LIMIT: Final = 200_000

IS_PROMPT: Final = "mlflow.prompt.is_prompt"


class Found(msgspec.Struct, frozen=True):
    """What filters and orders ask of a registered model or a version: all but this is asked of other things."""

    @property
    def params(self) -> Mapping[str, str]:
        """None."""
        return {}

    @property
    def datasets(self) -> Sequence[Dataset]:
        """None."""
        return ()

    def metric(self, _: str) -> Sequence[float]:
        """Return nothing."""
        return ()


class FoundModel(Found, frozen=True):
    """A model, as filters and orders see it."""

    model: RegisteredModel

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""
        return self.model.tags

    def attribute(self, name: str) -> str | float | None:
        """Return its name, or the moment of its last change."""
        return self.model.name if name == "name" else millis(changed(self.model))


class FoundVersion(Found, frozen=True):
    """A version, as filters and orders see it."""

    version: ModelVersion

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, as MLflow sees them."""
        return tags_of(self.version)

    def attribute(self, name: str) -> str | float | None:
        """Return one of the attributes that a version is searched by."""
        return _ATTRIBUTES[name](self.version)


_ATTRIBUTES: Final[Mapping[str, Callable[[ModelVersion], str | float]]] = {
    "name": lambda one: one.model,
    "run_id": lambda one: one.run_id,
    "source": source_of,
    "version": lambda one: one.version,
    "creation_timestamp": lambda one: millis(one.created),
    "last_updated_timestamp": lambda one: millis(changed(one)),
}


def found_models(registry: Registry, asked: SearchModels) -> Page[FoundModel]:
    """Return a page of registered models.

    Raises:
        InvalidInputError: MLflow would not take the filter, the order or the token.
        MlflowError: it would not take so many results.
    """
    size = _size(asked.max_results, MODELS_LIMIT)
    wanted, prompts = _asked_for(parse_filter(asked.filter, REGISTERED_MODELS))
    order = parse_order(asked.order_by, REGISTERED_MODELS)
    found = (FoundModel(one) for one in registry.models() if prompts or not is_prompt(one))
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
        yield from _shown(of_runs, prompts=prompts)
        return
    if names is None or len(names) > 1:
        asked = Filter(tuple(one for one in wanted.clauses if _is_about(one, "name")))
        names = [one.name for one in registry.models() if one.latest and asked.accepts(FoundModel(one))]
    for name in names:
        yield from _shown(registry.versions(name), prompts=prompts)


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


def _shown(versions: Sequence[ModelVersion], *, prompts: bool) -> Iterator[FoundVersion]:
    """Yield versions; none of a model that has a prompt, unless prompts are wanted."""
    hidden = frozenset() if prompts else {one.model for one in versions if one.tags.get(IS_PROMPT) == "true"}
    return (FoundVersion(one) for one in versions if one.model not in hidden)


def _size(wanted: int, limit: int) -> int:
    if not 0 < wanted <= limit:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"max_results is {wanted}: it is between 1 and {limit:,}")
    return wanted

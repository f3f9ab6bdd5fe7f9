"""What MLflow's own parsers, of mlflow-skinny, make of a filter or an order; None: they or its store refuse it."""

from collections.abc import Callable, Mapping, Sequence

from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import (
    SearchExperimentsUtils,
    SearchModelUtils,
    SearchModelVersionUtils,
    SearchUtils,
)

from loopwright.tracking.search import EXPERIMENTS, MODEL_VERSIONS, REGISTERED_MODELS, RUNS, Schema

Clauses = list[tuple[str, str, str, object]]
Terms = list[tuple[str, str, bool]]

_PARTS = {"parameter": "param"}
_KEYS = {"created": "start_time", "Created": "start_time", "run name": "run_name", "Run name": "run_name"}
_NAMES = {"version_number": "version", "source_path": "source"}


def clauses(text: str, schema: Schema) -> Clauses | None:
    """Return the clauses of a filter; what cannot be unpacked or bound to SQL is an internal error of theirs."""
    try:
        return [_CHECKS[schema](one) for one in _PARSERS[schema].parse_search_filter(text)]
    except (MlflowException, ValueError, TypeError):
        return None


def terms(order_by: Sequence[str], schema: Schema) -> Terms | None:
    """Return the terms of an order, before ties are broken."""
    try:
        found = [_TERMS[schema](one) for one in order_by]
    except (MlflowException, ValueError, TypeError):
        return None
    twice = len({(part, key) for part, key, _ in found}) < len(found)
    return None if twice and schema is not EXPERIMENTS else found


def _run(one: Mapping[str, object]) -> tuple[str, str, str, object]:
    part, key, comparator, value = str(one["type"]), str(one["key"]), str(one["comparator"]).upper(), one["value"]
    if part == "attribute":
        key = SearchUtils.translate_key_alias(key)
    _listed(comparator, value)
    checks = SearchUtils.is_attribute(part, key, comparator)
    checks = checks or SearchUtils.is_metric(part, comparator) or SearchUtils.is_param(part, comparator)
    assert checks or SearchUtils.is_tag(part, comparator) or SearchUtils.is_dataset(part, comparator)
    if part == "metric":
        value = float(str(value))
    return _PARTS.get(part, part), key, comparator, value


def _experiment(one: Mapping[str, object]) -> tuple[str, str, str, object]:
    part, key, comparator, value = str(one["type"]), str(one["key"]), str(one["comparator"]), one["value"]
    _listed(comparator, value)
    if part == "tag":
        return part, key, _among(comparator, "=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"), value
    if key == "experiment_id":
        return part, key, _among(comparator, "=", "!=", "IN", "NOT IN"), value
    if key == "name":
        return part, key, _among(comparator, "=", "!=", "LIKE", "ILIKE"), value
    if isinstance(value, float):
        raise TypeError(value)
    return part, key, _among(comparator, "=", "!=", "<", "<=", ">", ">="), int(str(value))


def _registered(one: Mapping[str, object]) -> tuple[str, str, str, object]:
    part, key, comparator, value = str(one["type"]), str(one["key"]), str(one["comparator"]), one["value"]
    _listed(comparator, value)
    if key == "version_number" and part == "attribute":
        if isinstance(value, float):
            raise TypeError(value)
        return part, "version", _among(comparator, "=", "!=", "<", "<=", ">", ">="), int(str(value))
    known = ["=", "!=", "LIKE", "ILIKE", *(["IN", "NOT IN"] if part == "attribute" else [])]
    return part, _NAMES.get(key, key) if part == "attribute" else key, _among(comparator, *known), value


def _run_term(text: str) -> tuple[str, str, bool]:
    part, key, ascending = SearchUtils.parse_order_by_for_search_runs(text)
    if part == "dataset":
        raise ValueError(text)
    return _PARTS.get(part, part), SearchUtils.translate_key_alias(key) if part == "attribute" else key, ascending


def _experiment_term(text: str) -> tuple[str, str, bool]:
    part, key, ascending = SearchExperimentsUtils.parse_order_by_for_search_experiments(text)
    if part != "attribute":
        raise ValueError(text)
    return part, key, ascending


def _registered_term(text: str) -> tuple[str, str, bool]:
    key, ascending = SearchUtils.parse_order_by_for_search_registered_models(text)
    return "attribute", key.replace("last_updated_", "").replace("timestamp", "last_updated_timestamp"), ascending


def _version_term(text: str) -> tuple[str, str, bool]:
    part, key, ascending = SearchModelVersionUtils.parse_order_by_for_search_model_versions(text)
    if part != "attribute":
        raise ValueError(text)
    return part, _NAMES.get(key, key), ascending


def _listed(comparator: str, value: object) -> None:
    # A list that is no operand of IN reaches the database, which cannot bind it.
    if (comparator in {"IN", "NOT IN", "in"}) != isinstance(value, tuple):
        raise TypeError(value)


def _among(comparator: str, *known: str) -> str:
    if comparator not in known:
        raise ValueError(comparator)
    return comparator


_PARSERS = {
    RUNS: SearchUtils,
    EXPERIMENTS: SearchExperimentsUtils,
    REGISTERED_MODELS: SearchModelUtils,
    MODEL_VERSIONS: SearchModelVersionUtils,
}
_CHECKS: Mapping[Schema, Callable[[Mapping[str, object]], tuple[str, str, str, object]]] = {
    RUNS: _run,
    EXPERIMENTS: _experiment,
    REGISTERED_MODELS: _registered,
    MODEL_VERSIONS: _registered,
}
_TERMS: Mapping[Schema, Callable[[str], tuple[str, str, bool]]] = {
    RUNS: _run_term,
    EXPERIMENTS: _experiment_term,
    REGISTERED_MODELS: _registered_term,
    MODEL_VERSIONS: _version_term,
}

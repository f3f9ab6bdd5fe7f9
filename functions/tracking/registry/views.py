"""Registered models and their versions in MLflow's words.

A version of the project's shows what it is made of as tags, `loopwright.…`, and its package as its source. What MLflow
leaves out of an answer when it was never set is left out here too.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from loopwright.registry import ARCHIVED, ModelVersion, RegisteredModel, Routing, latest_by_stage, stage_of

PREFIX: Final = "loopwright."

PACKAGES: Final = "mlflow-artifacts:/packages"
"""What the URIs of packages start with; a model's name and a version's number follow."""


def model_described(model: RegisteredModel, versions: Sequence[ModelVersion], routing: Routing) -> dict[str, object]:
    """Return a registered model, with the newest version of each stage."""
    latest = latest_by_stage(versions, routing)
    told: dict[str, object] = {
        "name": model.name,
        "creation_timestamp": millis(model.created),
        "last_updated_timestamp": millis(changed(model)),
    }
    if model.description:
        told["description"] = model.description
    if latest:
        told["latest_versions"] = [version_described(one, routing, aliases=False) for one in latest.values()]
    if model.tags:
        told["tags"] = _pairs(model.tags)
    if routing.aliases:
        told["aliases"] = [{"alias": alias, "version": str(one)} for alias, one in routing.aliases.items()]
    return told


def version_described(version: ModelVersion, routing: Routing, *, aliases: bool = True) -> dict[str, object]:
    """Return a version; in listings MLflow leaves out the aliases that lead to it."""
    told: dict[str, object] = {
        "name": version.model,
        "version": str(version.version),
        "creation_timestamp": millis(version.created),
        "last_updated_timestamp": millis(changed(version)),
        "current_stage": stage_of(version, routing),
        "source": source_of(version),
        "run_id": version.run_id,
        "status": "READY",
        "run_link": version.run_link,
    }
    if version.description is not None:
        told["description"] = version.description
    if user := version.user or (version.tags.get("who", "") if version.packaged else ""):
        told["user_id"] = user
    if tags := tags_of(version):
        told["tags"] = _pairs(tags)
    leading = [alias for alias, number in routing.aliases.items() if number == version.version] if aliases else []
    if leading:
        told["aliases"] = leading
    if version.packaged:
        told["model_metrics"] = [
            {"key": key, "value": value, "timestamp": millis(version.created), "step": 0}
            for key, value in sorted(version.metrics.items())
        ]
        told["model_params"] = [
            {"name": name, "value": str(value)} for name, value in sorted(version.lineage.parameters.items())
        ]
    return told


def tags_of(version: ModelVersion) -> Mapping[str, str]:
    """Return a version's tags as MLflow sees them: without our mark of what is put away, with lineage and verdict."""
    own = {key: value for key, value in version.tags.items() if key != ARCHIVED}
    return {**own, **{PREFIX + key: value for key, value in _traces(version) if value}} if version.packaged else own


def source_of(version: ModelVersion) -> str:
    """Return the URI that a version is named by: a notebook's own, or its package's."""
    if not version.packaged:
        return version.source
    return f"{PACKAGES}/{quote(version.model)}/{version.version}"


def files_of(version: ModelVersion) -> str:
    """Return the URI of a version's files, which a client can load."""
    return version.location or source_of(version)


def changed(thing: ModelVersion | RegisteredModel) -> float:
    """Return the moment of a thing's last change; what an earlier release wrote tells only that of its creation."""
    return max(thing.created, thing.updated)


def millis(moment: float) -> int:
    """Return a moment in whole milliseconds."""
    return round(moment * 1e3)


def _traces(version: ModelVersion) -> Iterator[tuple[str, str]]:
    lineage, verdict = version.lineage, version.verdict
    yield "commit", lineage.code_commit
    yield "dirty", str(lineage.code_dirty).lower()
    yield "code", lineage.code_digest
    yield "environment", lineage.environment_digest
    yield "features", version.features_digest
    yield "digest", version.digest
    for pin in lineage.datasets:
        yield f"dataset.{pin.table}", f"{pin.version}@{pin.digest}"
    if verdict is None:
        yield "gate", "not judged"
    else:
        yield "gate", "passed" if verdict.passed else "refused"
        yield "gate.refusals", "; ".join(verdict.refusals)


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]

"""Versions as they are written: made, added to their model, removed from it."""

import math

from msgspec.structs import replace

from loopwright.ports.table import ABSENT, Delete, Expectation, Item, Put, Version, Write
from loopwright.registry import keys
from loopwright.registry.items import content, kept
from loopwright.registry.values import UNTRACED, ModelVersion, NewSource, NewVersion, RegisteredModel


def numbered(new: NewVersion, number: int, now: float) -> ModelVersion:
    """Return what a pipeline registers, as a version."""
    return ModelVersion(
        model=new.model,
        version=number,
        run_id=new.run_id,
        source=new.source,
        digest=new.digest,
        features_digest=new.features_digest,
        created=now,
        lineage=new.lineage,
        metrics={name: value for name, value in new.metrics.items() if math.isfinite(value)},
        tags=dict(new.tags),
        verdict=new.verdict,
        updated=now,
    )


def referred(new: NewSource, number: int, now: float) -> ModelVersion:
    """Return what a notebook registers, as a version."""
    return ModelVersion(
        model=new.model,
        version=number,
        run_id=new.run_id,
        source=new.source,
        digest="",
        features_digest="",
        created=now,
        lineage=UNTRACED,
        metrics={},
        tags=dict(new.tags),
        verdict=None,
        updated=now,
        description=new.description,
        location=new.location,
        run_link=new.run_link,
        model_id=new.model_id,
        user=new.user,
    )


def added(known: RegisteredModel, expected: Expectation, version: ModelVersion) -> list[Write]:
    """Return the writes that keep a version, whose number is the model's latest then."""
    counted = replace(known, latest=version.version, updated=version.created)
    return [
        Put(keys.model_key(known.name), content(counted), expect=expected),
        Put(keys.version_key(known.name, version.version), content(version), expect=ABSENT),
    ]


def removed(item: Item) -> list[Write]:
    """Return the writes that forget a version."""
    found = kept(item, ModelVersion)
    writes: list[Write] = [Delete(item.key, expect=Version(item.version))]
    if found.packaged and found.run_id:
        writes.append(Delete(keys.run_key(found.model, found.run_id)))
    return writes

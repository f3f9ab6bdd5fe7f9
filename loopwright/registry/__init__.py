"""Versions of models with their lineage and verdict, aliases with their history, and who gets the traffic."""

from loopwright.registry.moves import ANYWHERE, expect_package
from loopwright.registry.registry import Registry
from loopwright.registry.stages import latest_by_stage, stage_named, stage_of
from loopwright.registry.values import (
    ARCHIVED,
    CHALLENGER,
    CHAMPION,
    UNTRACED,
    AliasChange,
    Canary,
    DatasetPin,
    Lineage,
    ModelVersion,
    NewSource,
    NewVersion,
    RegisteredModel,
    Routing,
    Stage,
    TrafficChange,
)

__all__ = [
    "ANYWHERE",
    "ARCHIVED",
    "CHALLENGER",
    "CHAMPION",
    "UNTRACED",
    "AliasChange",
    "Canary",
    "DatasetPin",
    "Lineage",
    "ModelVersion",
    "NewSource",
    "NewVersion",
    "RegisteredModel",
    "Registry",
    "Routing",
    "Stage",
    "TrafficChange",
    "expect_package",
    "latest_by_stage",
    "stage_named",
    "stage_of",
]

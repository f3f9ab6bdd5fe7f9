"""Versions of models with their lineage and verdict, aliases with their history, and who gets the traffic."""

from loopwright.registry.registry import Registry
from loopwright.registry.values import (
    ARCHIVED,
    CHALLENGER,
    CHAMPION,
    AliasChange,
    Canary,
    DatasetPin,
    Lineage,
    ModelVersion,
    NewVersion,
    RegisteredModel,
    Routing,
    Stage,
    TrafficChange,
)

__all__ = [
    "ARCHIVED",
    "CHALLENGER",
    "CHAMPION",
    "AliasChange",
    "Canary",
    "DatasetPin",
    "Lineage",
    "ModelVersion",
    "NewVersion",
    "RegisteredModel",
    "Registry",
    "Routing",
    "Stage",
    "TrafficChange",
]

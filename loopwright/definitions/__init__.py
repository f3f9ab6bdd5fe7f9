"""The words in which a project says what it wants: plain functions and frozen values, no work at import."""

from loopwright.definitions.access import Access, Grant, Role
from loopwright.definitions.features import Entity, FeatureView, Field, OnDemandTransformation
from loopwright.definitions.model import Label, Model, Resources, TrainingContext
from loopwright.definitions.project import Project
from loopwright.definitions.rules import DataQuality, Drift, Gate, Monitors, Performance, Slice, Triggers
from loopwright.dtypes import Columns

__all__ = [
    "Access",
    "Columns",
    "DataQuality",
    "Drift",
    "Entity",
    "FeatureView",
    "Field",
    "Gate",
    "Grant",
    "Label",
    "Model",
    "Monitors",
    "OnDemandTransformation",
    "Performance",
    "Project",
    "Resources",
    "Role",
    "Slice",
    "TrainingContext",
    "Triggers",
]

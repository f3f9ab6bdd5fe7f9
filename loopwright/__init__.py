"""Loopwright keeps a tabular model useful after the notebook.

What a project defines comes from here; see `loopwright.definitions` for the words and README.md for the tour.
"""

from loopwright.definitions import (
    Columns,
    DataQuality,
    Drift,
    Entity,
    FeatureView,
    Field,
    Gate,
    Label,
    Model,
    Monitors,
    OnDemandTransformation,
    Performance,
    Project,
    Resources,
    Slice,
    TrainingContext,
    Triggers,
)

__version__ = "0.1.0"

__all__ = [
    "Columns",
    "DataQuality",
    "Drift",
    "Entity",
    "FeatureView",
    "Field",
    "Gate",
    "Label",
    "Model",
    "Monitors",
    "OnDemandTransformation",
    "Performance",
    "Project",
    "Resources",
    "Slice",
    "TrainingContext",
    "Triggers",
]

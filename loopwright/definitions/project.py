"""A project: the models of one loop, and how it is found on disk."""

import importlib.util
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from loopwright.definitions.access import Access
from loopwright.definitions.features import FeatureView
from loopwright.definitions.model import Model
from loopwright.definitions.names import checked_name, no_repeats
from loopwright.errors import DefinitionError, NotFoundError
from loopwright.hashing import digest_of

PROJECT_FILE: Final = "project.py"


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that one deployment runs.

    Attributes:
        name: lower-case snake case.
        models: at least one.
        retention: how long old versions of lake tables stay readable; versions that a run pinned stay for ever.
        access: who may do what with experiments and registered models over HTTP; None: all may who get in.
    """

    name: str
    models: tuple[Model, ...]
    retention: timedelta = timedelta(days=90)
    access: Access | None = None

    def __post_init__(self) -> None:
        """Check that names are unique and that a view has one definition."""
        checked_name(self.name, "project")
        no_repeats((model.name for model in self.models), "model")
        views: dict[str, FeatureView] = {}
        for model in self.models:
            for view in model.views:
                if views.setdefault(view.name, view) != view:
                    raise DefinitionError(f"feature view {view.name!r} has two definitions: models must share one")

    @property
    def views(self) -> tuple[FeatureView, ...]:
        """Every feature view of the models, once."""
        return tuple({view.name: view for model in self.models for view in model.views}.values())

    def model(self, name: str) -> Model:
        """Return the model of that name, or raise `NotFoundError`."""
        for model in self.models:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self.models)
        raise NotFoundError(f"project {self.name!r} has no model {name!r}: it has {names}")

    def view(self, name: str) -> FeatureView:
        """Return the feature view of that name, or raise `NotFoundError`."""
        for view in self.views:
            if view.name == name:
                return view
        names = ", ".join(view.name for view in self.views) or "none"
        raise NotFoundError(f"project {self.name!r} has no feature view {name!r}: it has {names}")


def features_digest(model: Model) -> str:
    """Return the digest of all that decides what the model's features are: serving refuses another one."""
    return digest_of(
        {
            "entity": model.entity,
            "request": model.request,
            "views": model.views,
            "transformations": model.transformations,
            "features": model.features,
        }
    )


def load_project(folder: Path) -> Project:
    """Run the folder's `project.py` and return the `project` that it defines.

    The folder is put on the import path, so that the file may import its neighbours.

    Raises:
        NotFoundError: the folder has no `project.py`.
        DefinitionError: the file defines no `project`, or fails.
    """
    path = folder.resolve() / PROJECT_FILE
    if not path.is_file():
        raise NotFoundError(
            f"no {PROJECT_FILE} in {folder}: name a project's folder, or make one with `loopwright init`"
        )
    spec = importlib.util.spec_from_file_location(f"loopwright_project_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except DefinitionError:
        raise
    except Exception as error:
        raise DefinitionError(f"{path} fails with {type(error).__name__}: {error}") from error
    project = getattr(module, "project", None)
    if not isinstance(project, Project):
        raise DefinitionError(f"{path} defines no `project = Project(...)`")
    return project

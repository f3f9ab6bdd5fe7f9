"""What is asked of an import, and what it reports."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.importing.ledger import Counts


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to come.

    Attributes:
        experiments: their names; empty: all.
        models: names of registered models; empty: all, unless experiments are named: then those of their runs.
        deleted: deleted experiments and runs, too; they are deleted here, too.
        artifacts: the files of runs and logged models, too.
    """

    experiments: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    deleted: bool = False
    artifacts: bool = True


@dataclass(slots=True)
class Report:
    """What the server has told of, what is here of it, and what could not be brought.

    Attributes:
        server: its address.
        experiments: that have come.
        there: runs that the server has told of.
        here: runs that are here, and what belongs to them; each was read back and compared.
        unchanged: of these, runs that were here already.
        logged_models, model_files, model_bytes: logged models that are here, with their files.
        registered_models, versions: that are here.
        logged_models_there, registered_models_there, versions_there: that the server has told of.
        problems: what could not be brought, or not as it was, in words.
    """

    server: str
    experiments: int = 0
    there: int = 0
    here: Counts = field(default_factory=Counts)
    unchanged: int = 0
    logged_models: int = 0
    model_files: int = 0
    model_bytes: int = 0
    registered_models: int = 0
    versions: int = 0
    logged_models_there: int = 0
    registered_models_there: int = 0
    versions_there: int = 0
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether as much is here as the server has told of."""
        there = (self.there, self.logged_models_there, self.registered_models_there, self.versions_there)
        return there == (self.here.runs, self.logged_models, self.registered_models, self.versions)


Tell = Callable[[Report, str], None]
"""Is told of progress: the report so far, and what is at work."""

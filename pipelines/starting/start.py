"""Writes a project's folder from a file, and brings the file's rows into its lake."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters import open_platform
from loopwright.definitions.project import PROJECT_FILE
from loopwright.errors import InvalidInputError
from loopwright.features.engine import quoted
from loopwright.hashing import digest
from loopwright.settings import Settings
from pipelines.files import DataFile, open_file, snake_case
from pipelines.starting.render import example_text, project_text, readme_text
from pipelines.starting.survey import Survey, survey

_EXAMPLES: Final = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants: a project in `folder` from `file`; label, entity and time are columns of the file.

    `positive` is the text of the label that counts as 1; None: what means yes, else the rarer one.
    """

    file: Path
    folder: Path
    label: str
    entity: str
    time: str
    positive: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """What was made: the project's and the model's name, what was found in the file, and the rows in the lake."""

    folder: Path
    project: str
    model: str
    table: str
    survey: Survey
    rows: int


def start(wish: Wish) -> Started:
    """Make the project's folder; it trains and serves at once.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: the file does not do, or the folder is there already; nothing was written.
    """
    if wish.folder.exists() and any(wish.folder.iterdir() if wish.folder.is_dir() else (wish.folder,)):
        raise InvalidInputError(f"{wish.folder} is there already and not empty: choose another with --name")
    with open_file(wish.file) as file:
        found = survey(file, label=wish.label, entity=wish.entity, time=wish.time, positive=wish.positive)
        project, model = snake_case(wish.folder.resolve().name), found.target.column.name
        table = "observations"
        names = {"project": project, "model": model, "table": table, "file": wish.file.name}
        entity = found.key.name.removesuffix("_id") or found.key.name
        texts = {
            PROJECT_FILE: project_text(found, entity=entity, **names),
            "README.md": readme_text(found, **names),
            "example.json": example_text(_examples(file, found)),
            ".gitignore": ".loopwright/\n__pycache__/\n",
        }
        with _all_or_nothing(wish.folder):
            rows = _import(file, found, Settings(home=wish.folder / ".loopwright", project=wish.folder), table)
            for name, text in texts.items():
                (wish.folder / name).write_text(text, "utf-8")
    return Started(wish.folder, project, model, table, found, rows)


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    """Make a folder, and take it away again if what is done in it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        raise


def _import(file: DataFile, found: Survey, settings: Settings, table: str) -> int:
    columns = [found.key, found.time, found.target.column, *(column for column, _ in found.features)]
    platform = open_platform(settings)
    try:
        transaction = digest(file.path.read_bytes())
        platform.lake.append(table, file.rows(columns), transaction=transaction)
    finally:
        platform.close()
    (rows,) = file.one("SELECT count(*) FROM source")
    return rows if isinstance(rows, int) else 0


def _examples(file: DataFile, found: Survey) -> list[Mapping[str, object]]:
    columns = [found.key, *(column for column, _ in found.features)]
    complete = " AND ".join(f"{quoted(column.source)} IS NOT NULL" for column in columns)
    rows = file.rows(columns, where=complete).limit(_EXAMPLES).fetchall() or file.rows(columns).limit(1).fetchall()
    return [{column.name: value for column, value in zip(columns, row, strict=True)} for row in rows]

"""Looks whether a project and its state are in order, and says what to do about what is not."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from loopwright.columns import length
from loopwright.definitions import Model, Project
from loopwright.definitions.project import features_digest, load_project
from loopwright.errors import IntegrityError, LoopwrightError, NotFoundError
from loopwright.features.sources import check_source
from loopwright.models import load_scorer
from loopwright.ports import Platform
from loopwright.ports.lake import Selection
from loopwright.registry import Registry
from pipelines.glance import QUEUES

Level = Literal["fine", "warning", "broken"]

_LIBRARIES: Final = ("numpy", "pandas", "scikit-learn", "onnxruntime", "skl2onnx", "deltalake", "duckdb", "uvicorn")
_LOW_DISK: Final = 1 << 30
_PYTHON: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do if it is not fine."""

    what: str
    level: Level
    told: str
    advice: str = ""


def examine_machine(home: Path) -> Iterator[Finding]:
    """Look at Python, the libraries, the disk."""
    version = sys.version.split()[0]
    old = sys.version_info < _PYTHON
    yield Finding("Python", "broken" if old else "fine", version, "use Python 3.11 or newer" if old else "")
    missing, found = [], []
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            missing.append(library)
    if missing:
        yield Finding("libraries", "broken", f"missing: {', '.join(missing)}", "run `uv sync`")
    else:
        yield Finding("libraries", "fine", ", ".join(found))
    there = next(folder for folder in (home, *home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    low = free < _LOW_DISK
    advice = "make room: appends fail when the disk is full (nothing is lost)" if low else ""
    yield Finding("disk", "warning" if low else "fine", f"{free / 1e9:.1f} GB free at {there}", advice)


def examine_databases(home: Path) -> Iterator[Finding]:
    """Check the local provider's SQLite files, and that nobody holds their write lock for long."""
    for path in sorted(home.glob("*.db")):
        try:
            told = _checked(path)
        except sqlite3.OperationalError as error:
            yield Finding(path.name, "warning", str(error), "see which process holds it: one may be stuck")
            continue
        except sqlite3.DatabaseError as error:
            told = str(error)
        fine = told == "ok"
        advice = "" if fine else f"restore {path} from a copy, or recover it with sqlite3's .recover"
        yield Finding(path.name, "fine" if fine else "broken", told if fine else f"damaged: {told}", advice)


def examine_project(folder: Path) -> Iterator[Finding]:
    """Look whether the definitions fit together."""
    try:
        project = load_project(folder)
    except LoopwrightError as error:
        yield Finding("project", "broken", str(error), "mend project.py")
        return
    models = ", ".join(f"{model.name} ({model.task}, {len(model.features)} features)" for model in project.models)
    yield Finding("project", "fine", f"{project.name}: {models}")


def examine_state(platform: Platform, project: Project) -> Iterator[Finding]:
    """Look at queues, the lake's tables, and the packages of the versions that serve."""
    yield from _queues(platform)
    for model in project.models:
        yield from _tables(platform, model)
        yield from _versions(platform, model)


def _checked(path: Path) -> str:
    with closing(sqlite3.connect(path, timeout=2.0)) as connection:
        (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
        return str(told)


def _queues(platform: Platform) -> Iterator[Finding]:
    for queue in QUEUES:
        depth = platform.queue.depth(queue)
        told = f"{depth.ready} ready, {depth.in_flight} in hand, {depth.dead} dead"
        if not platform.capabilities.counts_in_flight:
            told = f"{depth.ready} ready or in hand, {depth.dead} dead, as of some minutes ago"
        advice = f"see why in the log of the worker, then `loopwright redrive {queue}`" if depth.dead else ""
        yield Finding(f"queue {queue}", "warning" if depth.dead else "fine", told, advice)


def _tables(platform: Platform, model: Model) -> Iterator[Finding]:
    what = f"lake {model.observations}"
    version = platform.lake.version(model.observations)
    if version is None:
        yield Finding(what, "warning", "there is no such table", f"loopwright ingest FILE {model.observations}")
    else:
        yield _readable(platform, what, model, version)
    for view in model.views:
        what = f"lake {view.source}"
        try:
            check_source(platform.lake, view)
        except NotFoundError as error:
            yield Finding(what, "warning", str(error), f"loopwright ingest FILE {view.source}, or push rows")
        except LoopwrightError as error:
            problems = "; ".join(getattr(error, "problems", ()))
            yield Finding(what, "broken", problems or str(error), "mend the source, or the view in project.py")
        else:
            yield Finding(what, "fine", f"fits the view {view.name}")


def _readable(platform: Platform, what: str, model: Model, version: int) -> Finding:
    """Read the event times: a file of the table that is gone or damaged is found by that."""
    try:
        rows = length(platform.lake.read_columns(model.observations, Selection((model.event_time,)), version=version))
    except LoopwrightError as error:
        return Finding(what, "broken", str(error), "restore the lake's folder from a copy")
    return Finding(what, "fine", f"version {version}, {rows:,} rows")


def _versions(platform: Platform, model: Model) -> Iterator[Finding]:
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    routing = registry.routing(model.name)
    if routing.champion is None:
        yield Finding(f"champion of {model.name}", "warning", "there is none", "loopwright train")
        return
    canary = (routing.canary.version,) if routing.canary else ()
    for number in dict.fromkeys((routing.champion, *canary, *routing.shadows)):
        what = f"{model.name} version {number}"
        version = registry.version(model.name, number)
        if version.features_digest != features_digest(model):
            told = "its features are defined otherwise than in project.py"
            yield Finding(what, "broken", told, "it is refused: train again, or take the change back")
            continue
        try:
            load_scorer(platform.blobs, version.source, version.digest)
        except (IntegrityError, NotFoundError) as error:
            advice = "it is refused: `loopwright rollback`, then `loopwright reproduce` its run"
            yield Finding(what, "broken", str(error), advice)
        else:
            yield Finding(what, "fine", f"{version.digest[:19]}… verified")

"""A saved model becomes a fitted one. Skops and ONNX are read here; a pickle only in a process that has nothing.

Whoever opens a pickle does what its author wrote into it. So a person has to say that they trust it, and then it is
opened by a process of its own, without this one's environment, and where the system allows it without a network and
without sight of other processes.
That process hands back a skops file, which is read like any other: with types of an allow-list only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np
import pandas as pd
import skops.io

from loopwright.columns import Columns, take
from loopwright.definitions.model import Model
from loopwright.errors import DefinitionError, InvalidInputError
from loopwright.metrics import Answers
from loopwright.models.scorer import scores_maker
from pipelines.adopting import unpickle
from pipelines.adopting.columns import check_names, check_signature, fitted_names, in_order
from pipelines.adopting.mlmodel import SavedModel
from pipelines.frames import frame_of
from pipelines.training.describe import plain_manifest
from pipelines.training.evaluate import held_out_rows
from pipelines.training.export import fits, furthest, parity_rows
from pipelines.training.fit import Estimator, Fitted, answer, answers, checked, classes_of
from pipelines.training.skops_export import types_in

_SECONDS: Final = 300.0
_NO_NETWORK: Final = ("unshare", "--user", "--map-root-user", "--net")
_ALONE: Final = ((*_NO_NETWORK, "--pid", "--fork", "--kill-child", "--mount-proc"), _NO_NETWORK)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's model: its name in messages, how it was saved, its file, and whether a pickle is trusted."""

    what: str
    saved: SavedModel
    data: bytes
    trusted: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""
        theirs, ours = self.saved.sklearn_version, version("scikit-learn")
        if not theirs or theirs == ours:
            return ()
        told = f"it was fitted with scikit-learn {theirs} and is read with {ours}, which may answer otherwise"
        return (f"{told}: what the gate has judged is what is served",)


def check_trust(notebook: Notebook) -> None:
    """Raise `InvalidInputError` if the model is a pickle and nobody has said that they trust it."""
    saved = notebook.saved
    if saved.format in {"pickle", "cloudpickle"} and not notebook.trusted:
        raise InvalidInputError(
            f"{notebook.what} is a pickle ({saved.file}): whoever opens it runs whatever its author has put into it. "
            "Save it without: mlflow.sklearn.log_model(..., serialization_format='skops') or "
            "mlflow.sklearn.autolog(serialization_format='skops'). "
            "If you know who made it: --trust-pickle opens it once, apart from all else, and keeps no pickle"
        )


def open_model(model: Model, notebook: Notebook, columns: Columns) -> Fitted:
    """Return the fitted model, which takes the features of `model` in their order; `columns` are the training rows.

    Raises:
        InvalidInputError: it is a pickle and not trusted, wants other columns, or holds what may not be loaded.
        DefinitionError: it cannot answer what the project's model is asked, or not twice the same.
    """
    check_trust(notebook)
    saved = notebook.saved
    if saved.inputs is not None:
        check_signature(model, saved.inputs, notebook.what)
    if saved.format == "onnx":
        return notebook.data
    held_out = held_out_rows(model, columns)
    sample = take(held_out, parity_rows(model, held_out))
    if saved.format == "skops":
        fitted = _usable(model, notebook, _loaded(notebook, notebook.data))
        _answered(model, notebook, fitted, sample)
        return fitted
    data, values = _converted(model, notebook, sample)
    fitted = _usable(model, notebook, _loaded(notebook, data))
    _compare(model, notebook, fitted, sample, values)
    return fitted


def _usable(model: Model, notebook: Notebook, found: object) -> Estimator:
    """Check a loaded object and return it as an estimator that takes the model's features."""
    estimator = checked(model, getattr(found, "best_estimator_", found), f"{notebook.what} is a")
    own = fitted_names(estimator)
    inputs = notebook.saved.inputs
    check_names(model, own, notebook.what, signed=inputs is not None)
    return in_order(model, estimator, own or tuple(one.name for one in inputs or ()))


def _loaded(notebook: Notebook, data: bytes) -> object:
    """Read a skops file with the types that we allow; what the file itself says that may be trusted does not count."""
    try:
        types, refused = types_in(data)
        if not refused:
            return skops.io.loads(data, trusted=list(types))
    except Exception as error:
        raise InvalidInputError(
            f"{notebook.what} cannot be read as skops: {type(error).__name__}: {error}. {_advice(notebook)}"
        ) from error
    raise InvalidInputError(
        f"{notebook.what} holds {', '.join(refused)}, which may not be loaded where models are served: build it from "
        "scikit-learn's own types, or convert it to ONNX in the notebook and log it with mlflow.onnx"
    )


def _advice(notebook: Notebook) -> str:
    theirs, ours = notebook.saved.sklearn_version, version("scikit-learn")
    return f"It was fitted with scikit-learn {theirs or 'of an unknown version'}, here is {ours}"


def _converted(
    model: Model, notebook: Notebook, sample: Columns
) -> tuple[bytes, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Let a process of its own open a pickle; return it as a skops file, and what it answers for the sample."""
    with TemporaryDirectory(prefix="loopwright-pickle-") as folder:
        place = Path(folder)
        (place / unpickle.PICKLE).write_bytes(notebook.data)
        frame = frame_of(model, sample)
        # Texts as arrays of fixed width: nothing on the way is an object, in neither direction.
        np.savez(place / unpickle.ROWS, allow_pickle=False, **{name: _plain(frame[name]) for name in model.features})
        wanted = "predict" if model.task == "regression" else "predict_proba"
        _run(notebook, place, wanted)
        report = msgspec.json.decode((place / unpickle.REPORT).read_bytes(), type=dict[str, str])
        if error := report["error"]:
            raise InvalidInputError(f"{notebook.what} cannot be converted: {error}. {_advice(notebook)}")
        data = (place / unpickle.SKOPS).read_bytes()
        return data, np.load(place / unpickle.ANSWERS, allow_pickle=False).astype(np.float64)


def _plain(column: pd.Series) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return column.to_numpy(dtype=np.float64) if column.dtype.kind == "f" else np.array(column.tolist(), dtype=np.str_)


def _run(notebook: Notebook, place: Path, wanted: str) -> None:
    """Run the process that opens a pickle, in the folder that holds it."""
    order = json.dumps([one.name for one in notebook.saved.inputs or ()])
    command = [*_alone(), sys.executable, "-s", "-P", unpickle.__file__, wanted, order]
    try:
        # The program is ours; what it opens is what somebody has said that they trust.
        done = subprocess.run(  # noqa: S603
            command,
            cwd=place,
            env=_bare_environment(place),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInputError(
            f"{notebook.what} was not opened within {_SECONDS:g} seconds: nothing was kept"
        ) from error
    if done.returncode or not (place / unpickle.REPORT).is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise InvalidInputError(f"{notebook.what} cannot be opened: {said[0]}. {_advice(notebook)}")


def _bare_environment(place: Path) -> dict[str, str]:
    """Return all that the process gets to know: where Python's libraries are, and a home with nothing in it."""
    paths = [path for path in sys.path if path]
    return {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(place), "TMPDIR": str(place), "LANG": "C.UTF-8"}


def _alone() -> Sequence[str]:
    """Return what takes the network, and the sight of other processes, from a command, where anybody may do that."""
    for way in _ALONE:
        with suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run([*way, "true"], capture_output=True, timeout=10, check=False).returncode == 0:  # noqa: S603
                return way
    return ()


def _answered(model: Model, notebook: Notebook, fitted: Estimator, sample: Columns) -> Answers:
    """Return what the model answers for rows of the project, or raise `InvalidInputError` in words."""
    try:
        return answer(model, fitted, sample)
    except Exception as error:
        # Whatever is in a pipeline raises what it likes.
        reason = (str(error).strip().splitlines() or [""])[:2]
        raise InvalidInputError(
            f"{notebook.what} cannot answer the project's rows: {type(error).__name__}: {' '.join(reason)} "
            "Missing numbers are NaN and missing texts are empty here: fit it to such rows"
        ) from error


def _compare(
    model: Model,
    notebook: Notebook,
    fitted: Estimator,
    sample: Columns,
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    """Raise `DefinitionError` unless what was handed back answers as the pickle did."""
    then = answers(scores_maker(plain_manifest(model, classes_of(model, fitted)))(values))
    now = _answered(model, notebook, fitted, sample)
    if not fits(then, now):
        raise DefinitionError(
            f"{notebook.what} answers differently once it is a skops file, by up to {furthest(then, now):.3g}: "
            "it depends on something outside of itself"
        )

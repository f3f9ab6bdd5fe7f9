"""What an `MLmodel` file says of a model: how it was saved, with what, and which columns it wants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import yaml

from loopwright.errors import InvalidInputError

MLMODEL: Final = "MLmodel"

Format = Literal["skops", "pickle", "cloudpickle", "onnx"]

_FORMATS: Final[tuple[Format, ...]] = ("skops", "pickle", "cloudpickle")


_ELEMENTS: Final[Mapping[str, str]] = {
    "float": "double",
    "int": "long",
    "uint": "long",
    "bool": "boolean",
    "str": "string",
    "object": "string",
}


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that the model wants: its name and MLflow's word for its type, such as `double`."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class SavedModel:
    """How a model was saved.

    Attributes:
        format: of its file.
        file: its name within the model's folder.
        sklearn_version: with which it was fitted; empty: not known.
        inputs: the columns of its signature; None: it has no signature, or one without names.
    """

    format: Format
    file: str
    sklearn_version: str
    inputs: tuple[InputColumn, ...] | None


def read_mlmodel(data: bytes, what: str) -> SavedModel:
    """Return what the file says; `what` names the model in messages.

    Raises:
        InvalidInputError: it is no MLmodel file, or neither scikit-learn's flavour nor ONNX's is in it.
    """
    try:
        content: object = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{what}: its {MLMODEL} file cannot be read: {error}") from error
    flavours = _mapping(_mapping(content).get("flavors"))
    inputs = _inputs(_mapping(_mapping(content).get("signature")).get("inputs"), what)
    if sklearn := _mapping(flavours.get("sklearn")):
        return SavedModel(_format(sklearn, what), _text(sklearn, "pickled_model", what), _version(sklearn), inputs)
    if onnx := _mapping(flavours.get("onnx")):
        return SavedModel("onnx", _text(onnx, "data", what), "", inputs)
    names = ", ".join(str(name) for name in flavours) or "none"
    raise InvalidInputError(
        f"{what} has the flavours {names}: adopted are models of mlflow.sklearn, and of mlflow.onnx. "
        "Log it with one of these, or train it in the project's training function"
    )


def _format(flavour: Mapping[str, object], what: str) -> Format:
    # Before there was a choice there was pickle.
    found = flavour.get("serialization_format", "pickle")
    for known in _FORMATS:
        if found == known:
            return known
    raise InvalidInputError(f"{what} was saved as {found!r}, which is none of {', '.join(_FORMATS)}")


def _text(flavour: Mapping[str, object], key: str, what: str) -> str:
    found = flavour.get(key)
    if not isinstance(found, str):
        raise InvalidInputError(f"{what}: its {MLMODEL} file does not say which file the model is in ({key})")
    return found


def _version(flavour: Mapping[str, object]) -> str:
    return str(flavour.get("sklearn_version") or "")


def _inputs(text: object, what: str) -> tuple[InputColumn, ...] | None:
    """Return the columns of a signature, which is JSON within the file; arrays and single values have no names."""
    if not isinstance(text, str):
        return None
    try:
        found: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{what}: the inputs of its signature are no JSON: {error}") from error
    columns = [_mapping(one) for one in found] if isinstance(found, Sequence) else []
    if not columns or not all(isinstance(one.get("name"), str) for one in columns):
        return None
    return tuple(InputColumn(str(one["name"]), _kind(one)) for one in columns)


def _kind(column: Mapping[str, object]) -> str:
    """Return MLflow's word for a column's type; a named tensor is what its elements are."""
    if column.get("type") != "tensor":
        return str(column.get("type"))
    dtype = str(_mapping(column.get("tensor-spec")).get("dtype"))
    return next((word for start, word in _ELEMENTS.items() if dtype.startswith(start)), dtype)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

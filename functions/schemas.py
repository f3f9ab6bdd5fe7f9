"""JSON Schema (the dialect of OpenAPI 3.1) of a project's fields: types, ranges, categories, nullability, examples."""

from collections.abc import Iterable, Mapping
from typing import Final

from loopwright.definitions import Field
from loopwright.dtypes import DType
from loopwright.features.values import EXACT

Schema = Mapping[str, object]

_TYPES: Final[Mapping[DType, str]] = {
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "string": "string",
    "time": "string",
}


def field_schema(field: Field) -> Schema:
    """Return the schema of a field's value.

    A range or a set of categories is told as an example and in words, not as a bound: values outside are served, and
    counted by data quality.
    """
    name = _TYPES[field.dtype]
    schema: dict[str, object] = {"type": [name, "null"] if field.nullable else name}
    if field.dtype == "time":
        schema["format"] = "date-time"
    if field.dtype == "int":
        schema |= {"minimum": -EXACT, "maximum": EXACT}
    if field.dtype == "string" and not field.nullable:
        schema["minLength"] = 1
    if words := _words(field):
        schema["description"] = words
    return schema | {"examples": [example(field)]}


def row_schema(fields: Iterable[Field], extra: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that has every field and no other, but may have the extra ones."""
    fields = tuple(fields)
    return {
        "type": "object",
        "properties": {**(extra or {}), **{field.name: field_schema(field) for field in fields}},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def example_row(fields: Iterable[Field]) -> dict[str, object]:
    """Return a row that is valid for the fields."""
    return {field.name: example(field) for field in fields}


def example(field: Field) -> object:
    """Return a valid value: a category, the middle of the range, or something plain."""
    match field.dtype:
        case "string":
            return field.categories[0] if field.categories else "text"
        case "time":
            return "2013-03-01T12:00:00Z"
        case "bool":
            return True
        case "int":
            return int(_middle(field))
        case "float":
            return _middle(field)


def _middle(field: Field) -> float:
    if field.minimum is not None and field.maximum is not None:
        return (field.minimum + field.maximum) / 2
    if field.minimum is not None:
        return max(field.minimum, 1.0)
    return 1.0 if field.maximum is None else min(field.maximum, 1.0)


def _words(field: Field) -> str:
    parts = [field.description] if field.description else []
    if field.minimum is not None or field.maximum is not None:
        parts.append(f"Valid {_range(field)}.")
    if field.categories:
        parts.append(f"Known values: {', '.join(field.categories)}.")
    return " ".join(parts)


def _range(field: Field) -> str:
    low = [] if field.minimum is None else [f"from {field.minimum:g}"]
    high = [] if field.maximum is None else [f"{'to' if low else 'up to'} {field.maximum:g}"]
    return " ".join(low + high)

"""Digests of values and of code, equal wherever and whenever they are computed."""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum

import msgspec


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` as `sha256:<64 hex digits>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of(value: object) -> str:
    """Return the digest of a definition: dataclasses, mappings, sequences, scalars, durations and functions.

    Equal values have equal digests whatever the order of their mapping's keys; a function counts by its code, not by
    its comments, docstring or formatting.

    Raises:
        TypeError: the value holds something that has no canonical form.
    """
    return digest(msgspec.json.encode(_canonical(value), order="deterministic"))


def code_digest(function: Callable[..., object]) -> str:
    """Return the digest of a function's code, free of comments, docstrings and formatting."""
    return digest(_normal_code(function).encode())


def _canonical(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.value
        case timedelta():
            return {"seconds": value.total_seconds()}
        case Mapping():
            return {str(key): _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
        case set() | frozenset():
            return sorted(str(item) for item in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            content = {field.name: _canonical(getattr(value, field.name)) for field in fields(value)}
            return {"type": type(value).__name__, **content}
        case _ if inspect.isfunction(value):
            return {"code": _normal_code(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form: use scalars, mappings, tuples, dataclasses")


def _normal_code(function: Callable[..., object]) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)

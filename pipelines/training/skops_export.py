"""Estimators as skops files: a zip of JSON and arrays that names its types and holds no code."""

import io
import json
import zipfile
from typing import Final

import skops.io

from loopwright.models.trust import refused_types

_SCHEMA: Final = "schema.json"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def dump(estimator: object) -> bytes:
    """Return the estimator as a skops file whose bytes depend on the estimator alone.

    Raises:
        Exception: whatever skops raises for what it cannot keep; it has no error class of its own.
    """
    return _stable(skops.io.dumps(estimator))


def types_in(data: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types that loading the file needs, beyond what skops always trusts: all, and those refused."""
    types = tuple(sorted(skops.io.get_untrusted_types(data=data)))
    return types, refused_types(types)


def _stable(data: bytes) -> bytes:
    """Number objects in the order of the file instead of by their address in memory, and drop the times."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        parts = {name: archive.read(name) for name in archive.namelist() if name != _SCHEMA}
    ids: dict[int, int] = {}
    files: dict[str, str] = {}
    renamed = _renamed(schema, ids, files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for old, new in files.items():
            archive.writestr(_entry(new), parts[old])
        archive.writestr(_entry(_SCHEMA), json.dumps(renamed, sort_keys=True))
    return buffer.getvalue()


def _renamed(node: object, ids: dict[int, int], files: dict[str, str]) -> object:
    if isinstance(node, list):
        return [_renamed(one, ids, files) for one in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, object] = {}
    for key, value in node.items():
        if key == "__id__" and isinstance(value, int):
            result[key] = ids.setdefault(value, len(ids) + 1)
        elif key == "file" and isinstance(value, str):
            suffix = value.rpartition(".")[2]
            result[key] = files.setdefault(value, f"{len(files) + 1}.{suffix}")
        else:
            result[key] = _renamed(value, ids, files)
    return result


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry

"""What is told of data sets once an experiment and not with every run: schema and profile, and that there are such.

As in MLflow a data set is what has a name and a digest, and the first run to log it says what it looks like.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports.table import ABSENT, Item, Key, Put, Table
from loopwright.tracking import keys
from loopwright.tracking.values import DatasetInput, DatasetUse, Run

PACKED_BYTES: Final = 900_000
"""What schema and profile may weigh when they are compressed: a table's item has a megabyte at most."""

_PACKED: Final = "packed"


def new_of(datasets: Iterable[DatasetInput], known: Iterable[DatasetInput]) -> Sequence[DatasetInput]:
    """Return of the data sets of each name and digest the first, unless one of them is known."""
    found = {(one.name, one.digest) for one in known}
    new: dict[tuple[str, str], DatasetInput] = {}
    for one in datasets:
        if (one.name, one.digest) not in found:
            new.setdefault((one.name, one.digest), one)
    return list(new.values())


def keep_datasets(table: Table, experiment_id: str, datasets: Sequence[DatasetInput]) -> tuple[DatasetInput, ...]:
    """Keep what is told once an experiment, unless it is there, and return the data sets without it.

    It is kept before a run names the data set, so no reader misses it, and keeping it again changes nothing.

    Raises:
        InvalidInputError: schema and profile are too long.
    """
    puts = [put for one in datasets for put in _puts(experiment_id, one)]
    known = table.get_many([put.key for put in puts])
    for put, found in zip(puts, known, strict=True):
        if found is None:
            # Another run may just have told it.
            with suppress(ConflictError):
                table.put(put.key, put.value, expect=ABSENT)
    return tuple(
        replace(one, schema="", profile="", detailed=True) if one.schema or one.profile else one for one in datasets
    )


def with_details(table: Table, runs: Sequence[Run]) -> list[Run]:
    """Return the runs with the schemas and profiles of their inputs, which are read together."""
    places = list(dict.fromkeys(_place(run.experiment_id, one) for run in runs for one in run.inputs if one.detailed))
    if not places:
        return list(runs)
    found = dict(zip(places, table.get_many(places), strict=True))
    return [replace(run, inputs=tuple(_detailed(run.experiment_id, run.inputs, found))) for run in runs]


def uses(table: Table, experiment_id: str, *, limit: int) -> list[DatasetUse]:
    """Return which data sets runs of the experiment read, and for what; by name, digest and context."""
    items = table.query(keys.runs_partition(experiment_id), prefix=keys.DATASET_USES, limit=limit)
    return sorted(
        (msgspec.convert(dict(item.value), DatasetUse) for item in items),
        key=lambda one: (one.name, one.digest, one.context),
    )


def _puts(experiment_id: str, dataset: DatasetInput) -> Iterable[Put]:
    use = DatasetUse(dataset.name, dataset.digest, dataset.context)
    place = keys.dataset_use_key(experiment_id, use.name, use.digest, use.context)
    yield Put(place, {"name": use.name, "digest": use.digest, "context": use.context})
    if dataset.schema or dataset.profile:
        yield Put(_place(experiment_id, dataset), {_PACKED: _packed(dataset)})


def _packed(dataset: DatasetInput) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode((dataset.schema, dataset.profile)))
    if len(packed) > PACKED_BYTES:
        raise InvalidInputError(
            f"data set {dataset.name!r}: schema and profile have {len(packed):,} bytes even when they are compressed, "
            f"at most {PACKED_BYTES:,} are kept: log them as an artifact"
        )
    return packed


def _detailed(
    experiment_id: str, datasets: Iterable[DatasetInput], found: Mapping[Key, Item | None]
) -> Iterable[DatasetInput]:
    for one in datasets:
        item = found.get(_place(experiment_id, one)) if one.detailed else None
        packed = item.value[_PACKED] if item else None
        if isinstance(packed, bytes):
            schema, profile = msgspec.msgpack.decode(zlib.decompress(packed), type=tuple[str, str])
            yield replace(one, schema=schema, profile=profile)
        else:
            yield one


def _place(experiment_id: str, dataset: DatasetInput) -> Key:
    return keys.dataset_key(experiment_id, dataset.name, dataset.digest)

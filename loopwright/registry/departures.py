"""All of a model's items removed, or carried to another name; both in steps that may be interrupted and repeated.

A model's own item says what is under way, and every step expects it to be as it was: so a step that comes late, after
somebody else has finished, does nothing. That item is never removed, or its count of writes would begin anew and a late
step would find what it expects. The routing is closed before the first step and goes with the last one, so that no
alias moves in between.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from msgspec.structs import replace

from loopwright.errors import ConflictError, UnavailableError
from loopwright.optimistic import ATTEMPTS
from loopwright.ports.table import Check, Delete, Item, Key, Put, Table, Version, Write
from loopwright.registry import keys
from loopwright.registry.by_run import hinted_anew
from loopwright.registry.items import content, kept
from loopwright.registry.values import ModelVersion, RegisteredModel, Routing

_STEP: Final = 20
"""Items a step: a version may have 800 kB of tags, a transaction of DynamoDB takes 4 MB of large items at a time."""


def sweep(table: Table, item: Item) -> None:
    """Remove all that is kept of a model whose deletion has begun.

    Raises:
        ConflictError: somebody else has finished it.
    """
    name = item.key.sort
    here = Check(item.key, Version(item.version))
    while batch := _batch(table, name):
        table.transact([here, *(Delete(one.key) for one in batch)])
    gone = replace(kept(item, RegisteredModel), state="gone", other="", tags={}, description=None)
    table.transact([Put(item.key, content(gone), expect=Version(item.version)), Delete(keys.routing_key(name))])


def carry(table: Table, old: str, new: str, now: float) -> RegisteredModel:
    """Move all that is kept of a model which is leaving for another name, and return it as it is there.

    Raises:
        ConflictError: somebody else has finished it.
    """
    for _ in range(ATTEMPTS):
        leaving, arriving = _both(table, old, new)
        try:
            if batch := _batch(table, old):
                here = Check(leaving.key, Version(leaving.version))
                table.transact([here, *_moved(table, batch, new, now)])
            else:
                return _arrived(table, leaving, arriving, now)
        except ConflictError:
            # Something of it was changed since it was read: a tag, a description.
            continue
    raise UnavailableError(f"model {old!r} is being written by too many at once: rename it again")


def _arrived(table: Table, leaving: Item, arriving: Item, now: float) -> RegisteredModel:
    old, new = leaving.key.sort, arriving.key.sort
    model = replace(kept(leaving, RegisteredModel), name=new, state="here", other="", updated=now)
    gone = replace(kept(leaving, RegisteredModel), state="gone", other="", tags={}, description=None)
    writes: list[Write] = [
        Put(arriving.key, content(model), expect=Version(arriving.version)),
        Put(leaving.key, content(gone), expect=Version(leaving.version)),
        Delete(keys.routing_key(old)),
    ]
    routing = table.get(keys.routing_key(old))
    if routing is not None:
        opened = content(replace(kept(routing, Routing), closed=False))
        writes.append(Put(keys.routing_key(new), {**routing.value, **opened}))
    table.transact(writes)
    return model


def _both(table: Table, old: str, new: str) -> tuple[Item, Item]:
    leaving, arriving = table.get_many([keys.model_key(old), keys.model_key(new)])
    if leaving is None or arriving is None or not _under_way(leaving, arriving):
        raise ConflictError(f"registered model {old!r} is not on its way to {new!r}: look which of the two is there")
    return leaving, arriving


def _under_way(leaving: Item, arriving: Item) -> bool:
    one, other = kept(leaving, RegisteredModel), kept(arriving, RegisteredModel)
    return (one.state, one.other, other.state, other.other) == ("leaving", other.name, "arriving", one.name)


def _batch(table: Table, name: str) -> list[Item]:
    routing = keys.routing_key(name)
    items = table.query(keys.partition(name), limit=_STEP + 1)
    return list(islice((item for item in items if item.key != routing), _STEP))


def _moved(table: Table, batch: Sequence[Item], new: str, now: float) -> list[Write]:
    versions = [kept(item, ModelVersion) for item in batch if item.key.sort.startswith(keys.VERSIONS)]
    writes: list[Write] = [*hinted_anew(table, versions, new)]
    for item in batch:
        there = Key(keys.partition(new), item.key.sort)
        value = dict(item.value)
        if item.key.sort.startswith(keys.VERSIONS):
            value |= {"model": new, "updated": now}
        writes += [Put(there, value), Delete(item.key, expect=Version(item.version))]
    return writes

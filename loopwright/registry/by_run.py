"""Which versions a run has registered, so that a run's page need not read every model.

It is a hint, one item a run: versions are added to it and never taken away, so what it leads to is looked at again. It
is written with the version itself, in one transaction; a model that gets another name adds its versions once more.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from loopwright.ports.table import ABSENT, Item, Key, Put, Table, Version
from loopwright.registry import keys
from loopwright.registry.items import content, kept
from loopwright.registry.values import ModelVersion

_MOST: Final = 500
"""So many versions are kept of a run; who has more is looked for in all models."""


class _Hint(msgspec.Struct, frozen=True):
    versions: tuple[tuple[str, int], ...] = ()
    full: bool = False


def hinted(key: Key, item: Item | None, versions: Iterable[tuple[str, int]]) -> Put:
    """Return the write that adds versions to what is kept of their run."""
    before = _Hint() if item is None else kept(item, _Hint)
    after = tuple(dict.fromkeys((*before.versions, *versions)))
    hint = _Hint(after[:_MOST], full=before.full or len(after) > _MOST)
    return Put(key, content(hint), expect=ABSENT if item is None else Version(item.version))


def hinted_anew(table: Table, moved: Iterable[ModelVersion], model: str) -> list[Put]:
    """Return the writes that say, for each run, under which model its versions are now."""
    by_run: dict[str, list[tuple[str, int]]] = {}
    for version in moved:
        if version.run_id:
            by_run.setdefault(version.run_id, []).append((model, version.version))
    places = [keys.hint_key(run_id) for run_id in by_run]
    items = table.get_many(places) if places else []
    return [hinted(*one) for one in zip(places, items, by_run.values(), strict=True)]


def versions_of_runs(table: Table, run_ids: Sequence[str]) -> list[ModelVersion] | None:
    """Return all versions that these runs have registered; None: only a look at all models can tell."""
    if not all(run_ids):
        return None
    hints = [kept(item, _Hint) for item in table.get_many([keys.hint_key(one) for one in run_ids]) if item is not None]
    if any(hint.full for hint in hints):
        return None
    places = dict.fromkeys(keys.version_key(*one) for hint in hints for one in hint.versions)
    found = [kept(item, ModelVersion) for item in table.get_many(list(places)) if item is not None]
    wanted = frozenset(run_ids)
    return [one for one in found if one.run_id in wanted]

"""How far each view has been brought from the lake into the online table: the item (`materialize`, view)."""

from dataclasses import dataclass

from loopwright.definitions.features import FeatureView
from loopwright.errors import ConflictError
from loopwright.features.packing import Layout
from loopwright.ports.table import ABSENT, Key, Table, Value, Version


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What has been written: all rows up to a version of the source, except those that are pending.

    Attributes:
        version: of the source; -1: nothing yet.
        pending: the earliest known time of rows in that version that were not known yet; None: there are none.
        written: how often the item was written, 0: never; to be handed back to `advance`.
    """

    version: int = -1
    pending: float | None = None
    written: int = 0


def load(table: Table, view: FeatureView) -> Checkpoint:
    """Return the view's checkpoint; a view whose features have changed since starts from nothing."""
    item = table.get(_key(view))
    if item is None:
        return Checkpoint()
    layout, version, pending = (item.value.get(name) for name in ("layout", "version", "pending"))
    if layout != Layout(view).digest or not isinstance(version, int):
        return Checkpoint(written=item.version)
    return Checkpoint(version, float(pending) if isinstance(pending, int | float) else None, item.version)


def advance(table: Table, view: FeatureView, checkpoint: Checkpoint) -> bool:
    """Write the checkpoint unless somebody else wrote it since it was loaded; return whether it was written."""
    value: dict[str, Value] = {
        "layout": Layout(view).digest,
        "version": checkpoint.version,
        "pending": checkpoint.pending,
    }
    try:
        table.put(_key(view), value, expect=Version(checkpoint.written) if checkpoint.written else ABSENT)
    except ConflictError:
        return False
    return True


def _key(view: FeatureView) -> Key:
    return Key("materialize", view.name)

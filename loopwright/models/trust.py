"""Which types skops may construct. Everything else could run code of somebody's choosing while it is loaded."""

from collections.abc import Iterable
from typing import Final

_PREFIXES: Final = ("sklearn.", "scipy.sparse.", "numpy.random.", "lightgbm.", "xgboost.")
_NAMES: Final = frozenset({"numpy.dtype", "functools.partial"})
# Parts of these libraries that read files or the network, or run text as code.
_REFUSED: Final = ("sklearn.datasets.", "sklearn.externals.", "sklearn.utils._testing.", "sklearn.utils.fixes.")


def refused_types(types: Iterable[str]) -> tuple[str, ...]:
    """Return those of the types that a package may not name, sorted."""
    return tuple(sorted(name for name in types if not _allowed(name)))


def _allowed(name: str) -> bool:
    return name in _NAMES or (name.startswith(_PREFIXES) and not name.startswith(_REFUSED))

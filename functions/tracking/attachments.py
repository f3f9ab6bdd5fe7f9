"""What an artifact is told to be when it is downloaded: its type by its name, and the name under which it is kept."""

import posixpath
import re
import unicodedata
from typing import Final
from urllib.parse import quote

_TEXT: Final = re.compile(
    r"txt|log|err|cfg|conf|cnf|cf|ini|properties|prop|hocon|toml|yaml|yml|xml|json|js|py|py3|csv|tsv|md|rst|ipynb"
    r"|MLmodel|MLproject"
)
"""Endings, and whole names, of what MLflow's UI shows as text."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_ATTRIBUTE: Final = "!#$&+-.^_`|~"
_BINARY: Final = "application/octet-stream"


def content_type(name: str) -> str:
    """Return the type of a file of this name, as MLflow tells it."""
    if _TEXT.fullmatch(posixpath.splitext(name)[1][1:] or name):
        return "text/plain"
    # Here, because it reads the machine's own lists.
    import mimetypes  # noqa: PLC0415

    return mimetypes.guess_type(name)[0] or _BINARY


def content_disposition(name: str) -> str:
    """Return that a file is to be kept under this name (RFC 6266); in letters that headers cannot have by RFC 5987."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "download"
    told = f"attachment; filename={_quoted(plain)}"
    return told if plain == name else f"{told}; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE)}"


def _quoted(text: str) -> str:
    if _TOKEN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

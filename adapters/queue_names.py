"""What a queue is called at a service whose names are narrower than ours."""

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Final

_DEAD: Final = "-dead"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS: Final = 16
_DIGESTED: Final = re.compile(rf".*-x[0-9a-f]{{{_DIGITS}}}")


def queue_name(prefix: str, queue: str, *, limit: int, reserved: Collection[str] = ()) -> str:
    """Return the name of a queue; no two queues share one, nor has one that of another's dead letters.

    It is `<prefix>-<queue>` unless that is no name, is too long (`limit`, in characters), could be another queue's or
    is `reserved` for something else: then it ends in a digest.
    """
    name = f"{prefix}-{queue}"
    mistakable = queue in reserved or queue.endswith(_DEAD) or _DIGESTED.fullmatch(queue)
    if _PLAIN.fullmatch(queue) and not mistakable and len(name) + len(_DEAD) <= limit:
        return name
    digest = sha256(queue.encode()).hexdigest()[:_DIGITS]
    room = limit - len(prefix) - len(_DEAD) - len("--x") - _DIGITS
    return f"{prefix}-{re.sub('[^A-Za-z0-9_-]', '_', queue)[: max(room, 0)]}-x{digest}"


def dead_name(name: str) -> str:
    """Return the name of what keeps another's dead letters."""
    return f"{name}{_DEAD}"

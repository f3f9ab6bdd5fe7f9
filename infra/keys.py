"""Keys of people as a function is told of them: by what they are named, and by digests that nobody can turn back."""

import hashlib
from collections.abc import Mapping


def digests(keys: Mapping[str, str]) -> str:
    """Return the value of `LOOPWRIGHT_API_KEYS` for these keys, each by the name of whose it is."""
    return ",".join(f"{name}:sha256={hashlib.sha256(key.encode()).hexdigest()}" for name, key in keys.items())

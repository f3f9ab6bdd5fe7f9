"""How much processor Cloud Run wants for how much memory, and how both are written there."""

from collections.abc import Mapping
from typing import Final

_SIZES: Final = ((1, 512, 4096), (2, 512, 8192), (4, 2048, 16_384), (6, 4096, 24_576), (8, 4096, 32_768))
"""Processors, and from how much memory to how much, in MB, a container with them can have."""


def limits(memory: int, cpu: float = 0.0) -> Mapping[str, str]:
    """Return the smallest size that has this memory in MB, and this many processors.

    Raises:
        ValueError: there is none.
    """
    for processors, least, most in _SIZES:
        if processors >= cpu and memory <= most:
            return {"cpu": str(processors), "memory": f"{max(memory, least)}Mi"}
    raise ValueError(f"{memory} MB, {cpu:g} processors")

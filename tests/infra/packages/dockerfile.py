"""A Dockerfile as its instructions, and its last stage's environment and command as they are on this machine."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    words: str


def instructions(path: Path) -> list[Instruction]:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(None, 1)) for line in whole.splitlines()]


def last_stage(all_of_it: list[Instruction]) -> list[Instruction]:
    first = max(number for number, one in enumerate(all_of_it) if one.name == "FROM")
    return all_of_it[first:]


def copied(stage: list[Instruction]) -> Iterator[str]:
    """Yield what is copied out of the archive."""
    for one in stage:
        if one.name == "COPY" and not one.words.startswith("--from"):
            yield from one.words.split()[:-1]


def command(stage: list[Instruction]) -> list[str]:
    """Return entry point and command, run by this Python."""
    given = {one.name: json.loads(one.words) for one in stage if one.name in {"ENTRYPOINT", "CMD"}}
    program, *words = [*given["ENTRYPOINT"], *given["CMD"]]
    assert program == "python"
    return [sys.executable, *words]


def environment(stage: list[Instruction], places: Mapping[str, Path]) -> dict[str, str]:
    """Return the variables, with the image's places as they are here."""
    words = " ".join(one.words for one in stage if one.name == "ENV")
    found = dict(word.split("=", 1) for word in words.split())
    any_place = re.compile("|".join(re.escape(place) for place in places) or "$^")
    return {name: any_place.sub(lambda match: str(places[match[0]]), value) for name, value in found.items()}

"""A Dockerfile as its instructions, and its final image's environment and command as they are on this machine."""

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


def arguments(all_of_it: list[Instruction]) -> dict[str, str]:
    """Return what is given before the first stage, with which each `FROM` is read."""
    first = next(number for number, one in enumerate(all_of_it) if one.name == "FROM")
    return dict(one.words.split("=", 1) for one in all_of_it[:first] if one.name == "ARG")


def final_image(all_of_it: list[Instruction]) -> list[Instruction]:
    """Return the instructions that the final image is made by: its stage's, after those of the stage it stands on."""
    stages, given = _stages(all_of_it), arguments(all_of_it)
    return _whole(stages, given, list(stages.values())[-1])


def base(all_of_it: list[Instruction]) -> str:
    """Return what the final image stands on that is none of the stages."""
    return _filled(final_image(all_of_it)[0].words, arguments(all_of_it)).split()[0]


def _stages(all_of_it: list[Instruction]) -> dict[str, list[Instruction]]:
    """Return the stages by their names, a nameless one by its number."""
    found: dict[str, list[Instruction]] = {}
    for one in all_of_it:
        if one.name == "FROM":
            *_, name = one.words.split(" AS ") if " AS " in one.words else (str(len(found)),)
            found[name] = []
        if found:
            found[name].append(one)
    return found


def _whole(
    stages: Mapping[str, list[Instruction]], given: Mapping[str, str], stage: list[Instruction]
) -> list[Instruction]:
    below = stages.get(_filled(stage[0].words, given).split()[0])
    return [*_whole(stages, given, below), *stage[1:]] if below else stage


def _filled(words: str, given: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: given[match[1]], words)


def copied(stage: list[Instruction]) -> Iterator[str]:
    """Yield what is copied out of the archive."""
    for one in stage:
        if one.name == "COPY" and not one.words.startswith("--from"):
            yield from one.words.split()[:-1]


def command(stage: list[Instruction]) -> list[str]:
    """Return entry point and command, the last of each, run by this Python."""
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

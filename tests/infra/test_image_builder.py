"""The function that has the training image built, and waits for it."""

from typing import Any

import pytest

from infra.aws.image_builder import PAUSE, image

EVENT = {"project": "flights-dev-training", "repository": "training", "uri": "1.dkr.ecr/training", "tag": "d1d1"}


class Registry:
    def __init__(self, *tags: str) -> None:
        self.tags = set(tags)

    def batch_get_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert repositoryName == EVENT["repository"]
        return {"images": [one for one in imageIds if one["imageTag"] in self.tags]}


class Builds:
    """A build that looks like each of the states, one a look."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.started: list[str] = []

    def start_build(self, *, projectName: str) -> dict[str, Any]:  # noqa: N803
        self.started.append(projectName)
        return {"build": {"id": "build:1"}}

    def batch_get_builds(self, *, ids: list[str]) -> dict[str, Any]:
        assert ids == ["build:1"]
        return {"builds": [{"buildStatus": self.states.pop(0), "logs": {"deepLink": "https://log"}}]}


def test_an_image_is_built_and_waited_for() -> None:
    builds, slept = Builds("IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"), []
    assert image(EVENT, Registry(), builds, slept.append) == "1.dkr.ecr/training:d1d1"
    assert builds.started == ["flights-dev-training"]
    assert slept == [PAUSE, PAUSE]


def test_an_image_that_is_there_is_not_built_again() -> None:
    builds = Builds()
    assert image(EVENT, Registry("d1d1"), builds, pytest.fail) == "1.dkr.ecr/training:d1d1"
    assert builds.started == []


@pytest.mark.parametrize("state", ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_a_build_that_failed_says_where_its_log_is(state: str) -> None:
    with pytest.raises(RuntimeError, match=f"{state}: see https://log"):
        image(EVENT, Registry(), Builds(state), pytest.fail)

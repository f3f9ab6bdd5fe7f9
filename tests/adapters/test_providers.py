"""Providers: chosen by name."""

import pytest

from adapters import open_platform
from loopwright.errors import DefinitionError
from loopwright.settings import Settings


def test_an_unknown_provider_is_refused_with_the_choices() -> None:
    with pytest.raises(DefinitionError, match="LOOPWRIGHT_PROVIDER=azure: use one of memory, local"):
        open_platform(Settings("azure"))


def test_a_cloud_without_a_place_tells_the_variables_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOPWRIGHT_AWS_BUCKET", raising=False)
    with pytest.raises(DefinitionError, match="LOOPWRIGHT_AWS_BUCKET"):
        open_platform(Settings("aws"))

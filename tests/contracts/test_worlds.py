from typing import get_args

from adapters import Provider
from loopwright.ports import Platform
from tests.contracts.worlds import DAWN, WORLDS


def test_every_provider_has_a_world() -> None:
    providers = set()
    for world in WORLDS.values():
        with world() as settings:
            providers.add(settings.provider)
    assert providers == set(get_args(Provider))


def test_the_platforms_clock_is_the_settings_clock(platform: Platform) -> None:
    assert platform.clock() == DAWN


def test_ids_are_never_repeated(platform: Platform) -> None:
    assert len({platform.new_id() for _ in range(1_000)}) == 1_000


def test_closing_a_platform_that_was_never_used_is_no_error(platform: Platform) -> None:
    platform.close()

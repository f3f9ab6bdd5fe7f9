"""Nothing of the protocol is open, or closed, by accident."""

import msgspec
import pytest

from adapters import open_platform
from functions.tracking import absent
from functions.tracking.app import Services, build, routes
from functions.tracking.needs import NEEDS, Filtered, Moves, Narrowed, Need, OfVersion
from functions.tracking.requests import Acting, Route
from loopwright.definitions import Access, Project
from loopwright.settings import Settings

ROUTES = routes(Services.over(open_platform(Settings(provider="memory"))))


def test_every_call_says_what_it_wants_of_its_caller() -> None:
    assert {(one.method, one.path) for one in ROUTES} - set(NEEDS) == set()


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_asked_about_is_in_the_request(route: Route) -> None:
    for need in NEEDS.get((route.method, route.path), ()):
        if not isinstance(need, Filtered | OfVersion) and isinstance(route.act, Acting):
            fields = {one.name for one in msgspec.structs.fields(route.act.kind)}
            if isinstance(need, Moves):
                assert "name" in fields
            assert {one.split(".")[0] for one in need.field.split("|")} <= fields


def test_what_is_no_call_of_the_protocol_tells_nothing_of_anybody() -> None:
    """Files that are the same for all; GraphQL, which makes calls in its caller's name; and what there is not."""
    function = build(open_platform(Settings(provider="memory")), Project("teams", (), access=Access()))
    calls = {prefix + one.path for one in ROUTES for prefix in one.prefixes}
    assert {one.route for one in function.endpoints} - calls == {
        "/",
        "/static-files/{file:path}",
        "/version",
        "/graphql",
        "/api/{call:path}",
        "/ajax-api/{call:path}",
    }


def test_of_what_there_is_not_nothing_is_said() -> None:
    assert set(NEEDS) == {(one.method, one.path) for one in ROUTES}


def test_whoever_changes_something_wants_more_than_to_read() -> None:
    for (method, path), needs in NEEDS.items():
        reads = path.endswith("/get-latest-versions") or any(isinstance(one, Narrowed | Filtered) for one in needs)
        if method != "GET" and not reads and (method, path) not in absent.NOTHING:
            assert any(isinstance(one, Need) and one.role in {"write", "manage"} for one in needs), path

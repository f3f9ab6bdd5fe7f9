"""`POST /graphql`, which the UI's pages ask; nothing that reads queries is imported before one comes."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from functions.tracking.errors import refusal
from functions.tracking.requests import Route
from functions.web import Answer, Call, Endpoint
from loopwright.ports import Platform

if TYPE_CHECKING:
    from functions.tracking.graphql_answers import Graphql

_BODY: Final = 256 * 1024


def endpoint(routes: Sequence[Route], platform: Platform) -> Endpoint:
    """Return what answers GraphQL, by the actions of these calls; who may make them is asked there."""
    asked, threaded = _Asked(routes), platform.capabilities.remote
    return Endpoint("/graphql", asked, platform.telemetry, threaded=threaded, body_limit=_BODY, refusal=refusal)


class _Asked:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    @cached_property
    def _graphql(self) -> "Graphql":
        from functions.tracking.graphql_answers import Graphql  # noqa: PLC0415

        return Graphql({one.path: one.act for one in self._routes})

    def __call__(self, call: Call) -> Answer:
        return self._graphql.answer(call)

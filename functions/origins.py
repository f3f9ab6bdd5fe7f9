"""Requests that other pages let a browser make: it sends what it knows of us, also a password, along with them.

Such a page cannot read an answer, because nothing here lets it. So what only reads is harmless, and whatever may change
something must come from our own pages or from no page at all. A page whose name leads to this machine only for a moment
(DNS rebinding) would look like our own, so a server that answers to this machine only answers to its names only.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from functions.asgi import App, Receive, Scope, Send
from functions.callers import CALLER, Caller
from functions.problems import Problem, ProblemError
from functions.web import Refusal, problem_refusal, send_answer

HOSTS: Final = "LOOPWRIGHT_HOSTS"
"""Further names, divided by commas, under which a server on this machine is asked."""

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({b"same-origin", b"none"})
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ASKED: Final = frozenset({b"host", b"origin", b"sec-fetch-site"})


class OwnPages:
    """An ASGI application that other people's pages cannot make a browser change anything in."""

    def __init__(
        self,
        app: App,
        *,
        hosts: frozenset[str] = frozenset(),
        whose: Caller | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        """Put this in front of an application.

        Args:
            app: is asked for what may be.
            hosts: under which names alone it answers; none: under any.
            whose: who calls; None: as an entrance in front has found out.
            refusal: how somebody is told that it may not be.
        """
        self._app = app
        self._hosts = hosts
        self._whose = whose
        self._refusal = refusal or problem_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or that it may not be."""
        if scope["type"] == "http":
            found = {name: value for name, value in scope["headers"] if name in _ASKED}
            problem = self._wrong(scope["method"], found)
            if problem:
                error = ProblemError(Problem(HTTPStatus.FORBIDDEN, "not allowed", problem))
                answer = self._refusal(error, f"{scope['method']} {scope['path']}")
                await send_answer(send, answer, head=scope["method"] == "HEAD")
                return
            if self._whose:
                scope[CALLER] = self._whose
        await self._app(scope, receive, send)

    def _wrong(self, method: str, headers: Mapping[bytes, bytes]) -> str:
        """Return what is wrong with a request; empty: nothing."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts and _name(host) not in self._hosts:
            return f"this server is on one machine and does not know itself as {host!r}: name it in {HOSTS}"
        if method in _HARMLESS or is_of_own_page(headers, host):
            return ""
        return "this changes something, and the page that asks for it is of another server"


def is_of_own_page(headers: Mapping[bytes, bytes], host: str) -> bool:
    """Return whether a request comes from a page of the same server, or from no page at all.

    Browsers say so in `Sec-Fetch-Site`; where they do not, as over plain HTTP, they name the page's server in `Origin`.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in _OWN
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin.decode("latin-1")).netloc == host


def hosts_of(host: str, environment: Mapping[str, str]) -> frozenset[str]:
    """Return under which names alone a server there answers; none where it is not for this machine only."""
    if host not in _HERE:
        return frozenset()
    return _HERE | {one.strip().lower() for one in environment.get(HOSTS, "").split(",") if one.strip()}


def _name(host: str) -> str:
    """Return a host without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""

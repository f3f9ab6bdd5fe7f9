"""Connections to services over HTTP, kept alive and shared by the threads of a process."""

import http.client
import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

_TIMEOUT: Final = 25.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    """A connection to a host whose name is ASCII, as those of all services are.

    Given as text, Python would load the tables of international names before the first call: 4 ms of a start.
    """

    @override
    def connect(self) -> None:
        where = (self.host.encode("ascii"), self.port)
        self.sock = socket.create_connection(where, self.timeout)  # type: ignore[arg-type]
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _SecureConnection(http.client.HTTPSConnection, _Connection):
    """The same over TLS."""


class Connections:
    """The connections to one kind of service; safe in any thread."""

    def __init__(self, *, secure: bool, timeout: float = _TIMEOUT) -> None:
        """Begin with none; `secure` has them made over TLS, `timeout` is how many seconds of silence end one."""
        self._secure = secure
        self._timeout = timeout
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}

    def send(self, host: str, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send one request and return its answer.

        Raises:
            OSError: the host does not answer; whether the request reached it is not known.
            http.client.HTTPException: it answers with something that is not HTTP; nor is it then.
        """
        connection = self._connection(host)
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            # Those that lay idle beside it are as old as it was: a process that slept for long tries one of them only.
            self._hang_up(host)
            raise
        if answer.will_close:
            connection.close()
        else:
            self._idle.setdefault(host, []).append(connection)
        return Reply(answer.status, _headers(answer), content)

    def close(self) -> None:
        """Hang up."""
        for host in tuple(self._idle):
            self._hang_up(host)

    def _connection(self, host: str) -> http.client.HTTPConnection:
        idle = self._idle.get(host, [])
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if not _has_news(connection):
                return connection
            connection.close()
        if self._secure:
            return _SecureConnection(host, timeout=self._timeout, context=_tls())
        return _Connection(host, timeout=self._timeout)

    def _hang_up(self, host: str) -> None:
        for connection in self._idle.pop(host, []):
            connection.close()


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return the headers by their names; one that came in several lines is one with commas."""
    headers: dict[str, str] = {}
    for name, value in answer.getheaders():
        known = name.lower()
        headers[known] = f"{headers[known]}, {value}" if known in headers else value
    return headers


def _has_news(connection: http.client.HTTPConnection) -> bool:
    """Return whether something came over an idle connection: that can only be its end."""
    watched = select.poll()
    watched.register(connection.sock, select.POLLIN)
    return bool(watched.poll(0))


_context: ssl.SSLContext | None = None


def _tls() -> ssl.SSLContext:
    """Return the one context of this process: reading the certificates takes as long as a call."""
    global _context  # noqa: PLW0603
    if _context is None:
        _context = ssl.create_default_context()
    return _context

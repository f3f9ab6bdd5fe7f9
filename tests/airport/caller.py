"""Calls an ASGI application in this process, as a browser or a program would."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from functions.entrance import App


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    content_type: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict:
        return json.loads(self.text)


class Caller:
    """Sends requests, one after another."""

    def __init__(self, app: App) -> None:
        self._app = app

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answered:
        return self._call("GET", path, None, headers)

    def head(self, path: str) -> Answered:
        return self._call("HEAD", path, None)

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answered:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self._call("POST", path, content, headers)

    def send(self, method: str, path: str, body: bytes) -> Answered:
        """Send any request."""
        return self._call(method, path, body)

    def post_together(self, path: str, bodies: Sequence[object]) -> list[Answered]:
        """Send all requests at the same moment."""

        async def send_all() -> list[Answered]:
            sent = [self._send("POST", path, json.dumps(body).encode()) for body in bodies]
            return await asyncio.gather(*sent)

        return asyncio.run(send_all())

    def _call(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        return asyncio.run(self._send(method, path, content, headers))

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://airport") as client:
            response = await client.request(method, path, content=content, headers=headers)
        return Answered(response.status_code, response.headers["content-type"], response.text, response.headers)

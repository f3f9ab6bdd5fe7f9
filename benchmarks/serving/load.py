"""A load generator: so many connections, each sends the same request again as soon as it is answered.

`load.py HOST PORT PATH BODY_FILE CONNECTIONS SECONDS` prints answered requests a second. It reads answers by their
content length or chunk by chunk and nothing more, so that it costs less than what it measures.
"""

import asyncio
import sys
import time
from pathlib import Path


async def ask(host: str, port: int, request: bytes, end: float) -> int:
    """Send requests over one connection until `end`; return how many were answered with 200."""
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    while time.perf_counter() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await read_body(reader, head.lower())
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError((head + body).decode())
        answered += 1
    writer.close()
    return answered


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """Return the answer's body, or the first part of it."""
    if b"content-length:" in head:
        return await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
    first = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunk = await reader.readexactly(size + 2)
        first = first or chunk
    await reader.readuntil(b"\r\n")
    return first


async def load(host: str, port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    """Return answered requests a second."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    started = time.perf_counter()
    asked = [ask(host, port, head.encode() + body, started + seconds) for _ in range(connections)]
    answered = sum(await asyncio.gather(*asked))
    return answered / (time.perf_counter() - started)


if __name__ == "__main__":
    host, port, path, body_file, connections, seconds = sys.argv[1:]
    body = Path(body_file).read_bytes()
    print(asyncio.run(load(host, int(port), path, body, int(connections), float(seconds))))

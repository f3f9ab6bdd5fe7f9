"""MLflow's UI: the page at `/`, its files under `/static-files/`, as `loopwright ui` has put them among the blobs."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from functions.web import Answer, Call, Endpoint
from loopwright.errors import NotFoundError
from loopwright.pages import Bundle, Page, Pages, Served, unpacked
from loopwright.ports import Blobs, Platform

REFRESH: Final = 10.0
"""Seconds after which it is asked anew which bundle is served."""

CACHE: Final = 6 * 1024 * 1024
"""Bytes of compressed files that a process remembers: what every page of the UI begins with fits in twice."""

INFLATED: Final = 4 * 1024 * 1024
"""The longest file that is sent to who takes no gzip: a function's answer may have 6 MB, escaped as JSON."""

_INDEX: Final = "index.html"
_EMBEDDED: Final = "lib/notebook-trace-renderer/"
"""Notebooks show this page in a frame of their own."""

_HASHED: Final = re.compile(r"\.[0-9a-f]{8,}\.")
_FOREVER: Final = b"public, max-age=31536000, immutable"
_ASK: Final = b"no-cache"
_HTML: Final = b"text/html; charset=utf-8"
_TEXT: Final = b"text/plain; charset=utf-8"
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_OURS_ONLY: Final = (b"x-frame-options", b"SAMEORIGIN")

_NOT_PUT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>MLflow's UI is not here yet</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto">
<h1>MLflow's UI is not here yet</h1>
<p>This is a tracking server that speaks MLflow's protocol: clients work as they are. The pages that people look at are
static files of MLflow's own. Put them here once:</p>
<pre>loopwright ui</pre>
<p>with the same settings (<code>LOOPWRIGHT_PROVIDER</code> and its place) as this server has, then load this page
again.</p></body></html>
"""


def endpoints(platform: Platform) -> Sequence[Endpoint]:
    """Return what serves the UI; nothing is read before somebody asks for it."""
    ui = Ui(platform.blobs)
    telemetry, threaded = platform.telemetry, platform.capabilities.remote
    return [
        Endpoint("/", ui.index, telemetry, method="GET", threaded=threaded),
        Endpoint("/static-files/{file:path}", ui.file, telemetry, method="GET", threaded=threaded),
    ]


class Ui:
    """The bundle that is served, and the files that were asked for last."""

    def __init__(self, blobs: Blobs, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._pages = Pages(blobs)
        self._timer = timer
        self._lock = threading.Lock()
        self._served: tuple[Served, Bundle] | None = None
        self._asked = float("-inf")
        self._packed: OrderedDict[str, bytes] = OrderedDict()

    def index(self, call: Call) -> Answer:
        """Answer with the page that everything begins with; where no bundle has been put, with what to do."""
        try:
            return self._answer(call, _INDEX)
        except NotFoundError:
            return Answer(_NOT_PUT.encode(), HTTPStatus.NOT_FOUND, _HTML, (_NOSNIFF, (b"cache-control", b"no-store")))

    def file(self, call: Call) -> Answer:
        """Answer with a file of the bundle."""
        try:
            return self._answer(call, call.path["file"])
        except NotFoundError:
            said = f"the UI that is served has no {call.path['file']}\n".encode()
            return Answer(said, HTTPStatus.NOT_FOUND, _TEXT, (_NOSNIFF,))

    def _answer(self, call: Call, path: str) -> Answer:
        version, page = self._find(path)
        packed = _takes_gzip(call)
        tag = f'"{page.digest}{"-gzip" if packed else ""}"'.encode()
        headers = (
            (b"cache-control", _FOREVER if _HASHED.search(path) else _ASK),
            (b"etag", tag),
            (b"vary", b"accept-encoding"),
            _NOSNIFF,
            *(() if path.startswith(_EMBEDDED) else (_OURS_ONLY,)),
        )
        kind = page.content_type.encode()
        if _has(call, tag):
            return Answer(b"", HTTPStatus.NOT_MODIFIED, kind, headers)
        if packed:
            return Answer(self._read(version, page), HTTPStatus.OK, kind, (*headers, (b"content-encoding", b"gzip")))
        if page.size > INFLATED:
            said = f"{path} has {page.size:,} bytes: ask for it with `Accept-Encoding: gzip`\n"
            return Answer(said.encode(), HTTPStatus.NOT_ACCEPTABLE, _TEXT, (_NOSNIFF,))
        return Answer(unpacked(self._read(version, page)), HTTPStatus.OK, kind, headers)

    def _find(self, path: str) -> tuple[str, Page]:
        """Return a file and the version that it is of; who asks for one of a new bundle makes it known here."""
        for anew in (False, True):
            served, bundle = self._bundle(anew=anew)
            if path in bundle.pages:
                return served.version, bundle.pages[path]
        raise NotFoundError(f"the UI has no {path}")

    def _bundle(self, *, anew: bool) -> tuple[Served, Bundle]:
        with self._lock:
            known, fresh = self._served, self._timer() - self._asked < REFRESH
        if known and fresh and not anew:
            return known
        served = self._pages.served()
        if known is None or known[0] != served:
            known = (served, self._pages.bundle(served))
        with self._lock:
            self._served, self._asked = known, self._timer()
        return known

    def _read(self, version: str, page: Page) -> bytes:
        with self._lock:
            if page.digest in self._packed:
                self._packed.move_to_end(page.digest)
                return self._packed[page.digest]
        data = self._pages.packed(version, page.digest)
        with self._lock:
            self._packed[page.digest] = data
            size = sum(map(len, self._packed.values()))
            while size > CACHE:
                _, oldest = self._packed.popitem(last=False)
                size -= len(oldest)
        return data


def _takes_gzip(call: Call) -> bool:
    told = b",".join(value for name, value in call.headers if name == b"accept-encoding").decode("latin-1").lower()
    for coding in told.split(","):
        name, _, quality = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return False


def _has(call: Call, tag: bytes) -> bool:
    """Say whether who asks has exactly this already."""
    told = b",".join(value for name, value in call.headers if name == b"if-none-match")
    return told.strip() == b"*" or tag in (one.strip().removeprefix(b"W/") for one in told.split(b","))

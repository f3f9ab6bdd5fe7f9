"""A real browser that looks at MLflow's pages, and takes note of everything that goes wrong in them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response, expect, sync_playwright

from tests.clouds.tools import MissingToolError, run

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    # Nothing is fetched from anywhere else.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_PATIENCE: Final = 60_000
"""Milliseconds until a page must show what it should: a busy machine draws slowly."""

_BEAT: Final = 100
_CALM: Final = 3
"""So many times a page must be seen waiting for nothing, a beat of milliseconds apart."""

_DISMISSED: Final = """
localStorage.clear();
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
localStorage.setItem("mlflow.telemetry.info.alert.dismissed_v1", "true");
localStorage.setItem("_mlflow_model_registry_promo_modal_dismissed_v1", "true");
localStorage.setItem("mlflow.workflowType_v1", '"machine_learning"');
"""
"""Nothing is left of what was looked at before, but what people click away once: the assistant, the news of aliases
and of telemetry; and that they train models."""

_KNOWN: Final = ("/ajax-api/2.0/mlflow/users/current",)
"""Is refused by a stock server without accounts too: the pages ask it to find out whether there are accounts."""

_HARMLESS: Final = "ResizeObserver loop"
"""What Chromium complains of where a page measures itself while it is drawn."""

TROUBLE: Final = (
    "Request error",
    "Something went wrong",
    "Can't load",
    "load error",
    "Page Not Found",
    "Internal server error",
    "Failed to",
    "no call that is answered here",
)
"""What the pages say when they have trouble."""


def installed() -> Path:
    """Return the browser's program; where it is not there and may be installed, it is.

    Raises:
        MissingToolError: there is none, and none is to be had.
    """
    try:
        return chromium()
    except MissingToolError:
        if os.geteuid() or not shutil.which("apt-get"):
            raise
        run("apt-get", "update", "--quiet")
        run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium")
        return chromium()


def chromium() -> Path:
    """Return the browser's program: `LOOPWRIGHT_CHROMIUM`, or one that is on PATH.

    Raises:
        MissingToolError: there is none.
    """
    named = os.environ.get("LOOPWRIGHT_CHROMIUM")
    found = next(filter(None, (named, *map(shutil.which, _NAMES))), None)
    if found is None:
        raise MissingToolError("chromium is not on this machine: `apt-get install chromium`, or LOOPWRIGHT_CHROMIUM")
    return Path(found)


@dataclass
class Tab:
    """A page being looked at.

    Attributes:
        page: playwright's.
        asked: the paths, below the server's address, that the page has asked for.
        waiting: what it has asked for and has not got yet.
        wrong: everything that went wrong: answers that are refusals, errors in the console and in scripts.
    """

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    waiting: set[Request] = field(default_factory=set)

    def shows(self, *texts: str) -> None:
        """Wait until all of this can be read; fail if it cannot."""
        for text in texts:
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible(timeout=_PATIENCE)

    def keep(self, path: Path) -> None:
        """Keep a picture of it."""
        self.page.screenshot(path=path)

    def is_well(self) -> None:
        """Wait until the page asks for nothing more; fail if anything has gone wrong, or the page says so."""
        self._rest()
        text = self.page.inner_text("body")
        wrong = [
            *self.wrong,
            *(f"the page says {trouble!r}" for trouble in TROUBLE if trouble in text),
            *(f"the page warns: {alert}" for alert in self.page.locator("[role=alert]").all_inner_texts()),
        ]
        assert not wrong, "\n".join(wrong)

    def _rest(self) -> None:
        calm = 0
        for _ in range(_PATIENCE // _BEAT):
            self.page.wait_for_timeout(_BEAT)
            calm = 0 if self.waiting else calm + 1
            if calm == _CALM:
                return
        raise AssertionError(f"is never answered: {[request.url for request in self.waiting]}")

    def asks(self, request: Request) -> None:
        if request.resource_type in {"fetch", "xhr"}:
            self.waiting.add(request)

    def has(self, request: Request) -> None:
        self.waiting.discard(request)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and _HARMLESS not in message.text and self._is_ours(message.location["url"]):
            self.wrong.append(f"console: {message.text} ({message.location['url']})")

    def answered(self, response: Response) -> None:
        if response.url.startswith(self.url):
            self.asked.append(urlsplit(response.url).path)
            if response.status >= 400 and self._is_ours(response.url):
                self.wrong.append(f"{response.request.method} {response.url}: {response.status}")

    def broke(self, error: Error) -> None:
        self.wrong.append(f"script: {error.message}")

    def _is_ours(self, url: str) -> bool:
        """Say whether it is about an address of the server's that is not known to refuse."""
        return url.startswith(self.url) and not urlsplit(url).path.endswith(_KNOWN)


@contextmanager
def opened() -> Iterator[BrowserContext]:
    """Yield a browser; it keeps files that it may keep, as browsers do.

    Raises:
        MissingToolError: there is none on this machine.
    """
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            with browser.new_context(viewport={"width": 1500, "height": 1000}, timezone_id="UTC") as context:
                context.add_init_script(_DISMISSED)
                yield context
        finally:
            browser.close()


@contextmanager
def tab(browser: BrowserContext, url: str, path: str) -> Iterator[Tab]:
    """Yield a new tab that is opening a page of a server."""
    with browser.new_page() as page:
        made = Tab(page, url)
        page.on("request", made.asks)
        page.on("requestfinished", made.has)
        page.on("requestfailed", made.has)
        page.on("console", made.heard)
        page.on("response", made.answered)
        page.on("pageerror", made.broke)
        page.goto(f"{url}/#{path}")
        yield made

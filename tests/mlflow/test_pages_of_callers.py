"""MLflow's pages for people with keys: a browser asks for one, and pages of other servers can do nothing with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Browser, HttpCredentials, expect, sync_playwright
from typing_extensions import override

from adapters import open_platform
from loopwright.definitions import Access, Grant, Project
from loopwright.settings import Settings
from pipelines.ui import located, place
from tests.clouds.tools import MissingToolError
from tests.mlflow import bundle
from tests.mlflow.browser import chromium
from tests.mlflow.ours import served

ANN = "the-key-of-ann-0123456789"
BOB = "the-key-of-bob-0123456789"
KEYS = {"LOOPWRIGHT_API_KEYS": f"ann:{ANN},bob:{BOB}"}
ACCESS = Access(
    experiments=(Grant("delays", manage=("ann",)), Grant("planted", others="manage"), Grant("*", manage=("bob",)))
)
PASSWORD: HttpCredentials = {"username": "somebody", "password": ANN}
PATIENCE = 30_000
ATTACK = """
<form method="post" enctype="text/plain" action="URL"><input name='{"name": "planted", "not": "' value='"}'></form>
<script>document.forms[0].submit()</script>
"""
"""A form whose text is JSON; the browser sends the password along, as with every page that it opens at the server."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        program = chromium()
    except MissingToolError as error:
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        folder = bundle.folder()
    except MissingToolError as error:
        pytest.skip(f"MLflow's UI is not to be had: {error}")
    platform = open_platform(Settings(provider="memory"))
    with located(folder) as source:
        place(platform.blobs, source)
    with served(platform, Project("notebooks", (), access=ACCESS), KEYS) as url:
        for name, key in (("delays", ANN), ("fares", BOB)):
            _post(url, "experiments/create", key, {"name": name})
        yield url
    platform.close()


def _post(url: str, call: str, key: str, body: object) -> httpx.Response:
    return httpx.post(f"{url}/api/2.0/mlflow/{call}", json=body, headers={"authorization": f"Bearer {key}"})


def test_a_browser_asks_for_a_password_and_shows_what_its_owner_may_see(browser: Browser, url: str) -> None:
    with browser.new_context(http_credentials=PASSWORD) as context:
        page = context.new_page()
        page.goto(f"{url}/#/experiments")
        expect(page.get_by_text("delays").locator("visible=true").first).to_be_visible(timeout=PATIENCE)
        assert "fares" not in page.inner_text("body")


def test_without_it_there_is_nothing_to_see(browser: Browser, url: str) -> None:
    with browser.new_context() as context:
        answer = context.request.get(url)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="loopwright", charset="UTF-8"')


def test_a_page_of_another_server_changes_nothing_though_the_browser_knows_the_password(
    browser: Browser, url: str
) -> None:
    call = f"{url}/ajax-api/2.0/mlflow/experiments/create"
    with other(ATTACK.replace("URL", call)) as evil, browser.new_context(http_credentials=PASSWORD) as context:
        page = context.new_page()
        page.goto(f"{url}/version")
        page.goto(evil)
        page.wait_for_url(call)
        assert "the page that asks for it is of another server" in page.inner_text("body")
    assert _post(url, "experiments/create", BOB, {"name": "planted"}).status_code == 200


@contextmanager
def other(page: str) -> Iterator[str]:
    """Yield the address of another server with this page; its name is another one for this machine."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()

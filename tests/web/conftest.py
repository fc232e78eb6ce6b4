"""A real browser, and a server with something on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.beds.server import Api, Running, running

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A name that is not this machine's own, as in a lab.
    "--host-resolver-rules=MAP lab.example 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not longer than a module: while it lives, no other test can run an event loop.
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture
def api(server: Running) -> Api:
    return Api(server)


@pytest.fixture
def page(browser: Browser, server: Running, tmp_path: Path) -> Iterator[Page]:
    """A page that fails the test for an error on its console or a request to another origin."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    troubles: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith((server.url, "data:")):
            troubles.append(f"request to {request.url}")

    found.on("request", watch)
    found.on("pageerror", lambda error: troubles.append(str(error)))
    found.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    yield found
    context.close()
    assert not troubles

"""A real browser, and a server with something on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.beds.agent import Site
from tests.beds.agent import site as make_site
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

PATIENCE = 30_000
"""Milliseconds that anything on a page may take on a busy machine."""

expect.set_options(timeout=PATIENCE)


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server, and an agent of its own that takes many tasks at once from the queue default."""
    root = tmp_path_factory.mktemp("site")
    with make_site(root, tmp_path_factory.mktemp("agents")) as found:
        agent = found.agent("--queue", "default", "--services-mode", lasting=True)
        yield found
        agent.end()


@pytest.fixture
def api(server: Running) -> Api:
    return Api(server)


@pytest.fixture
def page(browser: Browser, server: Running) -> Iterator[Page]:
    """A page that fails the test for an error on its console or a request to another origin."""
    with watched(browser, server.url) as context:
        yield context.new_page()


@contextlib.contextmanager
def watched(
    browser: Browser,
    origin: str,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    touch: bool = False,
    silent: bool = True,
) -> Iterator[BrowserContext]:
    """A browser of somebody who was never here, whose pages must not ask elsewhere than ``origin``.

    ``silent``: nor may they have an error on their consoles.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=touch,
    )
    context.set_default_timeout(PATIENCE)
    troubles: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith((origin, "data:")):
            troubles.append(f"request to {request.url}")

    context.on("request", watch)
    if silent:
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        context.on(
            "console",
            lambda message: troubles.append(message.text) if message.type == "error" else None,
        )
    try:
        yield context
    finally:
        context.close()
    assert not troubles


def goto(page: Page, path: str) -> None:
    """Follow an address inside the page, as a link does."""
    page.evaluate(
        "path => { history.pushState(null, '', path); "
        "dispatchEvent(new PopStateEvent('popstate')); }",
        path,
    )


def live(page: Page) -> None:
    """Wait until the page's connection stands."""
    expect(page.get_by_role("status").filter(visible=True).first).to_have_text("Live")


AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
"""The accessibility checker that the page's own tools bring."""


def barriers(page: Page) -> list[str]:
    """What stands in the way of people with disabilities on this page: rule and first place."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:200]}"
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]

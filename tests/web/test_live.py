"""The connection that keeps pages live: one for all tabs, and back after the server was away."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.beds.server import Api, Running
from tests.server.faults.process import server_process
from tests.web.conftest import live, watched


def test_seven_tabs_are_live_over_one_connection(
    browser: Browser, server: Running, api: Api
) -> None:
    with watched(browser, server.url) as context:
        tabs = [context.new_page() for _ in range(7)]
        for tab in tabs:
            tab.goto(f"{server.url}/queues")
            live(tab)
        api("queues.create", name="seen by seven")
        for tab in tabs:
            expect(tab.get_by_role("link", name="seen by seven")).to_be_visible()
        assert server.server.changes.followers == 1


def test_a_server_that_is_killed_and_comes_back_is_followed_again(
    browser: Browser, tmp_path: Path
) -> None:
    # What the browser says of a server that is away is no fault of the page.
    with (
        server_process(tmp_path / "data") as server,
        watched(browser, server.url, silent=False) as context,
    ):
        page = context.new_page()
        page.goto(f"{server.url}/queues")
        live(page)
        expect(page.get_by_role("link", name="default")).to_be_visible()
        page.clock.install()
        server.kill()
        lamp = page.get_by_role("status").filter(visible=True).first
        expect(lamp).not_to_have_text("Live")
        page.clock.fast_forward(16_000)
        expect(lamp).to_have_text("Not live")
        bar = page.get_by_role("alert")
        expect(bar).to_contain_text("Showing the last state")
        # What was read before is still there.
        expect(page.get_by_role("link", name="default")).to_be_visible()
        server.start()
        server.connect().raw("queues.create", {"name": "made after the fall"})
        bar.get_by_role("button", name="Retry").click()
        live(page)
        expect(bar).to_be_hidden()
        expect(page.get_by_role("link", name="made after the fall")).to_be_visible()


def test_where_no_stream_comes_through_the_page_asks_again_and_again(
    browser: Browser, server: Running, api: Api
) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=502, body="no streams here")

    with watched(browser, server.url, silent=False) as context:
        # A tab's own connection can be cut off here, the shared worker's cannot.
        context.add_init_script("delete globalThis.SharedWorker")
        context.route("**/events/stream*", refuse)
        page = context.new_page()
        page.goto(f"{server.url}/queues")
        expect(page.get_by_role("status").filter(visible=True).first).to_have_text("Every 5 s")
        api("queues.create", name="found by asking")
        expect(page.get_by_role("link", name="found by asking")).to_be_visible()


def test_without_shared_workers_a_tab_has_a_connection_of_its_own(
    browser: Browser, server: Running, api: Api
) -> None:
    with watched(browser, server.url) as context:
        context.add_init_script("delete globalThis.SharedWorker")
        page = opened(context, server)
        api("queues.create", name="seen alone")
        expect(page.get_by_role("link", name="seen alone")).to_be_visible()


def opened(context: BrowserContext, server: Running) -> Page:
    page = context.new_page()
    page.goto(f"{server.url}/queues")
    live(page)
    return page


def test_who_comes_back_to_a_page_sees_at_once_what_was_there(
    browser: Browser, server: Running, api: Api
) -> None:
    api("queues.create", name="seen before")
    with watched(browser, server.url) as context:
        page = opened(context, server)
        expect(page.get_by_role("link", name="seen before")).to_be_visible()
        page.get_by_role("link", name="Workers").click()
        expect(page.get_by_role("heading", name="Workers")).to_be_visible()
        held: list[Route] = []
        context.route("**/queues.get_all_ex", lambda route: held.append(route))
        page.get_by_role("link", name="Queues").click()
        expect(page.get_by_role("link", name="seen before")).to_be_visible()
        assert held
        context.unroute("**/queues.get_all_ex")


def test_a_line_that_was_seen_before_its_end_is_seen_whole(
    page: Page, server: Running, api: Api
) -> None:
    queue = api("queues.create", name="of lines")["id"]
    task = api("tasks.create", name="prints in pieces", type="training")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    (taken,) = api("attempts.take", worker="pieces:gpu0", queues=[queue])["attempts"]
    run = {"task": task, "attempt": taken["attempt"], "worker": "pieces:gpu0"}
    api("attempts.report", **run, console={"offset": 0, "text": "load"})
    page.goto(f"{server.url}/tasks/{task}/console")
    rows = page.get_by_label("Console", exact=True).locator(".console-row")
    expect(rows.first).to_contain_text("load")
    api("attempts.report", **run, console={"offset": 4, "text": "ing\ntraining\n"})
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("loading")

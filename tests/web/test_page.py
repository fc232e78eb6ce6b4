"""The first page: live data, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import live


def test_a_fresh_server_says_how_to_connect_a_worker(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/workers")
    expect(page.get_by_text("taskyard agent daemon --queue default")).to_be_visible()


def test_a_task_appears_by_itself_and_leads_to_its_console(
    page: Page, server: Running, api: Api
) -> None:
    page.goto(server.url)
    live(page)
    task = api("tasks.create", name="shown on the page", type="testing")["id"]
    api("tasks.enqueue", task=task, queue_name="default")
    link = page.get_by_role("link", name="shown on the page").first
    expect(link).to_be_visible(timeout=10_000)
    api.batch("events.add_batch", [{"type": "log", "task": task, "msg": "<b>a line</b>"}])
    link.click()
    expect(page).to_have_url(f"{server.url}/tasks/{task}")
    page.get_by_role("link", name="Console").click()
    expect(page.get_by_label("Console", exact=True)).to_contain_text(
        "<b>a line</b>", timeout=10_000
    )


def test_a_queue_nobody_serves_says_so(page: Page, server: Running, api: Api) -> None:
    queue = api("queues.create", name="nobody here")["id"]
    task = api("tasks.create", name="waits in vain", type="testing")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    page.goto(f"{server.url}/queues")
    row = page.get_by_role("row").filter(has_text="nobody here")
    expect(row).to_contain_text("No worker")


def test_an_address_that_the_sdk_prints_opens_the_task(
    page: Page, server: Running, api: Api
) -> None:
    task = api("tasks.create", name="printed address", type="testing")["id"]
    page.goto(f"{server.url}/projects/x/experiments/{task}/output/log")
    expect(page.get_by_role("heading", name="printed address")).to_be_visible()


def test_the_api_describes_itself_on_a_page(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/reference")
    expect(page.get_by_role("heading", name="API reference")).to_be_visible()
    expect(page.get_by_role("heading", name="attempts.take")).to_be_attached()


def test_who_came_over_another_name_signs_in_with_a_key_pair(
    browser: Browser, server: Running
) -> None:
    port = server.url.rpartition(":")[2]
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://lab.example:{port}/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_label("Access key or name").fill(server.access_key)
        page.get_by_label("Secret key or password").fill(server.secret_key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    finally:
        context.close()


def test_the_page_fits_a_phone(page: Page, server: Running) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{server.url}/queues")
    live(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390

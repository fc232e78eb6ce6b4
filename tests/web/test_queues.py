"""The page of queues: made, paused and watched; their tasks put in order by hand, keys and menu."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import barriers, watched


@pytest.fixture
def name(api: Api) -> str:
    """A queue with four tasks, first to fourth."""
    name = f"queue-{uuid.uuid4().hex[:8]}"
    queue = api("queues.create", name=name)["id"]
    for word in ("first", "second", "third", "fourth"):
        task = api("tasks.create", name=word, type="training")["id"]
        api("tasks.enqueue", task=task, queue=queue)
    return name


def order(api: Api, name: str) -> list[str]:
    (queue,) = api("queues.get_all_ex", name=f"^{name}$")["queues"]
    return [entry["task"]["name"] for entry in queue["entries"]]


def rows(page: Page) -> Locator:
    return page.get_by_role("grid", name="Waiting tasks").locator("tbody tr:not(.spacer)")


def shows(page: Page, *names: str) -> None:
    expect(rows(page).locator("a")).to_have_text(list(names))


def test_a_queue_is_made_renamed_and_deleted(page: Page, server: Running, api: Api) -> None:
    page.goto(f"{server.url}/queues")
    page.get_by_role("button", name="New queue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="nightly")).to_be_visible()
    page.get_by_role("button", name="More for nightly").click()
    page.get_by_role("menuitem", name="Rename").click()
    dialog.get_by_label("New name").fill("nights")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="nights")).to_be_visible()
    page.get_by_role("button", name="More for nights").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    assert not api("queues.get_all", name="^nights$")["queues"]


def test_a_name_that_cannot_be_is_said_at_the_field(browser: Browser, server: Running) -> None:
    with watched(browser, server.url, silent=False) as context:
        page = context.new_page()
        page.goto(f"{server.url}/queues")
        page.get_by_role("button", name="New queue").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("default")
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.get_by_role("alert")).to_contain_text("unique")


def test_a_paused_queue_says_why_until_it_is_resumed(
    page: Page, server: Running, name: str
) -> None:
    page.goto(f"{server.url}/queues/{name}")
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why, for others to read").fill("maintenance")
    dialog.get_by_role("button", name="Pause").click()
    expect(page.locator("header.top .pill")).to_have_text("Paused")
    expect(page.get_by_text("maintenance").first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("header.top .pill")).not_to_have_text("Paused")


def test_tasks_where_nobody_works_are_an_alarm(page: Page, server: Running, name: str) -> None:
    page.goto(f"{server.url}/queues")
    expect(page.get_by_text(f"No worker serves {name}.")).to_be_visible()
    expect(page.get_by_text(f"taskyard agent daemon --queue {name}")).to_be_visible()


class TestOrder:
    def test_a_task_is_dragged_to_another_place_and_back(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        page.goto(f"{server.url}/queues/{name}")
        shows(page, "first", "second", "third", "fourth")
        grip = rows(page).nth(3).locator(".grip").bounding_box()
        top = rows(page).nth(0).bounding_box()
        assert grip
        assert top
        page.mouse.move(grip["x"] + 4, grip["y"] + 8)
        page.mouse.down()
        page.mouse.move(grip["x"] + 4, top["y"] + 2, steps=4)
        page.mouse.up()
        shows(page, "fourth", "first", "second", "third")
        expect(page.get_by_text("Moved 1 task")).to_be_visible()
        assert order(api, name) == ["fourth", "first", "second", "third"]
        page.get_by_role("button", name="Undo").click()
        shows(page, "first", "second", "third", "fourth")

    def test_keys_move_a_task(self, page: Page, server: Running, name: str) -> None:
        page.goto(f"{server.url}/queues/{name}")
        shows(page, "first", "second", "third", "fourth")
        page.get_by_role("grid", name="Waiting tasks").focus()
        page.keyboard.press("Shift+ArrowDown")
        shows(page, "second", "first", "third", "fourth")
        page.keyboard.press("b")
        shows(page, "first", "third", "fourth", "second")

    def test_a_menu_moves_a_task(self, page: Page, server: Running, name: str) -> None:
        page.goto(f"{server.url}/queues/{name}")
        page.get_by_role("button", name="Actions for third").click()
        page.get_by_role("menuitem", name="To the top").click()
        shows(page, "third", "first", "second", "fourth")

    def test_several_are_moved_together(self, page: Page, server: Running, name: str) -> None:
        page.goto(f"{server.url}/queues/{name}")
        for number in (1, 3):
            rows(page).nth(number).get_by_label("Select").check()
        bar = page.get_by_role("region", name="Selected tasks")
        bar.get_by_role("button", name="To the top").click()
        shows(page, "second", "fourth", "first", "third")

    def test_another_queue_takes_them(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        other = f"other-{uuid.uuid4().hex[:8]}"
        api("queues.create", name=other)
        page.goto(f"{server.url}/queues/{name}")
        page.get_by_role("button", name="Actions for second").click()
        page.get_by_role("menuitem", name="To another queue").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Queue").select_option(other)
        dialog.get_by_role("button", name="Move").click()
        shows(page, "first", "third", "fourth")
        assert order(api, other) == ["second"]

    def test_what_is_taken_off_comes_back_to_its_place(
        self, page: Page, server: Running, name: str
    ) -> None:
        page.goto(f"{server.url}/queues/{name}")
        page.get_by_role("button", name="Actions for second").click()
        page.get_by_role("menuitem", name="Take off the queue").click()
        shows(page, "first", "third", "fourth")
        page.get_by_role("button", name="Undo").click()
        shows(page, "first", "second", "third", "fourth")

    def test_two_who_order_at_once_see_the_same(
        self, browser: Browser, server: Running, api: Api, name: str
    ) -> None:
        with watched(browser, server.url) as context:
            mine, theirs = context.new_page(), context.new_page()
            for page in (mine, theirs):
                page.goto(f"{server.url}/queues/{name}")
                shows(page, "first", "second", "third", "fourth")
            mine.get_by_role("button", name="Actions for fourth").click()
            theirs.get_by_role("button", name="Actions for third").click()
            mine.get_by_role("menuitem", name="To the top").click()
            theirs.get_by_role("menuitem", name="To the top").click()
            expect(mine.get_by_text("Moved 1 task")).to_be_visible()
            expect(theirs.get_by_text("Moved 1 task")).to_be_visible()
            for page in (mine, theirs):
                shows(page, *order(api, name))
            assert sorted(order(api, name)[:2]) == ["fourth", "third"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(browser: Browser, server: Running, name: str, dark: bool) -> None:
    with watched(browser, server.url, dark=dark) as context:
        page = context.new_page()
        for path in ("/queues", f"/queues/{name}", f"/queues/{name}/history"):
            page.goto(server.url + path)
            expect(page.get_by_text(f"No worker serves {name}.")).to_be_visible()
            assert not barriers(page), path

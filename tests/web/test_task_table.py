"""The list of tasks as people arrange it: columns in an order, saved views, cells that narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import barriers


@pytest.fixture(scope="module", autouse=True)
def tasks(server: Running) -> None:
    """Three tasks, one of which has failed."""
    api = Api(server)
    made = [
        api("tasks.create", name=f"train {n}", type="training", tags=[f"tag{n}"])["id"]
        for n in range(3)
    ]
    api("tasks.started", task=made[1])
    api("tasks.failed", task=made[1], status_reason="user code")


@pytest.fixture
def table(page: Page, server: Running) -> Locator:
    page.goto(f"{server.url}/tasks")
    found = page.get_by_role("grid", name="Tasks")
    expect(found.get_by_role("columnheader", name="Status")).to_be_visible()
    return found


def heads(table: Locator) -> list[str]:
    return [head.strip() for head in table.get_by_role("columnheader").all_inner_texts()][1:]


def rows(table: Locator) -> Locator:
    return table.locator("tbody tr:not(.spacer)")


class TestColumns:
    def test_are_put_in_another_place_by_dragging(self, page: Page, table: Locator) -> None:
        head = table.get_by_role("columnheader")
        head.filter(has_text="Tags").drag_to(head.filter(has_text="Status"))
        expect(head.nth(2)).to_have_text("Tags")
        page.reload()
        expect(head.nth(2)).to_have_text("Tags")
        assert heads(table)[:3] == ["Task", "Tags", "Status"]

    def test_are_put_in_another_place_by_keys(self, page: Page, table: Locator) -> None:
        table.get_by_role("columnheader").get_by_role("button", name="Status").focus()
        page.keyboard.press("Alt+ArrowLeft")
        expect(table.get_by_role("columnheader").nth(1)).to_have_text("Status")

    def test_are_put_in_another_place_by_the_menu(self, page: Page, table: Locator) -> None:
        page.get_by_role("button", name="Columns").click()
        page.get_by_role("button", name="User further to the left").click()
        expect(table.get_by_role("columnheader").nth(6)).to_have_text("User")
        assert not barriers(page)


class TestViews:
    def test_are_kept_with_the_user_and_shown_again(
        self, page: Page, server: Running, table: Locator
    ) -> None:
        page.get_by_role("button", name="Status any").click()
        page.get_by_label("Failed").check()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Views").click()
        page.get_by_role("button", name="Save this view").click()
        page.get_by_role("dialog").get_by_label("Name").fill("what failed")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text("what failed is kept among your views")).to_be_visible()
        page.evaluate("localStorage.clear()")
        page.goto(f"{server.url}/tasks")
        expect(rows(table)).to_have_count(3)
        page.get_by_role("button", name="Views").click()
        page.get_by_role("button", name="what failed", exact=True).click()
        expect(rows(table)).to_have_count(1)
        expect(page).to_have_url(f"{server.url}/tasks?status=failed")

    def test_are_forgotten(self, page: Page, server: Running, api: Api) -> None:
        view = {"name": "to be forgotten", "query": "q=x", "hidden": [], "order": []}
        api("users.set_preferences", preferences={"taskyard.task_views": [view]})
        page.goto(f"{server.url}/tasks")
        page.get_by_role("button", name="Views").click()
        page.get_by_role("button", name="Forget to be forgotten").click()
        expect(page.get_by_text("No view is saved yet.")).to_be_visible()
        assert api("users.get_preferences")["preferences"]["taskyard"]["task_views"] == []


def test_a_cell_narrows_the_list_to_its_value(page: Page, table: Locator) -> None:
    table.get_by_title("Only tag2").click()
    expect(rows(table)).to_have_count(1)
    expect(rows(table)).to_contain_text("train 2")
    page.get_by_role("button", name="Clear filters").click()
    table.get_by_title("Only Failed").click()
    expect(rows(table)).to_contain_text("train 1")

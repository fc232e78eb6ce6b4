"""The list of tasks: found, ordered, and changed several at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import barriers, watched

MANY = 130


@pytest.fixture(scope="module", autouse=True)
def tasks(server: Running) -> list[str]:
    """More tasks than a page shows, in two projects; one has failed, and one has a metric."""
    api = Api(server)
    for name in ("vision", "speech"):
        api("projects.create", name=name, description="")
    projects = {p["name"]: p["id"] for p in api("projects.get_all")["projects"]}
    made = []
    for number in range(MANY):
        project = projects["speech" if number % 10 == 0 else "vision"]
        lr = {"section": "Args", "name": "lr", "value": str(number)}
        task = api(
            "tasks.create",
            name=f"train {number:03}",
            type="training",
            project=project,
            tags=["even"] if number % 2 == 0 else [],
            hyperparams={"Args": {"lr": lr}},
        )
        made.append(str(task["id"]))
    api("tasks.started", task=made[7])
    api(
        "events.add",
        type="training_stats_scalar",
        task=made[7],
        iter=1,
        metric="loss",
        variant="train",
        value=0.125,
    )
    api("tasks.failed", task=made[7], status_reason="user code", status_message="exit code 1")
    return made


def rows(page: Page) -> Locator:
    return page.get_by_role("grid", name="Tasks").locator("tbody tr:not(.spacer)")


def test_filters_stand_in_the_address(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks")
    page.get_by_role("button", name="Status any").click()
    page.get_by_label("Failed").check()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("user code: exit code 1")
    page.reload()
    expect(rows(page)).to_have_count(1)
    assert "status=failed" in page.url


def test_a_search_finds_by_name(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks")
    page.get_by_label("Find a task").fill("TRAIN 12")
    expect(rows(page)).to_have_count(10)


def test_nothing_found_says_so_and_how_to_go_on(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks?q=nonesuch")
    expect(page.get_by_text("No task matches")).to_be_visible()
    page.locator(".empty").get_by_role("button", name="Clear filters").click()
    expect(rows(page).first).to_be_visible()


def test_the_order_is_the_servers_over_all_pages(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks?sort=name")
    expect(rows(page).first).to_contain_text("train 000")
    page.get_by_role("button", name="Older").click()
    expect(rows(page).first).to_contain_text("train 100")
    page.get_by_role("button", name="Task", exact=True).click()
    expect(rows(page).first).to_contain_text(f"train {MANY - 1}")


def test_metrics_and_parameters_are_columns(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks?q=train+007")
    page.get_by_role("button", name="Metrics").click()
    page.get_by_label("loss/train").check()
    page.get_by_label("Args/lr").check()
    page.get_by_role("button", name="Show 2").click()
    expect(rows(page)).to_contain_text("0.125")
    page.reload()
    expect(page.get_by_role("columnheader", name="loss/train")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Args/lr")).to_be_visible()


def test_a_list_is_sorted_by_a_metric(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks")
    page.get_by_role("button", name="Metrics").click()
    page.get_by_label("loss/train").check()
    page.get_by_role("button", name="Show 1").click()
    page.get_by_role("columnheader", name="loss/train").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("train 007")


def test_what_changes_elsewhere_is_seen(page: Page, server: Running, api: Api) -> None:
    page.goto(f"{server.url}/tasks?q=seen")
    expect(page.get_by_text("No task matches")).to_be_visible()
    task = api("tasks.create", name="seen at once", type="training")["id"]
    expect(rows(page)).to_contain_text("Draft")
    api("tasks.enqueue", task=task, queue_name="default")
    expect(rows(page)).to_contain_text("Queued")
    expect(rows(page)).to_contain_text("no worker serves the queue default")


class TestSeveralAtOnce:
    def test_those_that_fit_are_done_and_counted(
        self, page: Page, server: Running, api: Api
    ) -> None:
        for number in range(3):
            api("tasks.create", name=f"batch {number}", type="training")
        page.goto(f"{server.url}/tasks?q=batch")
        expect(rows(page)).to_have_count(3)
        page.get_by_label("Select all").click()
        bar = page.get_by_role("region", name="Selected tasks")
        expect(bar.get_by_role("button", name="Abort 0 of 3")).to_be_disabled()
        bar.get_by_role("button", name="Enqueue 3 of 3").click()
        page.get_by_role("dialog").get_by_role("button", name="Enqueue").click()
        expect(page.get_by_text("3 tasks enqueued")).to_be_visible()
        bar.get_by_role("button", name="Abort 3 of 3").click()
        page.get_by_role("dialog").get_by_role("button", name="Abort").click()
        expect(page.get_by_text("3 tasks aborted")).to_be_visible()
        expect(bar).to_have_count(0)

    def test_tags_and_the_archive(self, page: Page, server: Running, api: Api) -> None:
        for number in range(2):
            api("tasks.create", name=f"keep {number}", type="training")
        page.goto(f"{server.url}/tasks?q=keep")
        expect(rows(page)).to_have_count(2)
        page.get_by_label("Select all").click()
        bar = page.get_by_role("region", name="Selected tasks")
        bar.get_by_role("button", name="Tag").click()
        page.get_by_label("Add tags, with spaces between").fill("good fast")
        page.get_by_role("button", name="Save").click()
        expect(rows(page).first).to_contain_text("fast")
        bar.get_by_role("button", name="Archive 2 of 2").click()
        expect(page.get_by_text("No task matches")).to_be_visible()
        page.get_by_label("The archive").check()
        expect(rows(page)).to_have_count(2)

    def test_some_are_compared(self, page: Page, server: Running) -> None:
        page.goto(f"{server.url}/tasks?q=train+01&sort=name")
        rows(page).nth(0).get_by_label("Select").check()
        rows(page).nth(1).get_by_label("Select").check()
        page.get_by_role("button", name="Compare").click()
        expect(page).to_have_url(re.compile(r"/compare\?ids=\w{32},\w{32}"))


def test_keys_walk_and_open_the_list(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks?q=train+01&sort=name")
    expect(rows(page)).to_have_count(10)
    page.get_by_role("grid", name="Tasks").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="train 011")).to_be_visible()


def test_all_columns_fit_a_common_window(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/tasks")
    expect(page.get_by_role("columnheader", name="Updated")).to_be_visible()
    beyond = "(table) => table.parentElement.scrollWidth - table.parentElement.clientWidth"
    assert page.get_by_role("grid").evaluate(beyond) == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(browser: Browser, server: Running, dark: bool) -> None:
    with watched(browser, server.url, dark=dark) as context:
        page = context.new_page()
        page.goto(f"{server.url}/tasks")
        page.get_by_label("Select all").click()
        assert not barriers(page)

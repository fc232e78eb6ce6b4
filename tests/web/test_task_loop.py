"""The loop of a task by keys alone and on a phone; what others did meanwhile; commands to copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.agent import Site
from tests.web.conftest import live, watched

TRAIN = "import sys\nprint('called with', *sys.argv[1:], flush=True)\n"


@pytest.fixture(scope="module")
def trained(site: Site) -> str:
    """A task that has run to its end."""
    task = site.submit(TRAIN, "default", "--lr", "0.1")
    site.ended(task)
    site.api("tasks.update", task=task, name="bert")
    return task


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched(browser, site.url) as context:
        yield context.new_page()


def walk_to(page: Page, name: str) -> None:
    """Press Tab until the field or button of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            """(name) => {
              const here = document.activeElement;
              const words = [here.ariaLabel, here.labels?.[0]?.innerText, here.innerText];
              return words.some((word) => word?.trim() === name);
            }""",
            name,
        ):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_the_loop_by_keys_alone(page: Page, site: Site, trained: str) -> None:
    page.goto(site.url)
    live(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or jump to")).to_be_focused()
    page.keyboard.type("bert")
    expect(page.get_by_role("option", selected=True)).to_contain_text("bert")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="bert")).to_be_visible()
    # It answers to keys once it knows the task.
    expect(page.get_by_role("button", name="Clone")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_be_visible()
    walk_to(page, "Args/lr")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.7")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Console", exact=True)).to_contain_text("called with --lr 0.7")
    expect(page.locator("header.top .pill")).to_have_text("Completed")
    page.keyboard.press("1")
    expect(page.get_by_role("grid", name="Attempts")).to_be_visible()


def test_the_loop_on_a_phone(browser: Browser, site: Site, trained: str) -> None:
    with watched(browser, site.url, width=390, height=844) as context:
        page = context.new_page()
        page.goto(site.url)
        page.get_by_role("button", name="Navigation").click()
        page.get_by_role("navigation").get_by_role("link", name="Tasks").click()
        tasks = page.get_by_role("grid", name="Tasks", exact=True)
        tasks.get_by_role("link", name="bert", exact=True).click()
        page.get_by_role("button", name="Clone").click()
        page.get_by_role("dialog").get_by_label("Args/lr").fill("0.9")
        page.get_by_role("button", name="Save and enqueue").click()
        expect(page.get_by_label("Console", exact=True)).to_contain_text("called with --lr 0.9")
        expect(page.locator("header.top .pill")).to_have_text("Completed")
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(beyond) == 0


def test_who_was_slower_is_told_how_the_task_stands(page: Page, site: Site) -> None:
    queue = site.api("queues.create", name="of somebody else")["id"]
    task = site.api("tasks.create", name="wanted by two", type="training")["id"]
    page.goto(f"{site.url}/tasks/{task}")
    page.get_by_role("button", name="Enqueue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    site.api("tasks.enqueue", task=task, queue=queue)
    assert site.api("attempts.take", worker="other:gpu0", queues=[queue])["attempts"]
    dialog.get_by_role("button", name="Enqueue").click()
    expect(page.get_by_role("log", name="Messages")).to_contain_text(
        "wanted by two is already running on other:gpu0"
    )
    expect(page.get_by_role("button", name="Abort")).to_be_visible()


def test_what_can_be_done_is_shown_as_commands(page: Page, site: Site, trained: str) -> None:
    page.goto(f"{site.url}/tasks/{trained}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Commands").click()
    dialog = page.get_by_role("dialog")
    for command in ("logs -f", "reset", "publish", "archive"):
        expect(dialog).to_contain_text(f"taskyard {command} {trained}")
    expect(dialog).not_to_contain_text("taskyard abort")

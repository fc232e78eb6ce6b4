"""From an empty server to a first result, on the page alone but for one command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.agent import Site
from tests.beds.agent import site as new_site
from tests.web.conftest import live, watched


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def first_page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched(browser, site.url) as context:
        page = context.new_page()
        page.goto(site.url)
        yield page


def test_an_empty_server_says_how_to_get_a_worker_and_a_task(first_page: Page) -> None:
    live(first_page)
    expect(first_page.get_by_text("No worker yet")).to_be_visible()
    expect(first_page.get_by_text("taskyard agent daemon --queue default")).to_be_visible()
    expect(first_page.get_by_text("taskyard run train.py --lr 0.1")).to_be_visible()
    expect(first_page.get_by_text("2 of 5")).to_be_visible()


def test_the_page_greets_the_first_worker_by_itself(first_page: Page, site: Site) -> None:
    site.agent("--queue", "default", worker="dgx-01")
    expect(first_page.get_by_role("log", name="Messages")).to_contain_text("dgx-01 connected")
    expect(first_page.get_by_role("link", name="dgx-01").first).to_be_visible()
    expect(first_page.get_by_text("No worker yet")).to_be_hidden()
    expect(first_page.get_by_text("3 of 5")).to_be_visible()


def test_the_sample_runs_to_its_end_in_sight(first_page: Page) -> None:
    choices = first_page.get_by_role("group", name="How")
    choices.get_by_role("button", name="Run the sample").click()
    first_page.locator(".empty > button").click()
    expect(first_page.get_by_role("heading", name="sample")).to_be_visible()
    expect(first_page.get_by_text("step   1/24").first).to_be_visible()
    expect(first_page.get_by_text("Completed").first).to_be_visible(timeout=120_000)


def test_the_steps_go_when_all_are_done(first_page: Page, site: Site) -> None:
    first_page.goto(site.url)
    expect(first_page.get_by_text("4 of 5")).to_be_visible()
    (task,) = site.api("tasks.get_all", only_fields=["id"])["tasks"]
    site.api("tasks.clone", task=task["id"], new_task_name="sample at another rate")
    expect(first_page.get_by_text("First steps")).to_be_hidden()
    expect(first_page.get_by_text("sample at another rate")).to_be_visible()

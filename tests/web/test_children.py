"""Steps of pipelines, trials of searches and clones, as the unmodified SDK makes them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.beds.server import Api, Running
from tests.e2e.sdk.client import Sdk
from tests.web.conftest import barriers, watched


@pytest.fixture(scope="module")
def sdk(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    return Sdk(server, tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def pipeline(sdk: Sdk) -> str:
    return str(sdk.script("pipeline_functions.py").told["id"])


@pytest.fixture(scope="module")
def search(sdk: Sdk) -> tuple[str, str]:
    """A random search that has found the most: its id and the best trial's."""
    template = sdk.script("template.py").told["id"]
    told = sdk.script("search.py", "random", template, "locally").told
    return told["id"], told["best"][0]


def rows(page: Page, table: str) -> Locator:
    return page.get_by_role("grid", name=table).locator("tbody tr:not(.spacer)")


def test_the_steps_of_a_pipeline_stand_after_what_they_wait_for(
    page: Page, server: Running, pipeline: str
) -> None:
    page.goto(f"{server.url}/tasks/{pipeline}")
    page.get_by_role("link", name="Steps").click()
    graph = page.get_by_role("group", name="Graph of the steps")
    boxes = [graph.get_by_role("link", name=name).bounding_box() for name in ("load", "train")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] < boxes[1]["x"]
    expect(rows(page, "Steps")).to_have_count(3)
    expect(rows(page, "Steps").filter(has_text="evaluate")).to_contain_text("Completed")
    assert not barriers(page)
    graph.get_by_role("link", name="train").click()
    expect(page.get_by_role("heading", name="train")).to_be_visible()


def test_the_trials_of_a_search_stand_by_its_objective_with_the_best_marked(
    page: Page, server: Running, search: tuple[str, str]
) -> None:
    task, best = search
    page.goto(f"{server.url}/tasks/{task}")
    page.get_by_role("link", name="Trials").click()
    trials = rows(page, "Tasks made from it")
    expect(trials).to_have_count(2)
    expect(trials.first).to_contain_text("best")
    expect(trials.first.locator(f"a[href$='{best}']")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Args/x")).to_be_visible()
    expect(page.get_by_role("columnheader", name="quality/test")).to_be_visible()
    expect(page.locator(".parallel-line")).to_have_count(2)
    assert not barriers(page)
    page.get_by_role("button", name="Compare the best").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()


def test_clones_are_compared_with_their_original(page: Page, server: Running, api: Api) -> None:
    lr = {"section": "Args", "name": "lr", "value": "0.1"}
    original = api(
        "tasks.create", name="original", type="training", hyperparams={"Args": {"lr": lr}}
    )["id"]
    page.goto(f"{server.url}/tasks/{original}/children")
    expect(page.get_by_text("No clones")).to_be_visible()
    clone = api("tasks.clone", task=original, new_task_name="clone")["id"]
    api("tasks.edit_hyper_params", task=clone, hyperparams=[{**lr, "value": "0.2"}])
    expect(rows(page, "Tasks made from it")).to_have_count(2)
    expect(rows(page, "Tasks made from it").filter(has_text="clone")).to_contain_text("0.2")


def test_a_phone_lists_the_steps(browser: Browser, server: Running, pipeline: str) -> None:
    with watched(browser, server.url, width=390, height=800) as context:
        page = context.new_page()
        page.goto(f"{server.url}/tasks/{pipeline}/children")
        expect(rows(page, "Steps")).to_have_count(3)
        expect(rows(page, "Steps").nth(1)).to_contain_text("load")

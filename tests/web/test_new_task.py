"""A task that is written on the page, and run by a real agent."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.agent import Site
from tests.beds.repositories import git
from tests.web.conftest import barriers, watched


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched(browser, site.url) as context:
        page = context.new_page()
        page.goto(f"{site.url}/tasks")
        page.get_by_role("button", name="New task").click()
        yield page


@pytest.fixture
def remote(tmp_path: Path) -> str:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("import sys\nprint('ran', *sys.argv[1:])\n")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Train")
    return f"file://{tmp_path}"


def test_a_pasted_script_runs_with_its_arguments(page: Page) -> None:
    page.get_by_role("button", name="Pasted here").click()
    page.get_by_label("Called").fill("hello.py")
    page.get_by_label("Script", exact=True).fill("import sys\nprint('pasted', sys.argv[1:])")
    page.get_by_label("Arguments, one a line").fill("lr=0.1\nverbose")
    page.get_by_role("button", name="Save and enqueue").click()
    expect(page.get_by_label("Console", exact=True)).to_contain_text(
        "pasted ['--lr', '0.1', '--verbose']"
    )


def test_code_of_a_repository_runs_and_its_project_is_made(
    page: Page, site: Site, remote: str
) -> None:
    page.get_by_label("Repository").fill(remote)
    page.get_by_label("Script, or -m module").fill("train.py")
    page.get_by_label("Folder to run it in").fill("code")
    page.get_by_label("Arguments, one a line").fill("lr=0.1")
    page.get_by_role("textbox", name="Project").fill("by hand")
    page.get_by_role("button", name="Save and enqueue").click()
    expect(page.get_by_label("Console", exact=True)).to_contain_text("ran --lr 0.1")
    task = page.url.split("/tasks/")[1][:32]
    assert site.api("tasks.get_by_id_ex", id=[task])["tasks"][0]["project"]["name"] == "by hand"


def test_its_command_makes_the_same_task(page: Page, site: Site, remote: str) -> None:
    page.get_by_label("Repository").fill(remote)
    page.get_by_label("Script, or -m module").fill("train.py")
    page.get_by_label("Folder to run it in").fill("code")
    page.get_by_label("Arguments, one a line").fill("lr=0.1")
    words = shlex.split(page.get_by_role("dialog").locator("pre").last.inner_text())
    assert words[0] == "taskyard"
    task = site.printed(*words[1:], "--draft")
    page.get_by_role("button", name="Save draft").click()
    expect(page).to_have_url(re.compile("/config$"))
    ours = page.url.split("/tasks/")[1][:32]
    both = [site.api("tasks.get_by_id", task=id)["task"] for id in (ours, task)]
    assert both[0]["script"] == both[1]["script"]
    assert both[0]["hyperparams"] == both[1]["hyperparams"]


def test_what_is_missing_is_said_and_nothing_stands_in_the_way(page: Page) -> None:
    expect(page.get_by_text("Still needed: the repository's address.")).to_be_visible()
    expect(page.get_by_role("button", name="Save and enqueue")).to_be_disabled()
    assert barriers(page) == []

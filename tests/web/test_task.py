"""The page of a task, and the loop of cloning, changing and running it, with a real agent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.agent import Site
from tests.web.conftest import barriers, watched

TRAIN = """
import sys, time
print("\\x1b[31mred\\x1b[0m words")
sys.stdout.write("10%\\r50%\\r100% loaded\\n")
print("called with", *sys.argv[1:], flush=True)
"""
LINES = 100_000


@pytest.fixture(scope="module")
def trained(site: Site) -> str:
    """A task that has run to its end."""
    task = site.submit(TRAIN, "default", "--lr", "0.1")
    site.ended(task)
    return task


@pytest.fixture(scope="module")
def talkative(site: Site) -> str:
    """A task that printed a hundred thousand lines, one of them of another kind."""
    code = f"for n in range({LINES}):\n    print('needle' if n == 50_000 else f'line {{n}}')\n"
    task = site.submit(code, "default")
    site.ended(task)
    return task


@pytest.fixture(scope="module")
def reported(site: Site) -> str:
    """A task with a curve, a plot, a number and an artifact."""
    task = str(site.api("tasks.create", name="reported", type="training")["id"])
    site.report(task, [1 / (1 + step) for step in range(20)])
    cells = {"values": [[1, 2], ["one", "two"]]}
    table = {"type": "table", "header": {"values": [["n"], ["word"]]}, "cells": cells}
    site.api(
        "events.add",
        type="plot",
        task=task,
        iter=0,
        metric="words",
        variant="all",
        plot_str=json.dumps({"data": [table]}),
    )
    address = site.session().put_file(f"project/{task}/table.csv", b"a,b\n")
    artifact = {"key": "table", "type": "custom", "uri": address, "content_size": 4}
    site.api("tasks.add_or_update_artifacts", task=task, artifacts=[artifact], force=True)
    return task


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched(browser, site.url) as context:
        yield context.new_page()


class TestTheLoop:
    def test_a_clone_runs_with_the_value_that_was_changed(
        self, page: Page, site: Site, trained: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{trained}")
        page.get_by_role("button", name="Clone").click()
        sheet = page.get_by_role("dialog")
        sheet.get_by_label("Args/lr").fill("0.5")
        expect(sheet.get_by_text("was 0.1")).to_be_visible()
        expect(sheet).to_contain_text(f"taskyard clone {trained} --set Args/lr=0.5")
        sheet.get_by_role("button", name="Save and enqueue").click()
        expect(page.get_by_label("Console", exact=True)).to_contain_text("called with --lr 0.5")
        expect(page.locator("header.top .pill")).to_have_text("Completed")
        assert trained not in page.url

    def test_a_draft_is_edited_in_place_and_enqueued(
        self, page: Page, site: Site, trained: str
    ) -> None:
        draft = site.printed("clone", trained)
        page.goto(f"{site.url}/tasks/{draft}/config")
        page.get_by_label("Args/lr").fill("0.25")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Changed lr")).to_be_visible()
        page.get_by_role("button", name="Enqueue").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Queue")).to_have_value(re.compile(r"\w{32}"))
        dialog.get_by_role("button", name="Enqueue").click()
        expect(page.locator("header.top .pill")).to_have_text("Completed")
        assert "called with --lr 0.25" in site.console(draft)

    def test_a_running_task_is_aborted(self, page: Page, site: Site) -> None:
        task = site.submit("import time\nprint('up', flush=True)\ntime.sleep(600)\n", "default")
        page.goto(f"{site.url}/tasks/{task}/console")
        expect(page.get_by_label("Console", exact=True)).to_contain_text("up")
        page.get_by_role("button", name="Abort").click()
        page.get_by_role("dialog").get_by_role("button", name="Abort").click()
        expect(page.locator("header.top .pill")).to_have_text("Aborted")

    def test_a_failed_task_says_why_shows_its_end_and_is_retried(
        self, page: Page, site: Site
    ) -> None:
        task = site.submit("print('so far')\nraise SystemExit(3)\n", "default")
        site.ended(task)
        page.goto(f"{site.url}/tasks/{task}")
        notice = page.get_by_role("alert")
        expect(notice).to_contain_text("exit code 3")
        expect(notice.get_by_label("The last lines of its console")).to_contain_text("so far")
        page.get_by_role("button", name="Retry").click()
        page.get_by_role("dialog").get_by_role("button", name="Retry").click()
        expect(page.get_by_role("grid", name="Attempts")).to_contain_text("2")

    def test_tags_are_added_and_taken_away(self, page: Page, site: Site, trained: str) -> None:
        page.goto(f"{site.url}/tasks/{trained}")
        page.get_by_role("button", name="Add a tag").click()
        page.get_by_label("New tag").fill("good")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Take good away")).to_be_visible()
        page.get_by_role("button", name="Take good away").click()
        expect(page.get_by_role("button", name="Take good away")).to_have_count(0)


class TestConsole:
    def test_colours_and_progress_are_shown_as_a_terminal_would(
        self, page: Page, site: Site, trained: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{trained}/console")
        console = page.get_by_label("Console", exact=True)
        expect(console.locator(".a1")).to_have_text("red")
        expect(console).to_contain_text("100% loaded")
        expect(console).not_to_contain_text("50%")

    def test_many_lines_open_at_their_end_with_few_of_them_drawn(
        self, page: Page, site: Site, talkative: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{talkative}/console")
        console = page.get_by_label("Console", exact=True)
        expect(console).to_contain_text(f"line {LINES - 1}")
        assert console.locator(".console-row").count() < 200

    def test_a_search_finds_lines_that_were_never_read(
        self, page: Page, site: Site, talkative: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{talkative}/console")
        page.get_by_label("Search the console").fill("NEEDLE")
        expect(page.get_by_role("status").filter(has_text="1 of 1")).to_be_visible()
        expect(page.locator(".console-row.on mark")).to_have_text("needle")
        page.get_by_label("Regular expression").click()
        page.get_by_label("Search the console").fill("line 9999[0-3]$")
        expect(page.get_by_role("status").filter(has_text="1 of 4")).to_be_visible()
        page.get_by_role("button", name="Next hit").click()
        expect(page.locator(".console-row.on")).to_contain_text("line 99991")

    def test_a_link_to_lines_shows_them(self, page: Page, site: Site, talkative: str) -> None:
        page.goto(f"{site.url}/tasks/{talkative}/console#L70001-L70003")
        expect(page.locator(".console-row.on")).to_have_count(3)
        expect(page.locator(".console-row.on").first).to_be_in_viewport()
        page.get_by_role("link", name="Line 70005").click()
        assert page.url.endswith("#L70005")

    def test_what_is_printed_now_is_followed(self, page: Page, site: Site, tmp_path: Path) -> None:
        go = tmp_path / "go"
        code = (
            "import pathlib, time\nprint('first', flush=True)\n"
            f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.05)\n"
            "print('second', flush=True)\n"
        )
        task = site.submit(code, "default")
        page.goto(f"{site.url}/tasks/{task}/console")
        console = page.get_by_label("Console", exact=True)
        expect(console).to_contain_text("first")
        go.touch()
        expect(console).to_contain_text("second")


class TestResults:
    def test_curves_are_drawn_with_their_last_values(
        self, page: Page, site: Site, reported: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{reported}/scalars")
        chart = page.get_by_role("figure", name="loss")
        expect(chart.locator("canvas")).to_be_visible()
        expect(chart.get_by_role("button", name="train")).to_contain_text("0.05")
        page.get_by_text("Logarithmic").click()
        assert "log=1" in page.url

    def test_plots_are_drawn(self, page: Page, site: Site, reported: str) -> None:
        page.goto(f"{site.url}/tasks/{reported}/scalars")
        expect(page.get_by_role("region", name="words / all")).to_contain_text("two")

    def test_artifacts_are_downloaded(self, page: Page, site: Site, reported: str) -> None:
        page.goto(f"{site.url}/tasks/{reported}/artifacts")
        with page.expect_download() as download:
            page.get_by_role("link", name="table.csv").click()
        assert download.value.path().read_bytes() == b"a,b\n"


class TestWhatItIsMadeOf:
    def test_uncommitted_changes_are_drawn_as_changes(
        self, page: Page, site: Site, trained: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{trained}/config")
        expect(page.locator(".diff-line.added").filter(has_text="import")).to_contain_text(
            "+import sys, time"
        )

    def test_the_time_of_a_run_is_told_step_by_step(
        self, page: Page, site: Site, trained: str
    ) -> None:
        page.goto(f"{site.url}/tasks/{trained}")
        steps = page.get_by_role("list", name="Steps of attempt 1")
        for word in ("Waiting", "Environment", "Running"):
            expect(steps).to_contain_text(word)


def test_the_addresses_that_the_sdk_prints_open_the_task(
    page: Page, site: Site, trained: str
) -> None:
    page.goto(f"{site.url}/projects/abc/experiments/{trained}/output/log")
    expect(page.get_by_label("Console", exact=True)).to_contain_text("called with")


def test_a_shortened_id_finds_its_task(page: Page, site: Site, trained: str) -> None:
    page.goto(f"{site.url}/tasks/{trained[:12]}")
    expect(page.get_by_role("heading", name="main.py")).to_be_visible()
    assert page.url.endswith(trained)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(browser: Browser, site: Site, trained: str, dark: bool) -> None:
    with watched(browser, site.url, dark=dark) as context:
        page = context.new_page()
        for tab in ("summary", "config", "console", "scalars", "artifacts"):
            page.goto(f"{site.url}/tasks/{trained}/{tab}")
            expect(page.locator("header.top .pill")).to_have_text("Completed")
            assert not barriers(page), tab


def test_a_phone_can_look_and_abort(browser: Browser, site: Site) -> None:
    task = site.submit("import time\nprint('up', flush=True)\ntime.sleep(600)\n", "default")
    with watched(browser, site.url, width=390, height=800) as context:
        page = context.new_page()
        page.goto(f"{site.url}/tasks/{task}/console")
        expect(page.get_by_label("Console", exact=True)).to_contain_text("up")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Abort").click()
        page.get_by_role("dialog").get_by_role("button", name="Abort").click()
        expect(page.locator("header.top .pill")).to_have_text("Aborted")

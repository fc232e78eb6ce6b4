"""A long queue: read by the part that is seen, moved in by several people, by touch, undone."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import shlex
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, Request, Route, expect

from taskyard.cli.commands import COMMANDS
from taskyard.cli.main import Parser
from taskyard.server.jobs import statistics
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.web.conftest import barriers, watched

LENGTH = 300


@pytest.fixture(scope="module")
def tasks(server: Running) -> list[str]:
    """The ids of ``task 1``, ``task 2`` and so on."""
    api = Api(server)
    return [
        str(api("tasks.create", name=f"task {n}", type="training")["id"])
        for n in range(1, LENGTH + 1)
    ]


@pytest.fixture
def name(api: Api, tasks: list[str]) -> str:
    """A queue in which they all wait, in their order."""
    name = f"long-{uuid.uuid4().hex[:8]}"
    api("tasks.enqueue_many", ids=tasks, queue=api("queues.create", name=name)["id"])
    return name


def order(api: Api, name: str) -> list[int]:
    """The numbers of the tasks, in the server's order."""
    (queue,) = api("queues.get_all_ex", name=f"^{name}$")["queues"]
    return [int(entry["task"]["name"].split()[1]) for entry in queue["entries"]]


def grid(page: Page) -> Locator:
    return page.get_by_role("grid", name="Waiting tasks")


def row(page: Page, task: int) -> Locator:
    link = page.get_by_role("link", name=f"task {task}", exact=True)
    return grid(page).locator("tbody tr").filter(has=link)


def opened(page: Page, server: Running, name: str) -> None:
    page.goto(f"{server.url}/queues/{name}")
    expect(row(page, 1)).to_be_visible()


def go_to_end(page: Page) -> None:
    grid(page).focus()
    page.keyboard.press("End")
    expect(row(page, LENGTH)).to_be_visible()


def choose(page: Page, task: int, item: str) -> None:
    row(page, task).get_by_role("button", name=f"Actions for task {task}").click()
    page.get_by_role("menuitem", name=item).click()


def take_hold(page: Page, task: int) -> FloatRect:
    """Press the mouse on a task's grip; gives where that is."""
    grip = row(page, task).locator(".grip").bounding_box()
    assert grip
    page.mouse.move(grip["x"] + 4, grip["y"] + 8)
    page.mouse.down()
    return grip


def at_rest(row: Locator) -> FloatRect:
    """Where a row is once the list no longer scrolls."""
    seen: list[FloatRect | None] = []

    def stays() -> bool:
        seen.append(row.bounding_box())
        return seen[-1] is not None and seen[-4:-1] == [seen[-1]] * 3

    until(stays, "the list to come to rest")
    assert seen[-1]
    return seen[-1]


class TestReading:
    def test_only_the_part_that_is_seen_is_read(
        self, page: Page, server: Running, name: str
    ) -> None:
        read: list[int] = []

        def watch(request: Request) -> None:
            if request.url.endswith("queues.get_entries"):
                read.append(json.loads(request.post_data or "")["limit"])

        page.on("request", watch)
        opened(page, server, name)
        expect(grid(page)).to_have_attribute("aria-rowcount", str(LENGTH + 1))
        go_to_end(page)
        expect(row(page, LENGTH)).to_contain_text(f"position {LENGTH} of {LENGTH}")
        assert max(read) < LENGTH

    def test_what_comes_and_goes_is_seen_wherever_somebody_looks(
        self, page: Page, server: Running, api: Api, name: str, tasks: list[str]
    ) -> None:
        opened(page, server, name)
        go_to_end(page)
        api("tasks.dequeue", task=tasks[0])
        expect(row(page, LENGTH)).to_contain_text(f"position {LENGTH - 1} of {LENGTH - 1}")


class TestMoving:
    def test_a_task_goes_from_the_end_to_the_top_and_back(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        opened(page, server, name)
        go_to_end(page)
        choose(page, 290, "To the top")
        expect(page.get_by_text("Moved 1 task")).to_be_visible()
        assert order(api, name)[0] == 290
        page.get_by_role("button", name="Undo").click()
        expect(row(page, 290)).to_contain_text("position 290 of")
        assert order(api, name) == list(range(1, LENGTH + 1))

    def test_a_task_goes_to_a_place_by_its_number(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        opened(page, server, name)
        choose(page, 2, "To a place")
        dialog = page.get_by_role("dialog")
        place = dialog.get_by_label(f"Place, 1 to {LENGTH}")
        place.fill("301")
        expect(dialog.get_by_role("button", name="Move", exact=True)).to_be_disabled()
        place.fill("200")
        expect(dialog.get_by_role("group")).to_contain_text("--to 200")
        dialog.get_by_role("button", name="Move", exact=True).click()
        expect(page.get_by_text("Moved 1 task")).to_be_visible()
        assert order(api, name)[199] == 2

    def test_a_task_is_dragged_beyond_what_was_read(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        opened(page, server, name)
        grip = take_hold(page, 3)
        page.mouse.move(grip["x"] + 40, grip["y"] + 200, steps=3)
        expect(page.locator(".waiting-ghost")).to_contain_text("1 task to place")
        page.mouse.wheel(0, 32 * 150)
        expect(row(page, 155)).to_contain_text("position 155 of")
        target = at_rest(row(page, 155))
        page.mouse.move(target["x"] + 40, target["y"] + 2, steps=3)
        page.mouse.up()
        expect(page.get_by_text("Moved 1 task")).to_be_visible()
        expected = [n for n in range(1, LENGTH + 1) if n != 3]
        expected.insert(expected.index(155), 3)
        assert order(api, name) == expected

    def test_escape_takes_a_drag_back(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        opened(page, server, name)
        grip = take_hold(page, 3)
        page.mouse.move(grip["x"] + 4, grip["y"] + 200, steps=3)
        expect(page.locator(".drop-above")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".drop-above")).to_have_count(0)
        page.mouse.up()
        assert order(api, name) == list(range(1, LENGTH + 1))

    def test_all_are_taken_off_and_come_back_in_their_order(
        self, page: Page, server: Running, api: Api, name: str
    ) -> None:
        opened(page, server, name)
        page.get_by_label("Select all").click()
        bar = page.get_by_role("region", name="Selected tasks")
        expect(bar).to_contain_text(f"{LENGTH} selected")
        bar.get_by_role("button", name="Take off the queue").click()
        expect(page.get_by_text("No tasks currently wait here")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(grid(page)).to_have_attribute("aria-rowcount", str(LENGTH + 1))
        assert order(api, name) == list(range(1, LENGTH + 1))

    def test_who_moves_in_an_order_that_somebody_changed_is_told(
        self, page: Page, server: Running, api: Api, name: str, tasks: list[str]
    ) -> None:
        queue = api("queues.get_all", name=f"^{name}$", max_task_entries=1)["queues"][0]["id"]

        def somebody_is_first(route: Route) -> None:
            if order(api, name)[0] == 1:
                api("queues.move_task_to_front", queue=queue, task=tasks[7])
            route.continue_()

        opened(page, server, name)
        page.route("**/queues.move_tasks", somebody_is_first)
        choose(page, 5, "To the top")
        me = api("users.get_current_user")["user"]["name"]
        expect(page.get_by_text(f"{me} had changed the order meanwhile")).to_be_visible()
        expect(grid(page).locator("tbody tr a").first).to_have_text("task 5")
        assert order(api, name)[:3] == [5, 8, 1]


def test_each_action_shows_its_command_line(page: Page, server: Running, name: str) -> None:
    opened(page, server, name)
    shown: list[str] = []
    for button, item in (
        ("Actions for task 2", "As commands"),
        (f"More for {name}", "As commands"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("menuitem", name=item).click()
        blocks = page.get_by_role("dialog").get_by_role("group")
        expect(blocks.first).to_be_visible()
        shown += blocks.all_inner_texts()
        page.keyboard.press("Escape")
    for text in shown:
        understood(text.replace("PLACE", "7"))
    assert len(shown) == 16


def understood(command: str) -> None:
    """Have the command line look at its words, without doing what they say."""
    name, *words = shlex.split(command.removeprefix("taskyard "))
    module = importlib.import_module(f"taskyard.cli.{COMMANDS[name].module}")
    parser = Parser(prog=f"taskyard {name}")
    getattr(module, f"{name}_arguments")(parser)
    parser.parse_args(getattr(module, f"{name}_words", list)(words))


def test_a_queue_shows_how_long_tasks_wait_in_it(page: Page, server: Running, api: Api) -> None:
    name = f"waits-{uuid.uuid4().hex[:8]}"
    queue = api("queues.create", name=name)["id"]
    for number in range(3):
        task = api("tasks.create", name=f"short {number}", type="training")["id"]
        api("tasks.enqueue", task=task, queue=queue)
    api("attempts.take", worker="waits", queues=[queue], capacity=2)
    server.await_(statistics.run(server.server))
    page.goto(f"{server.url}/queues?q={name}")
    cells = page.get_by_role("grid", name="Queues").locator("tbody tr td")
    span = re.compile(r"^\d+(s|m \d\ds)$")
    for column in (3, 4, 5):
        expect(cells.nth(column)).to_have_text(span)


@contextlib.contextmanager
def phone(browser: Browser, server: Running) -> Iterator[Page]:
    with watched(browser, server.url, width=390, height=844, touch=True) as context:
        yield context.new_page()


class TestPhone:
    def test_a_finger_drags_a_task(
        self, browser: Browser, server: Running, api: Api, name: str
    ) -> None:
        with phone(browser, server) as page:
            opened(page, server, name)
            grip = row(page, 1).locator(".grip").bounding_box()
            target = row(page, 4).bounding_box()
            assert grip
            assert target
            session = page.context.new_cdp_session(page)

            def touch(kind: str, *y: float) -> None:
                points = [{"x": grip["x"] + 8, "y": at} for at in y]
                session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

            start = grip["y"] + 8
            touch("touchStart", start)
            for part in (0.3, 0.6, 1):
                touch("touchMove", start + part * (target["y"] + 4 - start))
            expect(page.locator(".waiting-ghost")).to_contain_text("to place 4")
            touch("touchEnd")
            expect(page.get_by_text("Moved 1 task")).to_be_visible()
            assert order(api, name)[:4] == [2, 3, 1, 4]

    def test_a_menu_moves_a_task(
        self, browser: Browser, server: Running, api: Api, name: str
    ) -> None:
        with phone(browser, server) as page:
            opened(page, server, name)
            choose(page, 3, "To the top")
            expect(page.get_by_text("Moved 1 task")).to_be_visible()
            assert order(api, name)[:2] == [3, 1]

    def test_everything_fits(self, browser: Browser, server: Running, name: str) -> None:
        with phone(browser, server) as page:
            for path in ("/queues", f"/queues/{name}", f"/queues/{name}/history"):
                page.goto(server.url + path)
                expect(page.get_by_text(f"No worker serves {name}.")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
                assert not barriers(page), path

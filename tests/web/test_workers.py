"""The page of workers: what they are, do and did, and what they are told."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.beds import nvml
from tests.beds.agent import Site
from tests.beds.agent import site as make_site
from tests.beds.server import Api, Running, running
from tests.web.conftest import barriers, watched

GPUS = [{"id": f"GPU-{n}", "index": n, "name": "H100", "memory": 80_000} for n in range(4)]


def report(api: Api, worker: str, *, seconds_ago: float = 0, **stats: Any) -> None:
    at = int((time.time() - seconds_ago) * 1000)
    api("workers.status_report", worker=worker, timestamp=at, machine_stats=stats)


@pytest.fixture
def dgx(api: Api) -> Iterator[str]:
    """A worker with four GPUs, one of them busy, that serves two queues."""
    worker = f"dgx-{uuid.uuid4().hex[:6]}"
    first, second = (
        api("queues.get_all", name=f"^{name}$")["queues"][0]["id"]
        for name in ("services", "default")
    )
    resources = {"host": worker, "cpus": 4, "memory": 512_000, "gpus": GPUS}
    api("workers.register", worker=worker, queues=[first, second], resources=resources)
    load: dict[str, Any] = {"gpu_usage": [0, 95, 0, 0], "gpu_temperature": [40] * 4}
    report(api, worker, cpu_usage=[100, 100], memory_used=128_000, memory_free=384_000, **load)
    yield worker
    api("workers.unregister", worker=worker)


@pytest.fixture
def running_on(api: Api, dgx: str) -> Callable[..., str]:
    """Have a task run on the worker, in a place of its own; gives its id."""

    def run(name: str, **place: Any) -> str:
        task: str = api("tasks.create", name=name, type="training")["id"]
        queue = api("queues.create", name=f"of {task[:8]}")["id"]
        api("tasks.enqueue", task=task, queue=queue)
        api("attempts.take", worker=dgx, queues=[queue])
        held = {"task": task, "attempt": 1, "worker": dgx}
        api("attempts.report", **held, phase="run", place=place)
        if part := place.get("worker"):
            report(api, part, cpu_usage=50)
        return task

    return run


def row(page: Page, worker: str) -> Locator:
    exact = page.get_by_role("link", name=worker, exact=True)
    return page.get_by_role("grid", name="Workers").locator("tbody tr").filter(has=exact)


def gpus(page: Page, worker: str) -> Locator:
    """The cells of a worker in the map of GPUs."""
    return page.get_by_role("link", name=f"GPUs of {worker}").get_by_role("img")


def test_a_worker_shows_its_load_and_its_gpus(page: Page, server: Running, dgx: str) -> None:
    page.goto(f"{server.url}/workers")
    expect(row(page, dgx)).to_contain_text("Idle")
    expect(row(page, dgx)).to_contain_text("50 %")
    expect(row(page, dgx)).to_contain_text("25 %")
    busy = gpus(page, dgx).nth(1)
    expect(busy).to_have_attribute("aria-label", "GPU 1, H100, 95 % busy, 40 °C, no task")
    expect(busy).to_have_class("gpu h5 ")


class TestGpus:
    def test_a_gpu_names_the_task_whose_place_it_is(
        self, page: Page, server: Running, dgx: str, running_on: Callable[..., str]
    ) -> None:
        running_on("trains", worker=f"{dgx}:gpu1", gpus=["GPU-1"])
        page.goto(f"{server.url}/workers")
        label = re.compile("trains")
        expect(gpus(page, dgx).nth(1)).to_have_attribute("aria-label", label)
        expect(gpus(page, dgx).nth(0)).to_have_attribute("aria-label", re.compile("no task"))

    def test_one_that_is_held_and_idle_is_outlined(
        self, page: Page, server: Running, dgx: str, running_on: Callable[..., str]
    ) -> None:
        running_on("sleeps", gpus=["GPU-0", "GPU-1"])
        page.goto(f"{server.url}/workers")
        expect(gpus(page, dgx).nth(0)).to_have_class("gpu h0 held")
        expect(gpus(page, dgx).nth(1)).to_have_class("gpu h5 ")
        expect(page.get_by_text("2 of 4 held, 1 of them idle")).to_be_visible()

    def test_tasks_that_share_one_each_have_a_colour(
        self, page: Page, server: Running, dgx: str, running_on: Callable[..., str]
    ) -> None:
        for name in ("half", "other half"):
            running_on(name, worker=f"{dgx}:gpu2:{name[:5]}", gpus=["GPU-2"], share=5000)
        page.goto(f"{server.url}/workers?gpus=task")
        shared = gpus(page, dgx).nth(2)
        expect(shared).to_have_attribute("aria-label", re.compile(r"half \(50 %\).*other half"))
        assert shared.evaluate("cell => cell.style.background").count("var(--c") == 2
        page.get_by_role("group", name="What the colours show").get_by_text("User").click()
        me = page.request.post(f"{server.url}/users.get_current_user", data={}).json()
        expect(page.locator(".gpu-legend")).to_have_text(me["data"]["user"]["name"])

    def test_a_run_that_is_a_worker_of_its_own_stands_below_its_agent(
        self, page: Page, server: Running, dgx: str, running_on: Callable[..., str]
    ) -> None:
        part = f"{dgx}:gpu3"
        running_on("part", worker=part, gpus=["GPU-3"])
        page.goto(f"{server.url}/workers?q={dgx}")
        names = page.get_by_role("grid", name="Workers").locator("tbody td:first-child a")
        expect(names).to_have_text([dgx, part])
        expect(row(page, part).get_by_role("img")).to_have_count(1)
        page.get_by_role("columnheader", name="CPU").get_by_role("button").click()
        expect(names).to_have_text([dgx, part])

    def test_each_has_a_curve_of_its_own(
        self, page: Page, server: Running, api: Api, dgx: str
    ) -> None:
        for minutes in range(1, 6):
            report(api, dgx, seconds_ago=60 * minutes, gpu_usage=[10, 20, 30, 40])
        page.goto(f"{server.url}/workers/{dgx}")
        chart = page.get_by_role("figure", name="GPUs, %")
        expect(chart.locator("figcaption button")).to_have_count(4)
        expect(chart.locator("figcaption button").nth(3)).to_contain_text("GPU 3")


def test_a_worker_is_found_by_name_state_queue_and_gpu(
    page: Page, server: Running, dgx: str
) -> None:
    for query in (f"q={dgx[:8]}", "status=idle", "queue=services", "gpu=H100"):
        page.goto(f"{server.url}/workers?{query}")
        expect(row(page, dgx)).to_be_visible()
    for query in ("q=nobody", "status=lost", "queue=none", "gpu=A100"):
        page.goto(f"{server.url}/workers?{query}")
        expect(page.get_by_text("No worker matches")).to_be_visible()


def test_its_queues_stand_in_the_order_it_serves_them(
    page: Page, server: Running, dgx: str
) -> None:
    page.goto(f"{server.url}/workers/{dgx}")
    sheet = page.get_by_role("dialog", name=dgx)
    expect(sheet.locator("dd").filter(has_text="services")).to_have_text("services, default")
    expect(sheet.locator(".gpu-row")).to_have_count(4)


class TestOrders:
    def give(self, page: Page, order: str, why: str = "") -> None:
        page.locator(".sheet").get_by_role("button", name=order).click()
        dialog = page.locator("dialog")
        dialog.get_by_label("Why").fill(why)
        dialog.get_by_role("button", name=order).click()

    def test_a_worker_is_paused_resumed_and_drained(
        self, page: Page, server: Running, api: Api, dgx: str
    ) -> None:
        page.goto(f"{server.url}/workers/{dgx}")
        pill = page.locator(".sheet .pill")
        self.give(page, "Pause")
        expect(pill).to_have_text("Paused")
        self.give(page, "Resume")
        expect(pill).to_have_text("Idle")
        self.give(page, "Drain")
        expect(pill).to_have_text("Draining")
        (worker,) = api("workers.get_all", worker_pattern=dgx)["workers"]
        assert worker["order"]["kind"] == "drain"

    def test_an_order_says_who_gave_it_and_why_also_when_the_worker_has_left(
        self, page: Page, server: Running, api: Api, dgx: str
    ) -> None:
        me = api("users.get_current_user")["user"]["name"]
        page.goto(f"{server.url}/workers/{dgx}")
        self.give(page, "Pause", "a new driver")
        notice = page.locator(".sheet .notice").filter(has_text=f"Told to pause by {me}")
        expect(notice).to_contain_text("a new driver")
        self.give(page, "Resume", "installed")
        told = page.locator(".worker-orders li")
        expect(told).to_have_count(2)
        api("workers.unregister", worker=dgx)
        expect(page.get_by_text(f"No worker {dgx}")).to_be_visible()
        expect(told.nth(0)).to_contain_text(f"resume by {me}: installed")
        expect(told.nth(1)).to_contain_text(f"pause by {me}: a new driver")

    def test_each_shows_its_command_line(self, page: Page, server: Running, dgx: str) -> None:
        page.goto(f"{server.url}/workers/{dgx}")
        page.locator(".sheet").get_by_role("button", name="Stop").click()
        page.locator("dialog").get_by_label("Why").fill("it's hot")
        shown = page.locator("dialog").get_by_role("group")
        expect(shown).to_have_text(f"taskyard worker stop {dgx} -m 'it'\\''s hot'")
        page.keyboard.press("Escape")
        page.get_by_role("button", name=f"More for {dgx}").click()
        page.get_by_role("menuitem", name="As commands").click()
        expect(page.locator("dialog").get_by_role("group")).to_have_count(5)


def test_no_worker_says_how_to_start_one(browser: Browser, own: Running) -> None:
    with watched(browser, own.url) as context:
        page = context.new_page()
        page.goto(f"{own.url}/workers")
        expect(page.get_by_text("taskyard agent daemon").first).to_be_visible()


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that no worker ever came to."""
    with running(tmp_path_factory.mktemp("empty")) as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    with make_site(root, tmp_path_factory.mktemp("agents")) as found:
        yield found


def test_what_an_agent_ran_is_on_the_time_line(browser: Browser, site: Site) -> None:
    agent = site.agent("--queue", "default")
    task = site.submit("print('done')\n", "default")
    site.ended(task)
    with watched(browser, site.url) as context:
        page = context.new_page()
        page.goto(f"{site.url}/workers?view=timeline&span=1h")
        expect(page.locator(".lane-name").first).to_have_text(agent.worker)
        bar = page.get_by_role("link", name="main.py, completed")
        expect(bar).to_be_visible()
        bar.click(force=True)
        expect(page.get_by_role("heading", name="main.py")).to_be_visible()


WAITS = """
import pathlib, time
while not pathlib.Path("{go}").exists():
    time.sleep(0.02)
"""


def test_an_agent_that_shares_out_its_gpus_shows_who_has_which(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    driver, go, queue = tmp_path / "driver", tmp_path / "go", site.new_queue()
    driver.mkdir()
    environment = nvml.install(driver)
    nvml.set_gpus(driver, [nvml.Gpu(usage=70), nvml.Gpu()])
    words = ("--dynamic-gpus", "--queue", f"{queue}=1")
    agent = site.agent(*words, environment=environment)
    tasks = [site.submit(WAITS.format(go=go), queue) for _ in range(2)]
    with watched(browser, site.url) as context:
        page = context.new_page()
        page.goto(f"{site.url}/workers/{agent.worker}")
        own = page.locator(".sheet .gpu-row")
        for number in range(2):
            expect(own.nth(number).get_by_role("link", name="main.py")).to_be_visible()
        for number in range(2):
            expect(row(page, f"{agent.worker}:gpu{number}")).to_be_visible()
        page.goto(f"{site.url}/workers/{agent.worker}:gpu1")
        expect(page.locator(".sheet .gpu-row")).to_have_count(1)
        expect(page.locator(".sheet .lane-name")).to_have_text([agent.worker, "gpu1"])
        go.touch()
        for task in tasks:
            assert site.ended(task)["status"] == "completed"
        expect(row(page, f"{agent.worker}:gpu1")).to_have_count(0)


def test_a_phone_shows_workers_and_gives_them_orders(
    browser: Browser, server: Running, dgx: str
) -> None:
    with watched(browser, server.url, width=390, height=844) as context:
        page = context.new_page()
        page.goto(f"{server.url}/workers")
        page.get_by_role("link", name=dgx, exact=True).click()
        TestOrders().give(page, "Pause", "on the way home")
        expect(page.locator(".sheet .notice")).to_contain_text("on the way home")
        for path in ("/workers", f"/workers/{dgx}", "/workers?view=timeline"):
            page.goto(server.url + path)
            expect(page.get_by_role("link", name=f"GPUs of {dgx}")).to_be_attached()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(
    browser: Browser, server: Running, dgx: str, running_on: Callable[..., str], dark: bool
) -> None:
    running_on("held", worker=f"{dgx}:gpu0", gpus=["GPU-0"])
    with watched(browser, server.url, dark=dark) as context:
        page = context.new_page()
        for path in ("/workers", f"/workers/{dgx}", "/workers?view=timeline&gpus=task"):
            page.goto(server.url + path)
            expect(gpus(page, dgx).first).to_be_visible()
            assert not barriers(page), path

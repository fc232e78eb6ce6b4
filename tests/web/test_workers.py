"""The page of workers: what they are, do and did, and what they are told."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.agent import Site
from tests.beds.agent import site as make_site
from tests.beds.server import Api, Running, running
from tests.web.conftest import barriers, watched


@pytest.fixture
def dgx(api: Api) -> str:
    """A worker with two GPUs, one of them busy, that serves two queues."""
    first, second = (
        api("queues.get_all", name=f"^{name}$")["queues"][0]["id"]
        for name in ("services", "default")
    )
    gpus = [{"id": f"GPU-{n}", "index": n, "name": "H100", "memory": 80_000} for n in range(2)]
    resources = {"host": "dgx-01", "cpus": 4, "memory": 512_000, "gpus": gpus}
    api("workers.register", worker="dgx-01:0", queues=[first, second], resources=resources)
    api(
        "workers.status_report",
        worker="dgx-01:0",
        timestamp=int(time.time() * 1000),
        queues=[first, second],
        machine_stats={
            "gpu_usage": [0, 95],
            "cpu_usage": [100, 100],
            "memory_used": 128_000,
            "memory_free": 384_000,
        },
    )
    return "dgx-01:0"


def test_a_worker_shows_its_load_and_its_gpus(page: Page, server: Running, dgx: str) -> None:
    page.goto(f"{server.url}/workers")
    row = page.get_by_role("grid", name="Workers").locator("tbody tr").filter(has_text=dgx)
    expect(row).to_contain_text("Idle")
    expect(row).to_contain_text("50 %")
    expect(row).to_contain_text("25 %")
    expect(page.get_by_role("button", name=f"GPU 1 of {dgx}")).to_have_class("gpu h5 ")


def test_a_worker_is_found_by_name_and_by_state(page: Page, server: Running, dgx: str) -> None:
    page.goto(f"{server.url}/workers?q=dgx")
    expect(page.get_by_role("link", name=dgx)).to_be_visible()
    page.goto(f"{server.url}/workers?status=lost")
    expect(page.get_by_text("No worker matches")).to_be_visible()


def test_its_queues_stand_in_the_order_it_serves_them(
    page: Page, server: Running, dgx: str
) -> None:
    page.goto(f"{server.url}/workers/{dgx}")
    sheet = page.get_by_role("dialog", name=dgx)
    expect(sheet.locator("dd").filter(has_text="services")).to_have_text("services, default")
    expect(sheet).to_contain_text("0: H100, 1: H100")


def test_it_is_paused_resumed_and_drained(page: Page, server: Running, api: Api, dgx: str) -> None:
    page.goto(f"{server.url}/workers/{dgx}")
    sheet = page.get_by_role("dialog", name=dgx)
    sheet.get_by_role("button", name="Pause").click()
    expect(sheet.locator(".pill")).to_have_text("Paused")
    sheet.get_by_role("button", name="Resume").click()
    expect(sheet.locator(".pill")).to_have_text("Idle")
    sheet.get_by_role("button", name="Drain").click()
    page.locator("dialog").get_by_role("button", name="Drain").click()
    expect(sheet.locator(".pill")).to_have_text("Draining")
    (worker,) = api("workers.get_all", worker_pattern=dgx)["workers"]
    assert worker["order"]["kind"] == "drain"


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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(browser: Browser, server: Running, dgx: str, dark: bool) -> None:
    with watched(browser, server.url, dark=dark) as context:
        page = context.new_page()
        for path in ("/workers", f"/workers/{dgx}", "/workers?view=timeline"):
            page.goto(server.url + path)
            expect(page.get_by_role("button", name=f"GPU 1 of {dgx}")).to_be_visible()
            assert not barriers(page), path

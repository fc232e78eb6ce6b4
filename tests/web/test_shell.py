"""What is around every page: navigation, palette, keys, colours, widths, and who may come in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import barriers, goto, live, watched

ROUTES = [
    "/",
    "/tasks",
    "/tasks/{task}",
    "/tasks/{task}/config",
    "/tasks/{task}/console",
    "/queues",
    "/queues/default",
    "/workers",
    "/compare?ids={task},{other}",
    "/settings",
    "/settings/keys",
    "/settings/users",
    "/settings/server",
    "/no/such/page",
]


@pytest.fixture(scope="module")
def tasks(server: Running) -> tuple[str, str]:
    """Two tasks that differ in a parameter; one of them waits."""
    api = Api(server)
    ids = []
    for lr in ("0.1", "0.2"):
        parameter = {"section": "Args", "name": "lr", "value": lr}
        body = {"type": "training", "hyperparams": {"Args": {"lr": parameter}}}
        ids.append(api("tasks.create", name=f"training at {lr}", **body)["id"])
    api("tasks.enqueue", task=ids[0], queue_name="default")
    api("workers.register", worker="quiet:gpu0", queues=[api("queues.get_default")["id"]])
    return ids[0], ids[1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_stands_in_the_way_of_people_with_disabilities(
    browser: Browser, server: Running, tasks: tuple[str, str], dark: bool
) -> None:
    troubles: dict[str, list[str]] = {}
    with watched(browser, server.url, dark=dark) as context:
        page = context.new_page()
        page.goto(server.url)
        for route in ROUTES:
            path = route.format(task=tasks[0], other=tasks[1])
            goto(page, path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            live(page)
            page.wait_for_function("() => !document.querySelector('.skeleton')")
            if found := barriers(page):
                troubles[route] = found
    assert troubles == {}


@pytest.mark.parametrize("width", [390, 1000, 1280])
def test_no_page_is_wider_than_its_window(
    browser: Browser, server: Running, tasks: tuple[str, str], width: int
) -> None:
    wide = []
    with watched(browser, server.url, width=width) as context:
        page = context.new_page()
        page.goto(server.url)
        for route in ROUTES:
            goto(page, route.format(task=tasks[0], other=tasks[1]))
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            page.wait_for_function("() => !document.querySelector('.skeleton')")
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(route)
    assert wide == []


def test_a_phone_has_the_navigation_behind_a_button(browser: Browser, server: Running) -> None:
    with watched(browser, server.url, width=390) as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.get_by_role("link", name="Queues")).to_be_hidden()
        page.get_by_role("button", name="Navigation").click()
        page.get_by_role("link", name="Queues").click()
        expect(page).to_have_url(f"{server.url}/queues")
        expect(page.get_by_role("link", name="Queues")).to_be_hidden()


def test_the_palette_finds_a_task_and_goes_there(
    page: Page, server: Running, tasks: tuple[str, str]
) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Search or jump to").wait_for()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    field.fill("training at 0.2")
    expect(page.get_by_role("option", name="training at 0.2")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}/tasks/{tasks[1]}")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_palette_does_things_too(page: Page, server: Running) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Search or jump to").click()
    page.get_by_role("combobox").fill("dark colours")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_keys_go_from_page_to_page_and_a_sheet_shows_them(page: Page, server: Running) -> None:
    page.goto(server.url)
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page).to_have_url(f"{server.url}/queues")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("Go to workers")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_table_is_walked_by_keys(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/settings/keys")
    expect(page.get_by_role("grid")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("grid")).to_be_focused()
    expect(page.get_by_role("grid")).to_have_attribute("aria-activedescendant", "keys-0")


def test_keys_can_be_switched_off(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_role("group", name="Keys").get_by_role("button", name="Off").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("group", name="Keys").get_by_role("button", name="On").click()


def test_colours_stay_as_chosen(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_role("button", name="Dark", exact=True).click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_address_of_no_page_offers_the_search(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/no/such/page")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("combobox")).to_be_focused()


def test_a_wrong_secret_is_refused_and_what_was_typed_stays(
    browser: Browser, server: Running
) -> None:
    port = server.url.rpartition(":")[2]
    lab = f"http://lab.example:{port}"
    with watched(browser, lab, silent=False) as context:
        page = context.new_page()
        page.goto(f"{lab}/queues")
        page.get_by_label("Access key or name").fill(server.access_key)
        page.get_by_label("Secret key or password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Secret key or password").fill(server.secret_key)
        page.keyboard.press("Enter")
        # The page that was asked for comes next, live, over plain http on a foreign name.
        expect(page.get_by_role("heading", name="Queues")).to_be_visible()
        live(page)


@contextlib.contextmanager
def signed_in(browser: Browser, server: Running, path: str) -> Iterator[tuple[Page, str]]:
    """A page under a name that is not this machine's, and the address of its server."""
    lab = f"http://lab.example:{server.url.rpartition(':')[2]}"
    with watched(browser, lab, silent=False) as context:
        page = context.new_page()
        page.goto(f"{lab}{path}")
        page.get_by_label("Access key or name").fill(server.access_key)
        page.get_by_label("Secret key or password").fill(server.secret_key)
        page.keyboard.press("Enter")
        yield page, lab


def test_commands_are_copied_over_plain_http_as_well(browser: Browser, server: Running) -> None:
    with signed_in(browser, server, "/settings/keys") as (page, lab):
        block = page.get_by_role("group", name="Connect a machine")
        expect(block).to_contain_text(f"taskyard init {lab}")
        assert not page.evaluate("isSecureContext")
        page.get_by_role("button", name="Copy").first.click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        page.get_by_label("What for").press("Control+v")
        expect(page.get_by_label("What for")).to_have_value(f"taskyard init {lab}")


def test_who_signs_out_is_asked_to_sign_in(browser: Browser, server: Running) -> None:
    with signed_in(browser, server, "/settings") as (page, _):
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

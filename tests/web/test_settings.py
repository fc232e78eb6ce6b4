"""Keys, users and one's own page, managed in the browser."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import watched


def test_a_key_pair_is_made_shown_once_and_works(page: Page, server: Running, api: Api) -> None:
    page.goto(f"{server.url}/settings/keys")
    page.get_by_label("What for").fill("agent on dgx-01")
    page.get_by_role("button", name="Make a key pair").click()
    access = page.get_by_role("group", name="Access key").inner_text()
    secret = page.get_by_role("group", name="Secret key").inner_text()
    user = api.as_user(access, secret)("users.get_current_user")["user"]
    assert user["name"] == "admin"
    row = page.get_by_role("row").filter(has_text="agent on dgx-01")
    expect(row).to_contain_text(access)
    page.get_by_role("button", name="I have them").click()
    expect(page.get_by_text(secret)).to_be_hidden()
    page.reload()
    expect(row).to_be_visible()
    expect(page.get_by_text(secret)).to_be_hidden()


def test_a_key_pair_is_revoked_after_a_question(page: Page, server: Running, api: Api) -> None:
    made = api("auth.create_credentials", label="to be revoked")["credentials"]["access_key"]
    page.goto(f"{server.url}/settings/keys")
    row = page.get_by_role("row").filter(has_text=made)
    row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog", name="Revoke to be revoked")
    expect(dialog).to_contain_text("refused from now on")
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_be_hidden()
    kept = [key["access_key"] for key in api("auth.get_credentials")["credentials"]]
    assert made not in kept


def test_somebody_renames_themselves(page: Page, server: Running, api: Api) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_label("Name").fill("maya")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("log", name="Messages")).to_contain_text("saved")
    assert api("users.get_current_user")["user"]["name"] == "maya"


def test_an_administrator_sees_how_the_server_is_set(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/settings/server")
    expect(page.get_by_text("token_lifetime")).to_be_visible()
    expect(page.get_by_text("30d 00h").first).to_be_visible()


def test_a_user_is_added_signs_in_and_may_do_less(
    browser: Browser, page: Page, server: Running
) -> None:
    page.goto(f"{server.url}/settings/users")
    page.get_by_role("button", name="Add a user").click()
    form = page.get_by_role("dialog", name="Add a user")
    form.get_by_label("Name", exact=True).fill("Lee")
    form.get_by_label("Signs in as").fill("lee")
    form.get_by_label("Password").fill("a long password")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row").filter(has_text="Lee")).to_be_visible()
    # With a password set, nobody is let in by being at the same machine any more.
    with watched(browser, server.url, silent=False) as context:
        other = context.new_page()
        other.goto(f"{server.url}/settings")
        other.get_by_label("Access key or name").fill("lee")
        other.get_by_label("Secret key or password").fill("a long password")
        other.keyboard.press("Enter")
        expect(other.get_by_label("Name")).to_have_value("Lee")
        expect(other.get_by_role("link", name="Users")).to_be_hidden()
        other.goto(f"{server.url}/settings/users")
        expect(other.get_by_text("Only administrators manage users")).to_be_visible()

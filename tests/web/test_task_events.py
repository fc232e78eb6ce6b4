"""What happened to a task, on its page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.beds.server import Api, Running
from tests.web.conftest import barriers


def test_the_page_of_a_task_tells_what_happened_when_by_whom_and_why(
    page: Page, server: Running, api: Api
) -> None:
    queue = api("queues.create", name="told")["id"]
    task = api("tasks.create", name="told of", type="training")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    page.goto(f"{server.url}/tasks/{task}")
    page.get_by_role("link", name="Events").click()
    rows = page.get_by_role("grid", name="Events").locator("tbody tr")
    expect(rows.first).to_contain_text("Waits in told")
    assert api("attempts.take", worker="told:gpu0", queues=[queue])["attempts"]
    expect(rows.first).to_contain_text("Started on told:gpu0")
    api("tasks.stop", task=task, status_reason="too slow")
    expect(rows.first).to_contain_text("Was asked to stop")
    expect(rows.first).to_contain_text("too slow")
    expect(rows.first).to_contain_text(api("users.get_current_user")["user"]["name"])
    assert not barriers(page)

"""The overview: what runs, waits and why, what is free, what failed and what happened."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from taskyard.server.store.tables import workers
from tests.beds.server import Api, Running

Start = Callable[[str], str]


@pytest.fixture
def start(api: Api) -> Start:
    """Puts a task on a worker, which begins to run it; gives its id."""

    def begin(name: str) -> str:
        worker, task = f"{name}:gpu0", api("tasks.create", name=name, type="training")["id"]
        queue = api("queues.create", name=f"queue of {name}")["id"]
        api("tasks.enqueue", task=task, queue=queue)
        api("workers.register", worker=worker, queues=[queue])
        assert api("attempts.take", worker=worker, queues=[queue])["attempts"]
        return str(task)

    return begin


def test_a_running_task_shows_where_and_a_waiting_one_why(
    page: Page, server: Running, api: Api, start: Start
) -> None:
    start("seen running")
    lonely = api("queues.create", name="nobody serves this")["id"]
    waiting = api("tasks.create", name="waits in vain", type="training")["id"]
    api("tasks.enqueue", task=waiting, queue=lonely)
    page.goto(server.url)
    rows = page.get_by_role("grid", name="Running and waiting tasks").get_by_role("row")
    expect(rows.filter(has_text="seen running")).to_contain_text("seen running:gpu0")
    expect(rows.filter(has_text="waits in vain")).to_contain_text("no worker serves the queue")
    expect(page.get_by_text("1 without a worker")).to_be_visible()


def test_a_task_whose_own_code_runs_is_no_longer_being_prepared(
    page: Page, server: Running, api: Api
) -> None:
    queue = api("queues.create", name="queue of steps")["id"]
    task = api("tasks.create", name="goes on", type="training")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    (taken,) = api("attempts.take", worker="steps:gpu0", queues=[queue])["attempts"]
    held = {"task": task, "attempt": taken["attempt"], "worker": "steps:gpu0"}

    def report(*phases: str) -> None:
        told = [{"name": name, "started": 1.0 + at} for at, name in enumerate(phases)]
        api("attempts.report", **held, phases=told)

    page.goto(server.url)
    row = page.get_by_role("row").filter(has_text="goes on").first
    report("source")
    expect(row).to_contain_text("Preparing")
    expect(row).to_contain_text("gets its code")
    report("source", "launch")
    expect(row).to_contain_text("Running")


def test_a_failed_task_shows_why_and_is_retried_with_a_way_back(
    page: Page, server: Running, api: Api, start: Start
) -> None:
    task = start("fails")
    api("tasks.failed", task=task, status_reason="out of memory", force=True)
    page.goto(server.url)
    entry = page.get_by_role("listitem").filter(has_text="out of memory").first
    entry.get_by_role("button", name="Retry").click()
    messages = page.get_by_role("log", name="Messages")
    expect(messages).to_contain_text("fails is queued again")
    assert api("tasks.get_by_id", task=task)["task"]["status"] == "queued"
    messages.get_by_role("button", name="Undo").click()
    rows = page.get_by_role("grid", name="Running and waiting tasks").get_by_role("row")
    expect(rows.filter(has_text="fails")).to_be_hidden()


def test_what_happens_is_told_as_it_happens(
    page: Page, server: Running, api: Api, start: Start
) -> None:
    page.goto(server.url)
    task = start("told of")
    feed = page.locator("section").filter(has=page.get_by_role("heading", name="Lately"))
    expect(feed).to_contain_text("told of started on told of:gpu0")
    api("tasks.completed", task=task, force=True)
    expect(feed).to_contain_text("told of completed")
    api("tasks.archive", tasks=[task])
    api("tasks.delete", task=task)
    expect(feed).to_contain_text("told of was deleted")


def test_only_my_tasks_are_shown_when_asked(page: Page, server: Running, api: Api) -> None:
    lee = api("auth.create_user", name="lee", email="lee@example.com", role="user")["id"]
    token = api("auth.get_token_for_user", user=lee)["token"]
    api.send(
        "POST",
        "/tasks.create",
        b'{"name": "of somebody else", "type": "training"}',
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    (task,) = api("tasks.get_all", name="of somebody else", only_fields=["id"])["tasks"]
    api("tasks.enqueue", task=task["id"], queue_name="default")
    page.goto(server.url)
    row = page.get_by_role("row").filter(has_text="of somebody else")
    expect(row).to_be_visible()
    page.get_by_role("group", name="Whose").get_by_role("button", name="Mine").click()
    expect(row).to_be_hidden()
    expect(page).to_have_url(f"{server.url}/?mine=1")


def test_a_queue_whose_only_worker_is_lost_is_not_open(
    page: Page, server: Running, api: Api
) -> None:
    queue = api("queues.create", name="left alone")["id"]
    api("workers.register", worker="silent:gpu0", queues=[queue])
    page.goto(server.url)
    row = page.get_by_role("grid", name="Queues").get_by_role("row").filter(has_text="left alone")
    expect(row).to_contain_text("Open")
    five_minutes_ago = time.time_ns() // 1_000 - 300_000_000
    heard = {"last_activity": five_minutes_ago}
    long_ago = update(workers).where(workers.c.id == "silent:gpu0").values(heard)
    server.await_(server.server.control.write(lambda tx: tx.execute(long_ago).rowcount))
    page.reload()
    expect(row).to_contain_text("Worker lost")

"""Why a task waits or has failed, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.making import new_queue, new_task, unique

# Explaining


def test_a_waiting_task_is_explained_by_what_it_waits_for(api: Api) -> None:
    queue = new_queue(api)
    first, second = new_task(api), new_task(api)
    for task in (first, second):
        api("tasks.enqueue", task=task, queue=queue)
    assert api("tasks.explain", task=second)["reason"]["code"] == "no worker"
    api("workers.register", worker=unique("worker"), queues=[queue])
    found = api("tasks.explain", task=second)
    assert (found["reason"]["code"], found["position"]) == ("not first", 2)
    assert api("tasks.explain", task=first)["reason"]["code"] == "next"
    api("queues.pause", queue=queue, reason="upgrade")
    found = api("tasks.explain", task=first)
    assert found["reason"]["code"] == "queue paused"
    assert "upgrade" in found["reason"]["text"]


def test_a_draft_is_explained_as_one(api: Api) -> None:
    found = api("tasks.explain", task=new_task(api))
    assert (found["state"], found["reason"]["code"]) == ("draft", "draft")


def test_several_tasks_are_explained_in_one_call(api: Api) -> None:
    queue = new_queue(api)
    first, second, draft = new_task(api), new_task(api), new_task(api)
    for task in (first, second):
        api("tasks.enqueue", task=task, queue=queue)
    asked = [draft, second, "0" * 32, first]
    found = api("tasks.explain_many", ids=asked)["explanations"]
    assert [e["task"] for e in found] == [draft, second, first]
    assert [e.get("position") for e in found] == [None, 2, 1]
    assert found[1]["length"] == 2
    assert api("tasks.explain", task=second) == found[1]


def test_a_run_that_is_being_prepared_is_told_apart_from_one_that_runs(api: Api) -> None:
    queue, task = new_queue(api), new_task(api)
    api("tasks.enqueue", task=task, queue=queue)
    api("attempts.take", worker="w", queues=[queue])

    def reported(phase: str) -> dict[str, Any]:
        step = {"name": phase, "started": 1_790_000_000.5}
        api("attempts.report", task=task, attempt=1, worker="w", phase=phase, phases=[step])
        (found,) = api("tasks.explain_many", ids=[task])["explanations"]
        return dict(found)

    preparing = reported("environment")
    assert preparing["state"] == "preparing"
    assert preparing["reason"]["text"] == "it makes its environment ready on w"
    assert (preparing["attempt"], preparing["phase_started"]) == (1, 1_790_000_000.5)
    assert reported("launch")["state"] == "running"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("exit code 1: RuntimeError: CUDA out of memory. Tried to allocate 20 MiB", "batch"),
        ("exit code 1: ModuleNotFoundError: No module named 'torch'", "--packages"),
        ("exit code 1: FileNotFoundError: [Errno 2] 'data.csv'", "path"),
        ("exit code 1: ValueError: 3", "console"),
    ],
)
def test_what_ended_user_code_is_explained_with_what_to_do(api: Api, said: str, word: str) -> None:
    task = new_task(api)
    api("tasks.started", task=task)
    api("tasks.failed", task=task, status_reason="user code", status_message=said)
    assert word in api("tasks.explain", task=task)["hint"]

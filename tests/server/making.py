"""What the tests of the server make, and how they say what must be refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api

Document = dict[str, Any]


def unique(word: str) -> str:
    return f"{word} {uuid.uuid4().hex[:12]}"


def new_task(api: Api, **fields: Any) -> str:
    """A draft, with the odd extra section that some clients send."""
    wanted = {"name": unique("task"), "type": "testing", "input": {"view": {}}, **fields}
    id: str = api("tasks.create", **wanted)["id"]
    return id


def new_project(api: Api, name: str = "", **fields: Any) -> str:
    id: str = api("projects.create", name=name or unique("project"), **fields)["id"]
    return id


def new_queue(api: Api) -> str:
    id: str = api("queues.create", name=unique("queue"))["id"]
    return id


def new_model(api: Api, **fields: Any) -> str:
    wanted = {"name": unique("model"), "uri": "file:///model.bin", **fields}
    id: str = api("models.create", **wanted)["id"]
    return id


def task_of(api: Api, id: str) -> Document:
    found: Document = api("tasks.get_by_id", task=id)["task"]
    return found


def run(api: Api, task: str, *moves: str, force: bool = False) -> str:
    """Send a task through its life: ``run(api, task, "started", "completed")``."""
    for move in moves:
        api(f"tasks.{move}", task=task, force=force)
    return task


def ids(answer: Document, of: str = "tasks") -> list[str]:
    return [item["id"] for item in answer[of]]


def names(answer: Document, of: str = "projects") -> list[str]:
    return [item["name"] for item in answer[of]]


def refused(kind: tuple[int, int], api: Api, action: str, /, **body: Any) -> ApiError:
    """The refusal of a call, which must have this code and sub-code."""
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    assert caught.value.kind == kind
    return caught.value

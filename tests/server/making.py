"""What the tests of the server make."""

from __future__ import annotations

import uuid
from typing import Any

from tests.beds.server import Api
from tests.server.asking import Document


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


def queued(api: Api, queue: str = "", **fields: Any) -> str:
    """A task that waits in this queue, or in a new one."""
    task = new_task(api, **fields)
    api("tasks.enqueue", task=task, queue=queue or new_queue(api))
    return task


def filled(api: Api, number: int) -> tuple[str, list[str]]:
    """A queue with that many tasks in it."""
    queue = new_queue(api)
    return queue, [queued(api, queue) for _ in range(number)]


def new_model(api: Api, **fields: Any) -> str:
    wanted = {"name": unique("model"), "uri": "file:///model.bin", **fields}
    id: str = api("models.create", **wanted)["id"]
    return id


def made_by(api: Api, *moves: str, **fields: Any) -> tuple[str, str]:
    """A draft model and the task that made it, after these moves."""
    task = new_task(api)
    model = new_model(api, task=task, ready=False, **fields)
    api("tasks.add_or_update_model", task=task, model=model, name="out", type="output")
    return model, run(api, task, *moves)


def run(api: Api, task: str, *moves: str, force: bool = False) -> str:
    """Send a task through its life: ``run(api, task, "started", "completed")``."""
    for move in moves:
        api(f"tasks.{move}", task=task, force=force)
    return task


def some(api: Api, project: str, **by_name: Document) -> dict[str, str]:
    """Tasks of these names and fields; gives ids by name."""
    return {
        name: new_task(api, name=name, project=project, **fields)
        for name, fields in by_name.items()
    }

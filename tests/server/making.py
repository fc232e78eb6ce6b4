"""What the tests of the server make, and how they say what must be refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api

Document = dict[str, Any]
UNKNOWN = "f" * 32
"""An id that nothing has."""


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


def task_of(api: Api, id: str) -> Document:
    found: Document = api("tasks.get_by_id", task=id)["task"]
    return found


def queue_of(api: Api, id: str) -> Document:
    found: Document = api("queues.get_by_id", queue=id)["queue"]
    return found


def model_of(api: Api, id: str) -> Document:
    found: Document = api("models.get_by_id", model=id)["model"]
    return found


def project_of(api: Api, id: str) -> Document:
    found: Document = api("projects.get_by_id", project=id)["project"]
    return found


def listed_project(api: Api, id: str, **query: Any) -> Document:
    """A project as lists show it, with the statistics that the query asks for."""
    (found,) = api("projects.get_all_ex", id=[id], **query)["projects"]
    return dict(found)


def waiting(api: Api, queue: str) -> list[str]:
    """The tasks in a queue, in order."""
    return [entry["task"] for entry in queue_of(api, queue)["entries"]]


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


def found_names(api: Api, project: str, **query: Any) -> list[str]:
    """The names of the tasks that a query finds in the project, in its order."""
    return names(api("tasks.get_all_ex", project=[project], **query), of="tasks")


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

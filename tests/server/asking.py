"""What the tests of the server ask it for, and how they say what must be refused."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api

Document = dict[str, Any]
UNKNOWN = "f" * 32
"""An id that nothing has."""


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

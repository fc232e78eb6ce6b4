"""Calls from many at once: one of them does it, the others see that it was done."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.domain.company import COMPANY
from tests.beds.server import Api
from tests.server.asking import Document, ids, task_of
from tests.server.making import new_model, new_project, new_queue, new_task, unique

CALLERS = 8
pytestmark = pytest.mark.parametrize("again", range(3))


def at_once(api: Api, call: Callable[[int], tuple[str, Document]]) -> Counter[Any]:
    """How often each outcome came: 200, or an error's code and sub-code."""
    together = threading.Barrier(CALLERS)

    def make(number: int) -> Any:
        action, body = call(number)
        caller = Api(api.running)
        together.wait(30)
        try:
            caller(action, **body)
        except ApiError as error:
            return error.kind
        return 200

    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(make, range(CALLERS)))


def test_a_queue_that_many_name_is_made_once(api: Api, again: int) -> None:
    name, tasks = unique("queue"), [new_task(api) for _ in range(CALLERS)]
    done = at_once(api, lambda i: ("tasks.enqueue", {"task": tasks[i], "queue_name": name}))
    assert done == {200: CALLERS}
    (queue,) = api("queues.get_all", name=f"^{name}$")["queues"]
    assert {entry["task"] for entry in queue["entries"]} == set(tasks)


def test_a_new_worker_may_register_from_many_places(api: Api, again: int) -> None:
    worker = unique("worker")
    assert at_once(api, lambda _: ("workers.register", {"worker": worker})) == {200: CALLERS}
    assert ids(api("workers.get_all", worker_pattern=worker), "workers") == [worker]


def test_a_new_worker_may_report_from_many_places(api: Api, again: int) -> None:
    report = {"worker": unique("worker"), "timestamp": int(time.time() * 1000)}
    assert at_once(api, lambda _: ("workers.status_report", report)) == {200: CALLERS}


def test_a_worker_may_come_and_go_at_once(api: Api, again: int) -> None:
    report = {"worker": unique("worker"), "timestamp": int(time.time() * 1000)}
    note = {"worker": report["worker"], "runtime_properties": [{"key": "k", "value": "v"}]}
    calls: list[tuple[str, Document]] = [
        ("workers.register", {"worker": report["worker"]}),
        ("workers.unregister", {"worker": report["worker"]}),
        ("workers.status_report", report),
        ("workers.set_runtime_properties", note),
    ]
    assert at_once(api, lambda i: calls[i % 4]) == {200: CALLERS}


def test_a_queue_is_deleted_by_one(api: Api, again: int) -> None:
    queue = new_queue(api)
    done = at_once(api, lambda _: ("queues.delete", {"queue": queue}))
    assert done == {200: 1, (400, 701): CALLERS - 1}


def test_a_queue_that_goes_leaves_no_call_without_an_answer(api: Api, again: int) -> None:
    queue, tasks = new_queue(api), [new_task(api) for _ in range(CALLERS)]

    def call(number: int) -> tuple[str, Document]:
        if number == 0:
            return "queues.delete", {"queue": queue, "force": True}
        return "tasks.enqueue", {"task": tasks[number], "queue": queue}

    assert set(at_once(api, call)) <= {200, (400, 701)}
    queued = api("tasks.get_all", id=tasks, status=["queued"], only_fields=["id"])
    assert ids(queued) == []


def test_an_address_belongs_to_one_user(api: Api, again: int) -> None:
    user = {"name": unique("user"), "email": f"{unique('user')}@example.com", "company": COMPANY}
    done = at_once(api, lambda _: ("auth.create_user", user))
    assert done == {200: 1, (400, 15): CALLERS - 1}


def test_a_project_that_goes_keeps_no_task(api: Api, again: int) -> None:
    project = new_project(api)
    gone = {"project": project, "force": True, "delete_contents": True}
    new = {"name": "late", "type": "testing", "project": project}
    done = at_once(api, lambda i: ("projects.delete", gone) if i == 0 else ("tasks.create", new))
    assert set(done) <= {200, (400, 401)}
    assert ids(api("tasks.get_all", project=[project])) == []


def test_projects_that_move_into_each_other_form_a_tree(api: Api, again: int) -> None:
    names = [unique("project") for _ in range(CALLERS)]
    projects = [new_project(api, name) for name in names]
    at_once(
        api, lambda i: ("projects.move", {"project": projects[i], "new_location": names[i - 1]})
    )
    found = api("projects.get_all", name="|".join(names))["projects"]
    by_id = {project["id"]: project["name"] for project in found}
    for project in found:
        above = [by_id[id] for id in project["path"]]
        levels = project["name"].split("/")
        assert above == ["/".join(levels[:depth]) for depth in range(1, len(levels))]


def test_a_model_that_goes_is_the_input_of_no_task(api: Api, again: int) -> None:
    model, tasks = new_model(api), [new_task(api) for _ in range(CALLERS)]

    def call(number: int) -> tuple[str, Document]:
        if number == 0:
            return "models.delete", {"model": model}
        use = {"task": tasks[number], "model": model, "name": "base", "type": "input"}
        return "tasks.add_or_update_model", use

    at_once(api, call)
    there = ids(api("models.get_all", id=[model]), "models")
    used = {item["model"] for task in tasks for item in task_of(api, task)["models"]["input"]}
    assert used <= set(there)


def test_tasks_named_in_any_order_are_all_handled(api: Api, again: int) -> None:
    tasks, queue = [new_task(api) for _ in range(12)], new_queue(api)

    def call(number: int) -> tuple[str, Document]:
        action = ("archive_many", "enqueue_many", "reset_many", "stop_many")[number % 4]
        body: Document = {"ids": random.sample(tasks, len(tasks))}
        return f"tasks.{action}", {**body, "queue": queue} if action == "enqueue_many" else body

    assert at_once(api, call) == {200: CALLERS}


def test_models_named_in_any_order_are_all_handled(api: Api, again: int) -> None:
    models, project = [new_model(api) for _ in range(12)], unique("project")

    def call(number: int) -> tuple[str, Document]:
        action = ("archive_many", "unarchive_many", "move", "publish_many")[number % 4]
        body: Document = {"ids": random.sample(models, len(models))}
        return f"models.{action}", {**body, "project_name": project} if action == "move" else body

    assert at_once(api, call) == {200: CALLERS}


def test_images_of_many_tasks_come_in_any_order(api: Api, again: int) -> None:
    tasks = [new_task(api) for _ in range(8)]
    image = {"type": "training_debug_image", "metric": "m", "variant": "v", "url": "http://host/a"}

    def send(number: int) -> int:
        shuffled = random.sample(tasks, len(tasks))
        events = [{**image, "task": t, "iter": (number + i) % 3} for t in shuffled for i in (0, 1)]
        answer: int = Api(api.running).batch("events.add_batch", events)["added"]
        return answer

    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(send, range(CALLERS))) == [2 * len(tasks)] * CALLERS

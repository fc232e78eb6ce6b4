"""Moves of many tasks in one call: each by itself, and what is answered for each."""

from __future__ import annotations

from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, task_of, waiting
from tests.server.making import new_model, new_queue, new_task, queued, run


def outcome(answer: Document) -> tuple[list[str], list[tuple[str, list[int]]]]:
    done = [item["id"] for item in answer["succeeded"]]
    return done, [(item["id"], item["error"]["codes"]) for item in answer["failed"]]


def test_many_are_enqueued_and_dequeued(api: Api) -> None:
    queue = new_queue(api)
    tasks = [new_task(api), new_task(api)]
    answer = api("tasks.enqueue_many", ids=[*tasks, UNKNOWN], queue=queue)
    assert outcome(answer) == (tasks, [(UNKNOWN, [400, 101])])
    assert waiting(api, queue) == tasks
    for item in answer["succeeded"]:
        assert (item["queued"], item["updated"]) == (True, 1)
        assert item["fields"]["status"] == "queued"
    answer = api("tasks.dequeue_many", ids=tasks)
    assert outcome(answer) == (tasks, [])
    assert all(item["dequeued"] is True for item in answer["succeeded"])
    assert waiting(api, queue) == []


def test_many_are_checked_before_they_are_enqueued(api: Api) -> None:
    queue, gone = new_queue(api), new_model(api)
    whole = new_task(api)
    broken = new_task(api, models={"input": [{"name": "base", "model": gone}]})
    api("models.delete", model=gone, force=True)
    tasks = [whole, broken]
    answer = api("tasks.enqueue_many", ids=tasks, queue=queue, validate_tasks=True)
    assert outcome(answer) == ([whole], [(broken, [400, 201])])
    assert waiting(api, queue) == [whole]
    assert outcome(api("tasks.enqueue_many", ids=[broken], queue=queue)) == ([broken], [])


def test_many_are_stopped(api: Api) -> None:
    running, draft = run(api, new_task(api), "started"), new_task(api)
    answer = api("tasks.stop_many", ids=[running, draft, UNKNOWN], status_message="m")
    assert outcome(answer) == ([running], [(draft, [400, 110]), (UNKNOWN, [400, 101])])
    assert answer["succeeded"][0]["fields"]["status"] == "stopped"


def test_many_are_published(api: Api) -> None:
    done, draft = run(api, new_task(api), "started", "completed"), new_task(api)
    answer = api("tasks.publish_many", ids=[done, draft], publish_model=False)
    assert outcome(answer) == ([done], [(draft, [400, 110])])
    assert answer["succeeded"][0]["fields"]["status"] == "published"
    assert outcome(api("tasks.publish_many", ids=[draft], force=True)) == ([draft], [])


def test_many_are_reset(api: Api) -> None:
    waiting, published = queued(api), run(api, new_task(api), "publish", force=True)
    answer = api("tasks.reset_many", ids=[waiting, published, UNKNOWN], return_file_urls=True)
    assert outcome(answer) == ([waiting], [(published, [400, 110]), (UNKNOWN, [400, 101])])
    item = answer["succeeded"][0]
    assert (item["dequeued"], item["deleted_models"], item["updated"]) == (True, 0, 1)
    assert set(item["urls"]) == {"model_urls", "event_urls", "artifact_urls"}


def test_many_are_deleted(api: Api) -> None:
    draft, stopped = new_task(api), run(api, new_task(api), "started", "stopped")
    answer = api("tasks.delete_many", ids=[draft, stopped, UNKNOWN])
    assert outcome(answer) == ([draft], [(stopped, [400, 123]), (UNKNOWN, [400, 101])])
    item = answer["succeeded"][0]
    assert item["deleted"] is True
    assert (item["updated_children"], item["updated_models"], item["deleted_models"]) == (0, 0, 0)
    assert outcome(api("tasks.delete_many", ids=[stopped], force=True)) == ([stopped], [])


def test_many_are_archived_and_brought_back(api: Api) -> None:
    tasks = [new_task(api), queued(api)]
    answer = api("tasks.archive_many", ids=[*tasks, UNKNOWN])
    assert outcome(answer) == (tasks, [(UNKNOWN, [400, 101])])
    assert all(item["archived"] is True for item in answer["succeeded"])
    assert [task_of(api, task)["status"] for task in tasks] == ["created", "created"]
    answer = api("tasks.unarchive_many", ids=[*tasks, UNKNOWN])
    assert outcome(answer) == (tasks, [(UNKNOWN, [400, 101])])
    assert all(item["unarchived"] is True for item in answer["succeeded"])


def test_what_is_named_twice_is_done_once(api: Api) -> None:
    task = new_task(api)
    assert outcome(api("tasks.delete_many", ids=[task, task])) == ([task], [])


def test_the_error_of_one_of_many_has_words_and_data(api: Api) -> None:
    (failed,) = api("tasks.publish_many", ids=[UNKNOWN])["failed"]
    assert failed["error"]["msg"]
    assert isinstance(failed["error"]["data"], dict)

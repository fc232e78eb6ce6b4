"""The journal of tasks: who did what with them, when and why."""

from __future__ import annotations

from typing import Any

from taskyard.api.errors import INVALID_TASK_ID
from taskyard.server.store.tasks import journal
from tests.beds.server import Api, Running
from tests.server.asking import UNKNOWN, queue_of, refused
from tests.server.leasing import ANY
from tests.server.making import new_queue, new_task, queued, run, unique


def lines(api: Api, task: str, **query: Any) -> list[dict[str, Any]]:
    """What the journal says of a task, the first thing first."""
    found: list[dict[str, Any]] = api("tasks.get_journal", task=task, **query)["lines"]
    return found[::-1]


def words(api: Api, task: str) -> list[str]:
    return [line["what"] for line in lines(api, task)]


def test_a_run_is_told_from_its_making_to_its_end(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    (taken,) = api("attempts.take", worker="journal:0", queues=[queue])["attempts"]
    api("attempts.finish", task=task, attempt=taken["attempt"], outcome="completed")
    found = lines(api, task)
    user = api("users.get_current_user")["user"]["name"]
    assert [line["what"] for line in found] == ["created", "queued", "running", "completed"]
    assert {line["by"]["name"] for line in found} == {user}
    assert [line.get("worker") for line in found] == [None, None, "journal:0", "journal:0"]
    assert {line.get("queue") for line in found[1:]} == {queue_of(api, queue)["name"]}


def test_a_run_that_failed_and_begins_again_is_told_with_its_cause(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue, retry=ANY)
    (taken,) = api("attempts.take", worker="journal:1", queues=[queue])["attempts"]
    ending = {"outcome": "failed", "cause": "worker lost", "message": "the power went"}
    api("attempts.finish", task=task, attempt=taken["attempt"], **ending)
    last = lines(api, task)[-1]
    assert last["what"] == "queued"
    assert "worker lost" in last["reason"]
    assert "the power went" in last["message"]


def test_asking_a_run_to_stop_is_told_with_who_asked(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    assert api("attempts.take", worker="journal:2", queues=[queue])["attempts"]
    api("tasks.stop", task=task, status_reason="too slow")
    last = lines(api, task)[-1]
    assert (last["what"], last["reason"]) == ("stopping", "too slow")
    assert last["by"]["name"]


def test_an_edit_is_told_by_its_fields_and_not_their_values(api: Api) -> None:
    task = new_task(api)
    secret = {"section": "Args", "name": "password", "value": "hunter2"}
    api("tasks.edit_hyper_params", task=task, hyperparams=[secret])
    api("tasks.update", task=task, name=unique("renamed"), comment="hunter2")
    assert [line["message"] for line in lines(api, task)[1:]] == ["parameters", "description, name"]
    assert "hunter2" not in str(lines(api, task))


def test_what_code_says_of_itself_while_it_runs_is_not_told(api: Api) -> None:
    task = run(api, new_task(api), "started")
    api("tasks.update", task=task, comment="by its own code")
    assert words(api, task) == ["created", "running"]


def test_a_clone_says_of_what(api: Api) -> None:
    task = new_task(api)
    clone = api("tasks.clone", task=task, new_task_name="a clone")["id"]
    assert task in lines(api, clone)[0]["reason"]


def test_a_deleted_task_is_told_of_by_its_name_among_all(api: Api) -> None:
    name = unique("soon gone")
    task = new_task(api, name=name)
    api("tasks.archive", tasks=[task])
    api("tasks.delete", task=task)
    newest = api("tasks.get_journal", size=3)["lines"]
    assert [line["what"] for line in newest] == ["deleted", "archived", "created"]
    assert newest[0]["message"] == name
    assert newest[0]["task"] == {"id": task}


def test_the_journal_is_read_in_both_directions(api: Api) -> None:
    task = run(api, new_task(api), "started", "completed")
    ids = [line["id"] for line in lines(api, task)]
    assert [line["id"] for line in lines(api, task, before=ids[2])] == ids[:2]
    assert [line["id"] for line in lines(api, task, after=ids[0], size=1)] == [ids[1]]


def test_a_task_that_nobody_knows_has_no_journal(api: Api) -> None:
    refused(INVALID_TASK_ID[:2], api, "tasks.get_journal", task=UNKNOWN)


def test_old_lines_are_forgotten(server: Running, api: Api) -> None:
    task = new_task(api)
    control = server.server.control
    server.await_(control.write(lambda tx: journal.forget(tx, tx.now + 1)))
    assert lines(api, task) == []

"""``taskyard move``: where waiting tasks come to stand."""

from __future__ import annotations

import pytest

from tests.beds.agent import Site


@pytest.fixture
def line(shared_site: Site) -> tuple[str, list[str]]:
    """A queue nobody serves, by name, and the four tasks that wait there."""
    queue = shared_site.new_queue()
    tasks = []
    for name in "abcd":
        task = shared_site.api("tasks.create", name=f"task {name}", type="training")["id"]
        shared_site.api("tasks.enqueue", task=task, queue_name=queue)
        tasks.append(task)
    return queue, tasks


def order(site: Site, queue: str) -> str:
    (found,) = site.api("queues.get_all_ex", name=f"^{queue}$")["queues"]
    return "".join(entry["task"]["name"][-1] for entry in found["entries"])


@pytest.mark.parametrize(
    ("names", "words", "after"),
    [
        ("cd", ["--top"], "cdab"),
        ("ab", ["--bottom"], "cdab"),
        ("ad", ["--to", "2"], "badc"),
        ("d", ["--to", "1"], "dabc"),
        ("a", ["--to", "99"], "bcda"),
        ("d", ["--up", "2"], "adbc"),
        ("a", ["--down", "1"], "bacd"),
    ],
)
def test_tasks_come_together_in_the_order_in_which_they_are_named(
    shared_site: Site, line: tuple[str, list[str]], names: str, words: list[str], after: str
) -> None:
    queue, tasks = line
    named = [tasks["abcd".index(name)] for name in names]
    said = shared_site.printed("move", *named, *words).splitlines()
    assert order(shared_site, queue) == after
    assert said[-1].split() == [named[-1], "position", str(after.index(names[-1]) + 1)]


def test_tasks_come_before_another_one(shared_site: Site, line: tuple[str, list[str]]) -> None:
    queue, (_, b, c, d) = line
    shared_site.printed("move", d, c, "--before", b)
    assert order(shared_site, queue) == "adcb"


def test_a_task_of_another_queue_is_no_place(
    shared_site: Site, line: tuple[str, list[str]]
) -> None:
    _, tasks = line
    other = shared_site.api("tasks.create", name="elsewhere", type="training")["id"]
    done = shared_site.taskyard("move", tasks[0], "--before", other)
    assert done.returncode == 5
    assert "does not wait in the same queue" in done.stderr

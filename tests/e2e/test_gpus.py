"""Agents with GPUs: who gets which, side by side, and what happens when one is gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.beds import nvml
from tests.beds.agent import Site
from tests.beds.waiting import until

HOLDS = """
import os, pathlib, sys, time
held = [pathlib.Path("{held}") / card for card in os.environ["CUDA_VISIBLE_DEVICES"].split(",")]
for place in held:
    os.close(os.open(place, os.O_CREAT | os.O_EXCL))
print("cards", len(held), flush=True)
while not pathlib.Path("{held}/go").exists():
    time.sleep(0.02)
for place in held:
    place.unlink()
"""
"""Fails when somebody else has one of its GPUs."""

WAITS = """
import os, pathlib, time
print("sees", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
while not pathlib.Path("{go}").exists():
    time.sleep(0.02)
"""


class Driver:
    """The GPUs of a test's own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.environment: Mapping[str, str] = nvml.install(folder)

    def has(self, *gpus: nvml.Gpu) -> None:
        nvml.set_gpus(self.folder, gpus)


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path / "driver")


def enqueued_copies(site: Site, task: str, queue: str, number: int) -> list[str]:
    copies = [site.api("tasks.clone", task=task)["id"] for _ in range(number)]
    for copy in copies:
        site.api("tasks.enqueue", task=copy, queue_name=queue)
    return copies


def draft(site: Site, code: str) -> str:
    script = {"diff": code, "entry_point": "main.py", "binary": "python"}
    task = site.api("tasks.create", name="holds GPUs", type="training", script=script)
    return str(task["id"])


def taken(site: Site, task: str) -> str:
    return str(site.attempts(task)[0]["taken"])


def workers(site: Site, base: str) -> dict[str, dict[str, Any]]:
    """The workers that are part of an agent, by what comes after its name."""
    found = site.api("workers.get_all", worker_pattern=f"{base}:*")["workers"]
    return {w["id"].removeprefix(f"{base}:"): w for w in found}


def test_tasks_of_several_queues_share_eight_gpus(
    site: Site, driver: Driver, tmp_path: Path
) -> None:
    driver.has(*[nvml.Gpu()] * 8)
    small, quad, dual = (site.new_queue() for _ in range(3))
    task = draft(site, HOLDS.format(held=tmp_path))
    smalls = enqueued_copies(site, task, small, 30)
    (big,) = enqueued_copies(site, task, quad, 1)
    others = enqueued_copies(site, task, dual, 9)
    needs = (f"{small}=1", f"{quad}=4", f"{dual}=1-2")
    site.agent("--dynamic-gpus", "--queue", *needs, environment=driver.environment)
    until(lambda: len(list(tmp_path.glob("GPU-*"))) == 8, "all GPUs to be in use")
    (tmp_path / "go").touch()
    for one in (*smalls, big, *others):
        found = site.ended(one, seconds=120)
        assert found["status"] == "completed", (found["status_message"], site.console(one))
    # Five fill the machine so far that the big one does not fit, eight more may go past it.
    before = [one for one in smalls if taken(site, one) < taken(site, big)]
    assert len(before) <= 5 + 8
    assert "cards 4" in site.console(big)


def test_shares_of_a_card_are_given_by_count(site: Site, driver: Driver, tmp_path: Path) -> None:
    driver.has(nvml.Gpu())
    half, go = site.new_queue(), tmp_path / "go"
    tasks = enqueued_copies(site, draft(site, WAITS.format(go=go)), half, 3)
    agent = site.agent("--dynamic-gpus", "--queue", f"{half}=0.5", environment=driver.environment)
    for task in tasks[:2]:
        site.printed_by(task, "sees GPU-")
    names = {f"gpu0:{task[:8]}" for task in tasks[:2]}
    until(lambda: workers(site, agent.worker).keys() == names, "both to be shown")
    assert site.status(tasks[2]) == "queued"
    go.touch()
    assert {site.ended(task)["status"] for task in tasks} == {"completed"}


def test_a_run_keeps_its_gpus_when_its_agent_is_killed(
    site: Site, driver: Driver, tmp_path: Path
) -> None:
    driver.has(*[nvml.Gpu(usage=30)] * 2)
    dual, single, go = site.new_queue(), site.new_queue(), tmp_path / "go"
    task = draft(site, WAITS.format(go=go))
    (big,) = enqueued_copies(site, task, dual, 1)
    words = ("--dynamic-gpus", "--gpus", "0-1", "--queue", f"{dual}=2", f"{single}=1")
    agent = site.agent(*words, environment=driver.environment)
    site.printed_by(big, "sees GPU-")
    agent.kill()
    (small,) = enqueued_copies(site, task, single, 1)
    site.agent(*words, worker=agent.worker, environment=driver.environment)
    shown = until(lambda: workers(site, agent.worker), "the run to be shown")
    assert shown.keys() == {"gpu0,1"}
    assert shown["gpu0,1"]["task"]["id"] == big
    assert site.status(small) == "queued"
    go.touch()
    assert site.ended(small)["status"] == "completed"
    (attempt,) = site.attempts(big)
    assert attempt["place"]["worker"] == f"{agent.worker}:gpu0,1"
    assert len(attempt["place"]["gpus"]) == 2
    until(lambda: not workers(site, agent.worker), "both workers to be taken leave of")


def test_a_gpu_that_is_not_there_is_refused_with_what_is(
    site: Site, driver: Driver, queue: str
) -> None:
    driver.has(nvml.Gpu())
    words = ("agent", "daemon", "--queue", queue, "--gpus", "99")
    done = site.taskyard(*words, environment=driver.environment)
    assert done.returncode == 1
    assert "this machine has no GPU 99" in done.stderr
    assert "It has 0 (Accelerator, GPU-" in done.stderr


def test_two_agents_do_not_get_the_same_gpu(site: Site, driver: Driver, queue: str) -> None:
    driver.has(*[nvml.Gpu()] * 3)
    site.agent("--queue", queue, "--gpus", "0,1", environment=driver.environment)
    words = ("agent", "daemon", "--queue", queue, "--gpus", "1,2")
    done = site.taskyard(*words, environment=driver.environment)
    assert done.returncode == 1
    assert "GPU 1" in done.stderr
    assert "belongs to another agent" in done.stderr


def test_an_agent_whose_gpu_is_gone_takes_nothing_until_it_is_back(
    site: Site, driver: Driver, queue: str
) -> None:
    driver.has(nvml.Gpu(), nvml.Gpu())
    agent = site.agent("--queue", queue, "--gpus", "0,1", environment=driver.environment)
    driver.has(nvml.Gpu(), nvml.Gpu(lost=True))
    until(lambda: "GPU 1" in agent_of(site, agent.worker).get("unfit", ""), "the loss to be seen")
    (task,) = enqueued_copies(site, draft(site, "print('hello')"), queue, 1)
    until(
        # It may have been asked for work before the loss: then it gives the task back.
        lambda: "does not answer any more" in site.printed("explain", task),
        "the task to wait for another worker",
    )
    driver.has(nvml.Gpu(), nvml.Gpu())
    assert site.ended(task)["status"] == "completed"
    until(lambda: "unfit" not in agent_of(site, agent.worker), "the agent to say that it is fit")


def agent_of(site: Site, worker: str) -> dict[str, Any]:
    (found,) = site.api("workers.get_all", worker_pattern=worker)["workers"]
    return dict(found)


def test_an_agent_says_what_its_machine_has(site: Site, driver: Driver) -> None:
    driver.has(nvml.Gpu(memory=4096), nvml.Gpu(memory=8192), nvml.Gpu(memory=16384))
    words = ("--gpus", "1,2", "--queue", site.new_queue())
    agent = site.agent(*words, environment=driver.environment)
    (found,) = site.api("workers.get_all", worker_pattern=agent.worker)["workers"]
    resources = found["resources"]
    assert resources["cpus"] > 0
    assert [(gpu["index"], gpu["memory"]) for gpu in resources["gpus"]] == [(1, 8192), (2, 16384)]

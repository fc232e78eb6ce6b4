"""Agents that are killed again and again, while they take tasks from one queue side by side.

``make soak`` runs it with many more tasks.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from tests.beds.agent import Agent, Site
from tests.beds.waiting import until

TASKS = int(os.environ.get("TASKYARD_SOAK_TASKS", "20"))
AGENTS = 2
AT_ONCE = 3
SECONDS_EACH = 10.0
"""A task may take that long on the average: far more than it does."""

CODE = """
import os, random, sys, time
task = os.environ["TASKYARD_TASK_ID"]
def note(word):
    with open({log!r}, "a") as log:
        log.write(f"{{task}} {{word}}\\n")
note("began")
for number in range(5):
    print("line", number, flush=True)
    time.sleep(random.random() / 10)
note("ended")
"""


class Crowd:
    """Agents of which now and then one dies, or a supervisor of theirs does."""

    def __init__(self, site: Site, queue: str) -> None:
        self._site = site
        self._words = ("--queue", queue, "--services-mode", str(AT_ONCE))
        self._agents = [site.agent(*self._words) for _ in range(AGENTS)]
        self._chance = random.Random(7)
        self.deaths = 0

    def suffer(self) -> None:
        """Kill something, and let the next agent of that name come up."""
        number = self._chance.randrange(AGENTS)
        agent = self._agents[number]
        if self._chance.random() < 0.5 and self._kill_supervisor(agent):
            return
        agent.kill()
        self.deaths += 1
        self._agents[number] = self._site.agent(*self._words, worker=agent.worker)

    def _kill_supervisor(self, agent: Agent) -> bool:
        for folder in folders.all_runs(agent.runs):
            state, process = folders.read_state(folder), folders.read_process(folder)
            # While it prepares a run its death is the attempt's, as the machine's would be.
            watches = process is not None and process.pid and state.outcome is None
            if watches and processes.alive(state.supervisor, state.supervisor_start):
                processes.send([state.supervisor], signal.SIGKILL)
                self.deaths += 1
                return True
        return False


def test_each_task_runs_exactly_once_whatever_dies(own_site: Site) -> None:
    site = own_site
    log = site.root / "log"
    log.touch()
    first = site.submit(CODE.format(log=str(log)), "default", flags=("--draft",))
    tasks = [first, *(site.api("tasks.clone", task=first)["id"] for _ in range(TASKS - 1))]
    crowd = Crowd(site, "default")
    for task in tasks:
        site.api("tasks.enqueue", task=task, queue_name="default")
    noted = Noted(log)

    def all_ended() -> bool:
        if noted.ended() < TASKS * 0.8:
            crowd.suffer()
        return noted.ended() >= TASKS

    until(all_ended, "the end of all tasks", seconds=TASKS * SECONDS_EACH)
    assert crowd.deaths
    for task in tasks:
        assert site.ended(task)["status"] == "completed"
        assert site.console(task).count("line ") == 5
    assert noted.counts() == {word: Counter(tasks) for word in ("began", "ended")}


class Noted:
    """What the tasks wrote down themselves."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self._log.read_text().splitlines()]

    def ended(self) -> int:
        return sum(word == "ended" for _, word in self._lines())

    def counts(self) -> dict[str, Counter[str]]:
        return {
            word: Counter(task for task, said in self._lines() if said == word)
            for word in ("began", "ended")
        }

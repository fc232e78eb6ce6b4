"""An agent of ours beside the server under test."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.beds.agent import TASKYARD, Program
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.e2e.sdk.client import environment

PATIENCE = 120.0
"""Seconds for a task to go through the agent, with an environment to be built."""


@contextlib.contextmanager
def agent(yard: Running, folder: Path) -> Iterator[Path]:
    """Run ``taskyard agent daemon`` for the length of the block; gives its log."""
    home = folder / "home"
    home.mkdir()
    variables = {
        **environment(yard, home),
        "HOME": os.environ["HOME"],
        "TASKYARD_AGENT_DATA": str(folder / "agent"),
        "TASKYARD_CONFIG": str(folder / "none.toml"),
    }
    del variables["PYTHONPATH"]
    command = [*TASKYARD, "agent", "daemon", "--services-mode", "--queue", "default", "services"]
    program = Program(command, variables, folder / "agent.log")
    try:
        yield program.log
    finally:
        program.end()


def wait_for_end(api: Api, task: str, agent_log: Path) -> dict[str, Any]:
    """The task's document once it has ended; fails with its console when it failed."""
    document = until(
        lambda: _ended(api, task),
        lambda: f"the end of task {task}\n{agent_log.read_text()[-3000:]}",
        seconds=PATIENCE,
    )
    if document["status"] == "failed":
        log = api("events.get_task_log", task=task, order="asc", batch_size=1000)["events"]
        console = "\n".join(event["msg"] for event in log)
        reason = f"{document['status_reason']}: {document['status_message']}"
        raise AssertionError(f"task {task} failed: {reason}\n{console[-6000:]}")
    return document


def _ended(api: Api, task: str) -> dict[str, Any]:
    document: dict[str, Any] = api("tasks.get_by_id", task=task)["task"]
    return document if document["status"] in ("completed", "failed", "stopped") else {}

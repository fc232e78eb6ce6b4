"""An agent of ours beside the server under test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.beds.server import Api, Running
from tests.e2e.sdk.client import environment

Found = TypeVar("Found")
PATIENCE = 120.0
"""Seconds for a task to go through the agent, with an environment to be built."""


@contextlib.contextmanager
def agent(yard: Running, folder: Path) -> Iterator[Path]:
    """Run ``taskyard agent daemon`` for the length of the block; gives its log."""
    log = folder / "agent.log"
    home = folder / "home"
    home.mkdir()
    variables = {
        **environment(yard, home),
        "HOME": os.environ["HOME"],
        "TASKYARD_AGENT_DATA": str(folder / "agent"),
        "TASKYARD_CONFIG": str(folder / "none.toml"),
    }
    del variables["PYTHONPATH"]
    command = [sys.executable, "-m", "taskyard", "agent", "daemon", "--services-mode"]
    command += ["--queue", "default", "services"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_end(api: Api, task: str, agent_log: Path) -> dict[str, Any]:
    """The task's document once it has ended; fails with its console when it failed."""
    document = wait_until(
        lambda: _ended(api, task),
        lambda: f"task {task} has not ended\n{agent_log.read_text()[-3000:]}",
    )
    if document["status"] == "failed":
        log = api("events.get_task_log", task=task, order="asc", batch_size=1000)["events"]
        console = "\n".join(event["msg"] for event in log)
        reason = f"{document['status_reason']}: {document['status_message']}"
        raise AssertionError(f"task {task} failed: {reason}\n{console[-6000:]}")
    return document


def _ended(api: Api, task: str) -> dict[str, Any] | None:
    document: dict[str, Any] = api("tasks.get_by_id", task=task)["task"]
    return document if document["status"] in ("completed", "failed", "stopped") else None


def wait_until(look: Callable[[], Found | None], otherwise: Callable[[], str]) -> Found:
    """Look again and again until something is found."""
    end = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > end:
            raise AssertionError(otherwise())
        time.sleep(0.2)
    return found

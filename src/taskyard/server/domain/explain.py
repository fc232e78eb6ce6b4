"""Why a task waits, or ended as it did, in words for people. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from taskyard.api.errors import Cause
from taskyard.api.states import SHOWN, Status
from taskyard.server.domain.lifecycle import STOPPING, Standing


class Waiting(NamedTuple):
    """A task's place in a queue."""

    queue: str
    """The queue's name."""
    position: int
    """From 1."""
    length: int
    paused: bool
    pause_reason: str
    retry_in: float = 0.0
    """Seconds until its next attempt may begin, after one that failed."""


class Serving(NamedTuple):
    """A worker that serves the task's queue."""

    worker: str
    busy: bool
    order: str
    """``pause``, ``drain``, ``stop`` or empty."""
    unfit: str = ""
    """Why it takes no tasks of itself."""


class Explanation(NamedTuple):
    code: str
    text: str
    hint: str = ""


STEPS = {
    "source": "gets its code",
    "patch": "applies its uncommitted changes",
    "setup": "runs its set-up script",
    "image": "gets its image",
    "environment": "makes its environment ready",
    "launch": "starts its command",
}
"""What a run does in each step before its own code runs."""


def explain(
    task: Standing,
    waiting: Waiting | None,
    serving: Sequence[Serving],
    step: str | None = None,
) -> Explanation:
    """What keeps the task where it is. ``step``: of a run that is still being prepared."""
    if task.status == Status.QUEUED:
        return _queued(task, waiting, serving)
    if task.status == Status.IN_PROGRESS:
        return _running(task, step)
    if task.status == Status.FAILED:
        return _failed(task)
    if task.status == Status.CREATED:
        return Explanation("draft", "it was not put into a queue", "Enqueue it to have it run.")
    words = ": ".join(part for part in (task.status_reason, task.status_message) if part)
    return Explanation(str(task.status), words or f"it is {SHOWN[task.status]}")


def _queued(task: Standing, waiting: Waiting | None, serving: Sequence[Serving]) -> Explanation:
    if waiting is None:
        return Explanation(
            "handed out",
            "an agent took it and has not started it yet",
            "If that agent died, the task goes back to its queue within ten minutes.",
        )
    name = waiting.queue
    place = f"position {waiting.position} of {waiting.length} in {name}"
    if waiting.retry_in:
        return Explanation(
            "backing off",
            f"{task.status_reason}; the next begins in {waiting.retry_in:.0f} s; {place}",
            "Take it off the queue and enqueue it again to have it run at once.",
        )
    if waiting.paused:
        why = f": {waiting.pause_reason}" if waiting.pause_reason else ""
        return Explanation(
            "queue paused", f"the queue {name} is paused{why}; {place}", f"Resume the queue {name}."
        )
    if nobody := _nobody_takes(name, place, serving):
        return nobody
    if waiting.position > 1:
        return Explanation("not first", place, "Move it to the front to have it run next.")
    if all(worker.busy for worker in serving if not worker.order):
        return Explanation(
            "workers busy",
            f"all workers that serve {name} are busy; {place}",
            "It runs when one of them is done.",
        )
    return Explanation("next", f"it is the next of {name}", "A free worker takes it any moment.")


def _nobody_takes(name: str, place: str, serving: Sequence[Serving]) -> Explanation | None:
    """Why no worker takes anything from the queue; None where one does."""
    if not serving:
        return Explanation(
            "no worker",
            f"no worker serves the queue {name}; {place}",
            f"Start one: taskyard agent daemon --queue {name}",
        )
    if all(worker.order for worker in serving):
        return Explanation(
            "workers paused",
            f"all workers that serve {name} are paused or draining; {place}",
            "Resume one of them.",
        )
    if all(worker.order or worker.unfit for worker in serving):
        why = next(f"{worker.worker}: {worker.unfit}" for worker in serving if worker.unfit)
        return Explanation(
            "workers unfit",
            f"no worker that serves {name} takes tasks now; {why}; {place}",
            "Put right what is wrong there, or start another worker.",
        )
    return None


def _running(task: Standing, step: str | None) -> Explanation:
    where = f" on {task.last_worker}" if task.last_worker else ""
    if STOPPING in task.status_message:
        return Explanation("stopping", f"it was asked to stop and is ending{where}")
    if step is not None:
        return Explanation("preparing", f"it {STEPS.get(step, 'is being prepared')}{where}")
    return Explanation("running", f"it runs{where}")


_HINTS: dict[str, str] = {
    Cause.USER_CODE: "The end of its console says where.",
    Cause.ENVIRONMENT: "Look at the packages it asks for, and at the console.",
    Cause.GIT: "Look at its repository, branch and commit, and at the agent's access to them.",
    Cause.IMAGE: "Look at the image's name and the machine's access to its registry.",
    Cause.OUT_OF_MEMORY: "Use less memory, or a machine that has more.",
    Cause.TIME_OUT: "Raise its time limit, or have it do less.",
    Cause.WORKER_LOST: "Look at that machine; set a retry policy to have tasks run again.",
    Cause.DISK_FULL: "Free space on that machine.",
}


_OWN_HINTS = {
    r"(CUDA|HIP|MPS|XPU|GPU).{0,60}out of memory|CUDA_ERROR_OUT_OF_MEMORY|RESOURCE_EXHAUSTED": (
        "The GPU has too little memory: try a smaller batch, or a GPU that has more."
    ),
    r"ModuleNotFoundError: No module named": (
        "Its environment lacks that package: name it in requirements.txt, or with --packages."
    ),
    r"FileNotFoundError|No such file or directory": (
        "Tasks run in a copy of the repository: data needs a path that every worker has."
    ),
}
"""What user code most often ends with, and what to do about it."""


def _failed(task: Standing) -> Explanation:
    cause = task.status_reason
    # An attempt's own hint stands below its message.
    message, _, own_hint = task.status_message.partition("\n")
    text = message or cause or "no reason was given"
    hint = own_hint or _HINTS.get(cause, "Look at its console.")
    if cause == Cause.USER_CODE and not own_hint:
        hint = next((own for found, own in _OWN_HINTS.items() if re.search(found, text)), hint)
    return Explanation(cause or "failed", text, hint)

"""Every command: where it lives and what it says of itself. Cheap to import."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    module: str
    help: str


COMMANDS: dict[str, Command] = {
    "up": Command("up", "start the server, its page and a services agent on this machine"),
    "init": Command("setup", "connect this machine to a server"),
    "env": Command(
        "setup", "export lines for the clearml packages; ls, show, gc, build, warm environments"
    ),
    "whoami": Command("setup", "which server, which user"),
    "open": Command("setup", "open the web page"),
    "version": Command("setup", "print the version"),
    "run": Command("submit", "send the code of this folder to a queue and follow it to its end"),
    "submit": Command("submit", "send the code of this folder to a queue"),
    "ps": Command("ps", "what runs, what waits and why"),
    "top": Command("top", "workers, queues and live tasks, again and again"),
    "show": Command("look", "all about a task"),
    "logs": Command("logs", "what a task printed"),
    "explain": Command("look", "why a task waits or failed, and what to do"),
    "events": Command("events", "what happened to tasks, when, by whom and why"),
    "wait": Command("look", "wait for tasks to end"),
    "metrics": Command("results", "what a task measured"),
    "artifacts": Command("results", "what a task made; with a name, download it"),
    "diff": Command("results", "what differs from the task it was cloned from, or another"),
    "clone": Command("change", "copy a task, with other parameters"),
    "edit": Command("change", "change the parameters of a draft"),
    "enqueue": Command("change", "put tasks on a queue"),
    "dequeue": Command("change", "take tasks off their queue"),
    "move": Command("change", "move waiting tasks within or between queues"),
    "abort": Command("change", "end running tasks"),
    "retry": Command("change", "run ended tasks again"),
    "reset": Command("change", "make tasks drafts again, without their results"),
    "tag": Command("keep", "give tasks tags and take them away"),
    "archive": Command("keep", "put tasks out of sight"),
    "restore": Command("keep", "bring archived tasks back"),
    "publish": Command("keep", "make tasks read-only"),
    "delete": Command("change", "delete tasks and what they reported"),
    "queue": Command("queues", "list, make, pause, clear and delete queues"),
    "worker": Command("workers", "list, pause, resume, drain and stop workers"),
    "project": Command("projects", "list, make, rename and delete projects"),
    "agent": Command("agent", "run an agent on this machine"),
    "doctor": Command("doctor", "what is wrong with this machine or its server, and what to do"),
    "db": Command("database", "upgrade, back up, restore and copy a server's database"),
    "completion": Command("completion", "print what makes a shell complete words and ids"),
    "api": Command("setup", "call an action of the API by name"),
}

GROUPS: list[tuple[str, list[str]]] = [
    ("Start", ["up", "init", "env", "whoami", "open", "completion"]),
    ("Submit", ["run", "submit"]),
    (
        "Look",
        [
            "ps",
            "top",
            "show",
            "logs",
            "explain",
            "events",
            "wait",
            "metrics",
            "artifacts",
            "diff",
        ],
    ),
    (
        "Change",
        [
            "clone",
            "edit",
            "enqueue",
            "dequeue",
            "move",
            "abort",
            "retry",
            "reset",
            "tag",
            "archive",
            "restore",
            "publish",
            "delete",
        ],
    ),
    ("Things", ["queue", "worker", "project", "db", "api"]),
    ("Agent", ["agent", "doctor"]),
]

ALIASES = {"cancel": "abort", "stop": "abort", "kill": "abort", "why": "explain", "ls": "ps"}

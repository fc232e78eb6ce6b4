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
        "setup", "print export lines for the clearml packages; env list|gc: environments"
    ),
    "whoami": Command("setup", "which server, which user"),
    "open": Command("setup", "open the web page"),
    "version": Command("setup", "print the version"),
    "run": Command("submit", "send the code of this folder to a queue and follow it to its end"),
    "submit": Command("submit", "send the code of this folder to a queue"),
    "ps": Command("look", "what runs, what waits and why"),
    "show": Command("look", "all about a task"),
    "logs": Command("look", "what a task printed"),
    "explain": Command("look", "why a task waits or failed, and what to do"),
    "wait": Command("look", "wait for tasks to end"),
    "clone": Command("change", "copy a task, with other parameters"),
    "edit": Command("change", "change the parameters of a draft"),
    "enqueue": Command("change", "put tasks on a queue"),
    "dequeue": Command("change", "take tasks off their queue"),
    "move": Command("change", "move waiting tasks within or between queues"),
    "abort": Command("change", "end running tasks"),
    "retry": Command("change", "run ended tasks again"),
    "reset": Command("change", "make tasks drafts again, without their results"),
    "delete": Command("change", "delete tasks and what they reported"),
    "queue": Command("queues", "list, make, pause, clear and delete queues"),
    "worker": Command("workers", "list, pause, resume and drain workers"),
    "agent": Command("agent", "run an agent on this machine"),
    "db": Command("database", "upgrade, back up, restore and copy a server's database"),
    "api": Command("setup", "call an action of the API by name"),
}

GROUPS: list[tuple[str, list[str]]] = [
    ("Start", ["up", "init", "env", "whoami", "open"]),
    ("Submit", ["run", "submit"]),
    ("Look", ["ps", "show", "logs", "explain", "wait"]),
    (
        "Change",
        ["clone", "edit", "enqueue", "dequeue", "move", "abort", "retry", "reset", "delete"],
    ),
    ("Things", ["queue", "worker", "db", "api"]),
    ("Agent", ["agent"]),
]

ALIASES = {"cancel": "abort", "stop": "abort", "kill": "abort", "why": "explain", "ls": "ps"}

"""Which package manager makes an attempt's environment, and from which list. No I/O.

The task's word counts first, then the agent's, then what kind of list the project has; uv does
what nobody has a wish for. A manager that the task names and that cannot read any of its lists is
refused. A manager that the agent merely prefers gives way to the project's own, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from taskyard.api.errors import Cause, RunError

Kind = Literal["list", "lock", "project", "poetry", "conda", "pipenv", "nothing"]
"""What a list of packages is: requirements in pip's form, a ``uv.lock``, a ``pyproject.toml`` with
dependencies, a project of Poetry, an ``environment.yml``, a ``Pipfile``, nothing at all."""

DEFAULT = "uv"

TAKES: dict[str, tuple[Kind, ...]] = {
    "uv": ("list", "lock", "project", "nothing"),
    "pip": ("list", "project", "nothing"),
    "poetry": ("poetry",),
    "conda": ("list", "conda", "nothing"),
    "image": ("list", "lock", "project", "poetry", "conda", "pipenv", "nothing"),
}
"""What each manager can read."""

_OWN: dict[Kind, str] = {"poetry": "poetry", "conda": "conda", "pipenv": "pipenv"}
_NAMES: dict[Kind, str] = {
    "list": "a list of requirements",
    "lock": "uv.lock",
    "project": "pyproject.toml",
    "poetry": "a project of Poetry",
    "conda": "environment.yml",
    "pipenv": "Pipfile",
    "nothing": "no list of packages",
}
_HINT = "record the packages in the task, add a requirements.txt, or name another manager"


class Choice(msgspec.Struct, frozen=True):
    """Who makes the environment, and from what."""

    manager: str
    index: int
    """Of the list among those found."""
    note: str = ""
    """What to tell people about it."""


def choose(task: str, agent: str, found: Sequence[Kind]) -> Choice:
    """Choose among the lists that were found, the one that counts most first.

    ``task`` and ``agent`` name managers, or nothing. ``found`` is never empty: it ends with
    ``nothing``, or with what makes nothing wrong. Raises RunError (environment).
    """
    for name in filter(None, (task, agent)):
        if name not in TAKES:
            raise RunError(
                Cause.ENVIRONMENT,
                f"there is no package manager `{name}` here",
                hint=f"this agent knows: {', '.join(sorted(TAKES))}",
            )
    if task:
        index = _first(task, found)
        if index is None:
            raise RunError(
                Cause.ENVIRONMENT,
                f"`{task}` cannot build this environment: the task has {_NAMES[found[0]]}",
                hint=_HINT,
            )
        return Choice(task, index, _skipped(task, found, index))
    if agent:
        index = _first(agent, found)
        if index is not None:
            return Choice(agent, index, _skipped(agent, found, index))
    manager = _OWN.get(found[0], DEFAULT)
    if manager not in TAKES:
        raise RunError(
            Cause.ENVIRONMENT,
            "the project has a Pipfile only, and Pipenv is no manager of this agent",
            hint="write it out once with `pipenv requirements > requirements.txt`, and commit that",
        )
    note = f"this agent's `{agent}` has nothing to go by: the project has {_NAMES[found[0]]}"
    return Choice(manager, 0, f"{note}, so `{manager}` makes the environment" if agent else "")


def _skipped(manager: str, found: Sequence[Kind], index: int) -> str:
    """What to say when a list that counts more was left aside."""
    if index == 0:
        return ""
    return f"`{manager}` cannot read {_NAMES[found[0]]}: it goes by {_NAMES[found[index]]}"


def _first(manager: str, found: Sequence[Kind]) -> int | None:
    """The first list that the manager reads. Nothing to read is no answer where lists are."""
    for index, kind in enumerate(found):
        if kind in TAKES[manager] and (kind != "nothing" or len(found) == 1):
            return index
    return None

"""Which container a task gets: its own, else its queue's, else the agent's. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from taskyard.agent.run.spec import Container, RunSpec
from taskyard.api.errors import Cause, RunError

Pull = Literal["missing", "always", "never"]

QUEUE_IMAGE = "container_image"
QUEUE_ARGUMENTS = "container_arguments"
"""Keys of a queue's metadata."""


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent's owner has set."""

    engine: str = "docker"
    image: str = ""
    """For tasks that name none; empty: such tasks fail."""
    arguments: list[str] = []
    """Of every container; they come before the task's."""
    allowed: list[str] = []
    """What tasks may have beyond what is harmless."""
    pull: Pull = "missing"


def put_inside(
    spec: RunSpec, task: Mapping[str, Any], queue: Mapping[str, Any], defaults: Defaults
) -> None:
    """Have a run take place in a container.

    ``task`` is the whole task; its ``container`` may hold, beside what the protocol knows, a
    ``pull`` policy, ``system_packages`` (separated by spaces) and ``python_packages``, which is
    ``apart`` when those of the image are not to be seen, or ``image`` when none are to be added.
    ``queue`` is the queue's metadata. Raises RunError (image) when nobody names one.
    """
    own = task.get("container") or {}
    image, _, more = str(own.get("image") or "").strip().partition(" ")
    arguments = f"{more} {own.get('arguments') or ''}"
    if not image:
        image = _value(queue, QUEUE_IMAGE)
        arguments = f"{_value(queue, QUEUE_ARGUMENTS)} {arguments}"
    if not (image or defaults.image):
        raise RunError(
            Cause.IMAGE,
            "neither the task nor its queue nor the agent names a container image",
            hint="Set the task's container, or start the agent with --docker IMAGE.",
        )
    python = own.get("python_packages") or ""
    spec.container = Container(
        image=image or defaults.image,
        engine=defaults.engine,
        pull=_pull(own.get("pull"), defaults.pull),
        own_arguments=defaults.arguments,
        arguments=arguments.strip(),
        allowed=defaults.allowed,
        apart=python == "apart",
    )
    if python == "image":
        spec.environment.manager = "image"


def _value(metadata: Mapping[str, Any], key: str) -> str:
    item = metadata.get(key)
    return str((item.get("value") if isinstance(item, Mapping) else item) or "")


def _pull(asked: Any, otherwise: Pull) -> Pull:
    """The task's policy, where it is one; what the agent may not pull, no task makes it pull."""
    if asked in ("missing", "always", "never") and otherwise != "never":
        policy: Pull = asked
        return policy
    return otherwise

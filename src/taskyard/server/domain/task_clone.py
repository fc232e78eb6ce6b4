"""What a clone takes over from its source. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskyard.api.tasks import Clone
from taskyard.server.domain import task_fields, task_versions
from taskyard.server.domain.task_fields import Sent

COPIED = (
    "type",
    "script",
    "container",
    "hyperparams",
    "configuration",
    "priority",
    "retry",
    "limits",
)
NOT_INHERITED = frozenset({"development", "archived"})
"""System tags that say something of the source alone."""


def clone(source: Mapping[str, Any], request: Clone, version: tuple[int, int], now: str) -> Sent:
    """The fields of the new task; who made it, and when, is the caller's to add.

    Raises ApiError DATA_VALIDATION for a name that is too short.
    """
    name = request.new_task_name
    found: Sent = {
        "name": task_fields.task_name(name) if name is not None else source["name"],
        "comment": _first(request.new_task_comment, source.get("comment"), ""),
        "parent": request.new_task_parent or source.get("parent") or source["id"],
        "project": request.new_task_project or source.get("project"),
        "tags": _tags(request.new_task_tags, source.get("tags") or ()),
        "system_tags": _tags(
            request.new_task_system_tags,
            [t for t in source.get("system_tags") or () if t not in NOT_INHERITED],
        ),
        "models": {"input": list((source.get("models") or {}).get("input") or ()), "output": []},
        "output": _destination(source),
        "execution": _execution(source),
    }
    for field in COPIED:
        if source.get(field) is not None:
            found[field] = source[field]
    return _override(found, request, version, now)


def _override(found: Sent, request: Clone, version: tuple[int, int], now: str) -> Sent:
    overrides: Sent = {}
    if request.execution_overrides is not None:
        overrides["execution"] = task_fields.execution(request.execution_overrides)
    if request.new_task_hyperparams is not None:
        overrides["hyperparams"] = task_fields.hyperparams(request.new_task_hyperparams)
    if request.new_task_configuration is not None:
        overrides["configuration"] = task_fields.configuration(request.new_task_configuration)
    if request.new_task_container is not None:
        overrides["container"] = task_fields.container(request.new_task_container)
    overrides = task_versions.upgrade(overrides, version, now)
    if request.new_task_input_models is not None:
        overrides["models"] = {"input": task_fields.model_items(request.new_task_input_models, now)}
    if "execution" in overrides:
        overrides["execution"] = {**found["execution"], **overrides["execution"]}
    if "models" in overrides:
        overrides["models"] = {**found["models"], **overrides["models"]}
    return {**found, **overrides}


def _execution(source: Mapping[str, Any]) -> Sent:
    execution = dict(source.get("execution") or {})
    execution.pop("queue", None)
    execution["artifacts"] = [
        a for a in execution.get("artifacts") or () if a.get("mode") == "input"
    ]
    return execution


def _destination(source: Mapping[str, Any]) -> Sent:
    destination = (source.get("output") or {}).get("destination")
    return {"destination": destination} if destination else {}


def _tags(given: list[str] | None, inherited: Any) -> list[str]:
    return task_fields.tag_list(inherited if given is None else given)


def _first(*values: Any) -> Any:
    return next(v for v in values if v is not None)

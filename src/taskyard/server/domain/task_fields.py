"""From what a caller sends to what a task document holds. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from taskyard.api.errors import BAD_VALUE, DATA_VALIDATION, ApiError, Cause
from taskyard.api.task_parts import (
    Artifact,
    ArtifactId,
    Configurations,
    Container,
    Execution,
    Hyperparams,
    Output,
    Retry,
    Script,
    Section,
    TaskModel,
    TaskModels,
)
from taskyard.api.tasks import TaskFields
from taskyard.server.domain import task_versions

Sent = dict[str, Any]
"""Fields by name, in the shape of the document. A None removes the field."""

NAME_LENGTH = 3
MERGED = ("script", "execution", "output")
"""The sections of which a caller may send a part."""

_UNSTRIPPED = frozenset({"diff", "requirements", "arguments"})
_RETRY_CAUSES = frozenset({"infrastructure", *(str(c) for c in Cause)})


def sent(request: TaskFields, version: tuple[int, int], now: str) -> Sent:
    """All that ``request`` sets, in the shape of the document and of today's protocol.

    ``now`` is the wire time given to models that come without one. Raises ApiError BAD_VALUE.
    """
    found: Sent = {}
    for field in ("tags", "system_tags"):
        if (tags := getattr(request, field)) is not None:
            found[field] = tag_list(tags)
    if request.comment is not None:
        found["comment"] = request.comment.strip()
    for field in ("parent", "project"):
        if (id := getattr(request, field)) is not None:
            found[field] = reference(id)
    if request.script is not None:
        found["script"] = script(request.script)
    if request.execution is not None:
        found["execution"] = execution(request.execution)
    if request.output is not None:
        found["output"] = output(request.output)
    if request.output_dest is not None:
        found.setdefault("output", {})["destination"] = request.output_dest.strip()
    if request.hyperparams is not None:
        found["hyperparams"] = hyperparams(request.hyperparams)
    if request.configuration is not None:
        found["configuration"] = configuration(request.configuration)
    if request.container is not None:
        found["container"] = container(request.container)
    if request.models is not None:
        found["models"] = models(request.models, now)
    if request.runtime is not None:
        found["runtime"] = dict(request.runtime)
    if request.priority is not None:
        found["priority"] = request.priority
    if request.retry is not None:
        found["retry"] = retry(request.retry)
    if request.limits is not None:
        found["limits"] = fields(request.limits)
    return task_versions.upgrade(found, version, now)


def task_name(text: str) -> str:
    """The name as kept. Raises ApiError DATA_VALIDATION for one that is too short."""
    name = text.strip()
    if len(name) < NAME_LENGTH:
        raise ApiError(
            DATA_VALIDATION,
            f"a task's name has at least {NAME_LENGTH} characters",
            field="name",
            value=name,
        )
    return name


def reference(id: str) -> str | None:
    """An id as kept; an empty one means none."""
    return id.strip() or None


def tag_list(tags: Iterable[str]) -> list[str]:
    return sorted({stripped for tag in tags if (stripped := tag.strip())})


def script(section: Script) -> Sent:
    return _strip(fields(section))


def execution(section: Execution) -> Sent:
    found = _strip(fields(section))
    if section.artifacts is not None:
        found["artifacts"] = merge_artifacts([], [artifact(a) for a in section.artifacts])
    return found


def artifact(item: Artifact) -> Sent:
    return {**fields(item), "mode": item.mode or "output"}


def artifact_key(item: Mapping[str, Any] | ArtifactId) -> tuple[str, str]:
    if isinstance(item, ArtifactId):
        return item.key, item.mode or "output"
    return item["key"], item.get("mode") or "output"


def merge_artifacts(known: Iterable[Sent], new: Iterable[Sent]) -> list[Sent]:
    """Known artifacts with the new ones in their place or beside them, in order of key."""
    by_key = {artifact_key(a): a for a in known} | {artifact_key(a): a for a in new}
    return [by_key[key] for key in sorted(by_key)]


def hyperparams(sections: Hyperparams) -> Sent:
    """Sections as kept; what an item does not say of itself, its keys do."""
    return {
        section: {
            name: {"section": section, "name": name, **fields(item)} for name, item in items.items()
        }
        for section, items in sections.items()
    }


def configuration(items: Configurations) -> Sent:
    return {name: {"name": name, **fields(item)} for name, item in items.items()}


def container(items: Container) -> Sent:
    return {k: v for k, v in items.items() if v is not None}


def models(section: TaskModels, now: str) -> Sent:
    return {
        "input": model_items(section.input or (), now),
        "output": model_items(section.output or (), now),
    }


def model_items(items: Iterable[TaskModel], now: str) -> list[Sent]:
    return [{"updated": now, **fields(item)} for item in items]


def retry(section: Retry) -> Sent:
    """The policy as kept. Raises ApiError BAD_VALUE for a cause that does not exist."""
    unknown = sorted(set(section.causes) - _RETRY_CAUSES)
    if unknown:
        raise ApiError(
            BAD_VALUE,
            f"no such cause: {', '.join(unknown)}",
            field="retry.causes",
            hint=f"Causes are {', '.join(sorted(_RETRY_CAUSES))}.",
        )
    found: Sent = {"max": section.max, "causes": section.causes}
    return {**found, "delay": section.delay} if section.delay else found


def output(section: Output) -> Sent:
    return _strip(fields(section))


def fields(section: Section) -> Sent:
    """The fields of a section that say something."""
    found: Sent = msgspec.to_builtins(section)
    return {k: v for k, v in found.items() if v is not None}


def _strip(section: Sent) -> Sent:
    return {
        k: v.strip() if isinstance(v, str) and k not in _UNSTRIPPED else v
        for k, v in section.items()
    }

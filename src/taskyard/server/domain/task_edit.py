"""Who may change what of a task, and what the change makes of it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskyard.api.errors import INVALID_TASK_STATUS, ApiError
from taskyard.api.states import Status
from taskyard.api.task_parts import (
    ArtifactId,
    ConfigurationItem,
    ParamItem,
    ParamKey,
    TaskModelKey,
)
from taskyard.server.domain.task_fields import (
    MERGED,
    Sent,
    artifact_key,
    fields,
    merge_artifacts,
)

PROPERTIES = "properties"
"""The section of hyper-parameters that are notes: they may be changed at any time."""

_DRAFT = frozenset({Status.CREATED})
_LIVE = frozenset({Status.CREATED, Status.QUEUED, Status.IN_PROGRESS})


def require_draft(task: str, status: str, *, force: bool) -> None:
    """Raise ApiError INVALID_TASK_STATUS unless the task is a draft or ``force`` is given."""
    if not force:
        _require(task, status, _DRAFT)


def require_live(task: str, status: str, *, force: bool) -> None:
    """Raise ApiError INVALID_TASK_STATUS for a task that is over; without ``force``, for any
    that is no draft."""
    _require(task, status, _LIVE if force else _DRAFT)


def _require(task: str, status: str, allowed: frozenset[Status]) -> None:
    if status not in allowed:
        raise ApiError(
            INVALID_TASK_STATUS,
            hint="Reset the task, or clone it and change the copy.",
            id=task,
            current_status=status,
            expected="/".join(sorted(allowed)),
        )


def changes_of(sent: Sent) -> dict[tuple[str, ...], Any]:
    """What to set, by path, so that parts of sections keep their siblings."""
    changes: dict[tuple[str, ...], Any] = {}
    for name, value in sent.items():
        if name in MERGED:
            changes |= {(name, field): part for field, part in value.items()}
        else:
            changes[(name,)] = value
    return changes


def edit_params(current: Mapping[str, Any], items: Sequence[ParamItem], replace: str) -> Sent:
    """Hyper-parameters with ``items`` in them. ``replace`` drops, before that, all others, or
    the others of the same sections, or none."""
    touched = {item.section for item in items}
    if replace == "all":
        found: Sent = {}
    elif replace == "section":
        found = {k: dict(v) for k, v in current.items() if k not in touched}
    else:
        found = {k: dict(v) for k, v in current.items()}
    for item in items:
        found.setdefault(item.section, {})[item.name] = {"value": "", **fields(item)}
    return found


def delete_params(current: Mapping[str, Any], keys: Iterable[ParamKey]) -> Sent:
    """Hyper-parameters without those named, and without sections that are empty by that."""
    found = {k: dict(v) for k, v in current.items()}
    for key in keys:
        if not key.name:
            found.pop(key.section, None)
        elif key.section in found:
            found[key.section].pop(key.name, None)
            if not found[key.section]:
                del found[key.section]
    return found


def only_properties(items: Iterable[ParamItem | ParamKey], replace: str = "none") -> bool:
    return replace != "all" and all(item.section == PROPERTIES for item in items)


def edit_configuration(
    current: Mapping[str, Any], items: Iterable[ConfigurationItem], *, replace: bool
) -> Sent:
    found: Sent = {} if replace else dict(current)
    for item in items:
        found[item.name] = {"value": "", **fields(item)}
    return found


def delete_configuration(current: Mapping[str, Any], names: Iterable[str]) -> Sent:
    gone = set(names)
    return {k: v for k, v in current.items() if k not in gone}


def add_artifacts(known: Sequence[Sent], new: Sequence[Sent]) -> tuple[list[Sent], list[str]]:
    """Artifacts with the new ones, and the keys of those that were not there before."""
    there = {artifact_key(a) for a in known}
    added = [a["key"] for a in new if artifact_key(a) not in there]
    return merge_artifacts(known, new), list(dict.fromkeys(added))


def delete_artifacts(known: Iterable[Sent], gone: Iterable[ArtifactId]) -> list[Sent]:
    keys = {artifact_key(a) for a in gone}
    return [a for a in known if artifact_key(a) not in keys]


def set_model(known: Iterable[Sent], item: Sent) -> list[Sent]:
    """Models with ``item`` in the place of the one of its name, or at the end."""
    found = list(known)
    for place, model in enumerate(found):
        if model.get("name") == item["name"]:
            found[place] = item
            return found
    return [*found, item]


def delete_models(models: Mapping[str, Any], keys: Iterable[TaskModelKey]) -> Sent:
    gone = {(key.type, key.name) for key in keys}
    return {
        use: [m for m in items if (use, m.get("name")) not in gone] for use, items in models.items()
    }


def param_list(sections: Mapping[str, Any]) -> list[Sent]:
    """Hyper-parameters as a list, in order of section and name."""
    return [
        {"section": section, "name": name, **item}
        for section, items in sorted(sections.items())
        for name, item in sorted(items.items())
    ]


def configuration_list(items: Mapping[str, Any], names: Sequence[str] | None) -> list[Sent]:
    """Configuration objects as a list, in order of name: those of ``names``, or all."""
    wanted = set(names or items)
    return [{"name": name, **item} for name, item in sorted(items.items()) if name in wanted]


def changed_tags(
    current: Iterable[str], add: Iterable[str] | None, remove: Iterable[str] | None
) -> list[str]:
    return sorted({*current, *(add or ())} - set(remove or ()))

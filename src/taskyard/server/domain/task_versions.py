"""How a task looked in older versions of the protocol. No I/O.

Before 2.13 the container was ``execution.docker_cmd``, and a task had one input and one output
model. Before 2.9 hyper-parameters were the flat ``execution.parameters`` and configuration was
``execution.model_desc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskyard.server.domain import tag_versions

Version = tuple[int, int]

PARAMETER_SECTIONS: Version = (2, 9)
CONTAINERS: Version = (2, 13)

MOVED = ("hyperparams", "configuration", "container", "models")
"""The fields that had another home once."""

SECTION = "Args"
"""Where a flat parameter without a section belongs."""

LEGACY = "legacy"
"""The type of parameters that came in flat: clients write these back without their section."""


def upgrade(sent: Mapping[str, Any], version: Version, now: str) -> dict[str, Any]:
    """What a caller sent, with everything in its present place. Present names win."""
    found = dict(sent)
    execution = dict(found.get("execution") or {})
    parameters = execution.pop("parameters", None)
    if parameters or (parameters is not None and version < PARAMETER_SECTIONS):
        found.setdefault("hyperparams", sections_of(parameters))
    description = execution.pop("model_desc", None)
    if description or (description is not None and version < PARAMETER_SECTIONS):
        found.setdefault("configuration", configuration_of(description))
    command = execution.pop("docker_cmd", None)
    if command is not None:
        found.setdefault("container", container_of(command))
    output = dict(found.get("output") or {})
    used = {"input": execution.pop("model", None), "output": output.pop("model", None)}
    if "models" not in found:
        models = {
            use: [{"name": use, "model": model, "updated": now}]
            for use, model in used.items()
            if model
        }
        if models:
            found["models"] = models
    if "execution" in found:
        found["execution"] = execution
    if "output" in found:
        found["output"] = output
    return tag_versions.split(found, version)


def settle(field: str, current: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The new value of a field that was sent in its old home, which says less than the present
    one: what it could not say stays as it is."""
    if field == "hyperparams":
        return {s: _revalued(current.get(s) or {}, items) for s, items in new.items()}
    if field == "configuration":
        return _revalued(current, new)
    if field == "models":
        return {**current, **{use: _used(current.get(use) or [], new[use]) for use in new}}
    return {**current, **new}


def _revalued(current: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**item, **(current.get(name) or {}), "value": item["value"]}
        for name, item in new.items()
    }


def _used(current: list[Any], new: list[Any]) -> list[Any]:
    known = {_model_id(item) for item in current}
    return current if _model_id(new[0]) in known else new


def downgrade(document: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """A task document as a caller of ``version`` knows it; present fields stay beside."""
    found = dict(document)
    if version < CONTAINERS:
        _old_homes(found)
    if version < PARAMETER_SECTIONS:
        execution = dict(found.get("execution") or {})
        execution["parameters"] = flat(found.get("hyperparams") or {})
        execution["model_desc"] = {
            name: item.get("value", "") for name, item in (found.get("configuration") or {}).items()
        }
        found["execution"] = execution
    return tag_versions.join(found, version)


def _old_homes(found: dict[str, Any]) -> None:
    execution = dict(found.get("execution") or {})
    if command := docker_command(found.get("container") or {}):
        execution["docker_cmd"] = command
    models = found.get("models") or {}
    if used := models.get("input"):
        execution["model"] = _model_id(used[-1])
    if execution:
        found["execution"] = execution
    if made := models.get("output"):
        found["output"] = {**(found.get("output") or {}), "model": _model_id(made[-1])}


def _model_id(item: Mapping[str, Any]) -> Any:
    return item.get("model")


def fields_to_read(only: Sequence[str], version: Version) -> list[str]:
    """A projection widened by what the old fields in it are made of."""
    read = list(only)
    for path in only:
        name = path.lstrip("-")
        if path.startswith("-"):
            continue
        for old, sources, until in _SOURCES:
            if version < until and (_within(name, old) or _within(old, name)):
                read += [s for s in sources if s not in read]
    return read


_SOURCES: tuple[tuple[str, tuple[str, ...], Version], ...] = (
    ("execution.docker_cmd", ("container",), CONTAINERS),
    ("execution.model", ("models",), CONTAINERS),
    ("output.model", ("models",), CONTAINERS),
    ("execution.parameters", ("hyperparams",), PARAMETER_SECTIONS),
    ("execution.model_desc", ("configuration",), PARAMETER_SECTIONS),
)


def _within(path: str, above: str) -> bool:
    return path == above or path.startswith(above + ".")


def sections_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Flat parameters, ``section/name`` or ``name``, as sections of items."""
    found: dict[str, Any] = {}
    for key, value in parameters.items():
        section, slash, name = key.partition("/")
        if not slash or not section or not name:
            section, name = SECTION, key
        text = "" if value is None else str(value)
        item = {"section": section, "name": name, "value": text, "type": LEGACY}
        found.setdefault(section, {})[name] = item
    return found


def flat(sections: Mapping[str, Any]) -> dict[str, str]:
    """Sections of items as flat parameters; what :func:`sections_of` undoes."""
    return {
        name if section == SECTION and "/" not in name else f"{section}/{name}": item.get("value")
        or ""
        for section, items in sections.items()
        for name, item in items.items()
    }


def configuration_of(description: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"name": name, "value": "" if value is None else str(value)}
        for name, value in description.items()
    }


def container_of(command: str) -> dict[str, str]:
    """``image arguments...`` as a container."""
    image, _, arguments = command.strip().partition(" ")
    return {"image": image, "arguments": arguments.strip()} if image else {}


def docker_command(container: Mapping[str, Any]) -> str:
    return f"{container.get('image') or ''} {container.get('arguments') or ''}".strip()

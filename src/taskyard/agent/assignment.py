"""From a task, as the server hands it out, to the spec of a run. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from taskyard.agent import devices
from taskyard.agent.configuration import Configuration
from taskyard.agent.run.spec import Code, Limits, Place, RunSpec, Secrets
from taskyard.api import arguments
from taskyard.client.config import Profile

Task = Mapping[str, Any]

GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL when the task does not say."""


_PYTHON_VERSION = re.compile(r"python(\d+(?:\.\d+)+)")


def run_spec(
    task: Task,
    attempt: int,
    *,
    worker: str,
    profile: Profile,
    cache: Path,
    configuration: Configuration | None = None,
    place: Place | None = None,
) -> RunSpec:
    """What the supervisor needs for attempt number ``attempt`` of ``task``."""
    script = task.get("script") or {}
    limits = task.get("limits") or {}
    container = task.get("container") or {}
    place = place or Place()
    configuration = configuration or Configuration()
    requirements = script.get("requirements")
    return RunSpec(
        task=task["id"],
        attempt=attempt,
        name=task.get("name", ""),
        code=_code(task),
        environment=msgspec.structs.replace(
            configuration.environment,
            packages=_packages(requirements, "pip"),
            conda_packages=_packages(requirements, "conda"),
            manager=_packages(requirements, "manager").strip(),
            python=_python(script.get("binary") or ""),
            setup_script=container.get("setup_shell_script") or "",
            system_packages=str(container.get("system_packages") or "").split(),
        ),
        variables={
            **configuration.variables,
            **_variables(task),
            **_sdk_variables(task["id"], place.worker or worker, profile),
            **devices.visible(place.gpus),
        },
        place=place,
        limits=Limits(
            grace=_amount(limits.get("grace"), GRACE),
            time_limit=_amount(limits.get("time"), 0),
            quiet_limit=_amount(limits.get("quiet"), 0),
            memory=int(_amount(limits.get("memory"), 0)),
        ),
        asked_image=str(container.get("image") or "").strip(),
        cache=str(cache),
    )


def secrets(
    profile: Profile,
    git: Mapping[str, tuple[str, str]],
    configuration: Configuration | None = None,
) -> Secrets:
    """What the run must know and nobody may see: the keys, and passwords for git hosts."""
    return Secrets(
        variables={
            "CLEARML_API_ACCESS_KEY": profile.access_key,
            "CLEARML_API_SECRET_KEY": profile.secret_key,
            "TASKYARD_ACCESS_KEY": profile.access_key,
            "TASKYARD_SECRET_KEY": profile.secret_key,
        },
        git=dict(git),
        index_urls=configuration.index_urls if configuration else [],
        files=configuration.files if configuration else [],
    )


def parameters(task: Task) -> dict[str, dict[str, str]]:
    """The task's parameters as text, by section and name."""
    return {
        section: {name: _text(item) for name, item in items.items()}
        for section, items in (task.get("hyperparams") or {}).items()
    }


def _text(item: Any) -> str:
    value = item.get("value") if isinstance(item, Mapping) else item
    return "" if value is None else str(value)


def _code(task: Task) -> Code:
    script = task.get("script") or {}
    return Code(
        repository=script.get("repository") or "",
        branch=script.get("branch") or "",
        tag=script.get("tag") or "",
        commit=script.get("version_num") or "",
        diff=script.get("diff") or "",
        entry_point=script.get("entry_point") or "",
        working_dir=script.get("working_dir") or ".",
        binary=script.get("binary") or "python",
        arguments=arguments.fill(script.get("arguments") or [], parameters(task)),
    )


def _packages(requirements: Any, name: str) -> str:
    """The recorded packages as one text: the SDK records text or a list, by package manager.

    Beside the lists, ``manager`` names the one that the task asks for.
    """
    if not isinstance(requirements, Mapping):
        return ""
    recorded = requirements.get(name) or ""
    return recorded if isinstance(recorded, str) else "\n".join(str(r) for r in recorded)


def _python(binary: str) -> str:
    """The version in a name such as ``python3.11``; empty when none is asked for."""
    found = _PYTHON_VERSION.fullmatch(binary.rpartition("/")[2])
    return found[1] if found else ""


def _amount(value: Any, otherwise: float) -> float:
    """A number that was set; 0 is one."""
    return float(value) if isinstance(value, (int, float)) and value >= 0 else otherwise


def _variables(task: Task) -> dict[str, str]:
    """The parameters of the section Environment are environment variables.

    What the operating system takes for no name or no value is left out.
    """
    found = parameters(task).get("Environment", {})
    return {
        k: v for k, v in found.items() if k and "=" not in k and "\0" not in k and "\0" not in v
    }


def _sdk_variables(task: str, worker: str, profile: Profile) -> dict[str, str]:
    return {
        "CLEARML_TASK_ID": task,
        "CLEARML_API_HOST": profile.url,
        "CLEARML_WEB_HOST": profile.web_url or profile.url,
        "CLEARML_FILES_HOST": profile.files_url or f"{profile.url}/files",
        "CLEARML_WORKER_ID": worker,
        # The agent sends the console: the SDK would send every line a second time.
        "CLEARML_LOG_TASK_TO_BACKEND": "0",
        "TASKYARD_SERVER": profile.url,
    }

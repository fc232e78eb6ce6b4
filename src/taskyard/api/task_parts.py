"""The sections of a task document, as callers send them.

In a section, a field that is not sent is left as it is and a ``null`` clears it; that is why
fields are unset, and not None, by default.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

TaskType = Literal[
    "training",
    "testing",
    "inference",
    "data_processing",
    "application",
    "monitor",
    "controller",
    "optimizer",
    "service",
    "qc",
    "custom",
    "report",
    "dataset_import",
    "annotation",
    "annotation_manual",
]
ArtifactMode = Literal["input", "output"]
ModelUse = Literal["input", "output"]

Text = str | None | UnsetType


class Section(msgspec.Struct, kw_only=True):
    """Base of what a task document is made of. Unknown fields are ignored."""


class Script(Section):
    """Where the code of a task comes from and how it is started."""

    binary: Text = UNSET
    repository: Text = UNSET
    tag: Text = UNSET
    branch: Text = UNSET
    version_num: Text = UNSET
    """The commit."""
    entry_point: Text = UNSET
    working_dir: Text = UNSET
    requirements: dict[str, Any] | UnsetType | None = UNSET
    diff: Text = UNSET
    """A patch over the commit, or the whole script where there is no repository."""
    arguments: list[str] | UnsetType | None = UNSET
    """The command line; ``${section/name}`` stands for a hyper-parameter's value."""


class ArtifactTypeData(Section):
    preview: Text = UNSET
    content_type: Text = UNSET
    data_hash: Text = UNSET


class Artifact(Section):
    """A file or value that a task uses or makes; unique in its task by key and mode."""

    key: str
    type: str
    mode: ArtifactMode | None = None
    """``output`` unless said otherwise."""
    uri: Text = UNSET
    content_size: int | UnsetType | None = UNSET
    """Bytes."""
    hash: Text = UNSET
    timestamp: int | UnsetType | None = UNSET
    """Seconds since the epoch."""
    type_data: ArtifactTypeData | UnsetType | None = UNSET
    display_data: list[list[Any]] | UnsetType | None = UNSET


class ArtifactId(Section):
    key: str
    mode: ArtifactMode | None = None


class Execution(Section):
    """What a task runs with. ``parameters``, ``model_desc``, ``model`` and ``docker_cmd`` are
    the old homes of hyper-parameters, configuration, input model and container."""

    queue: Text = UNSET
    artifacts: list[Artifact] | UnsetType | None = UNSET
    framework: Text = UNSET
    model_labels: dict[str, int] | UnsetType | None = UNSET
    model_desc: dict[str, Any] | UnsetType | None = UNSET
    parameters: dict[str, Any] | UnsetType | None = UNSET
    model: Text = UNSET
    docker_cmd: Text = UNSET


class Output(Section):
    """Where results go, and the last error."""

    destination: Text = UNSET
    error: Text = UNSET
    result: Text = UNSET
    model: Text = UNSET


class Param(Section):
    """One hyper-parameter as it stands in a task's ``hyperparams`` mapping."""

    section: Text = UNSET
    name: Text = UNSET
    value: Text = UNSET
    type: Text = UNSET
    description: Text = UNSET


class ParamItem(Section):
    """One hyper-parameter in a list."""

    section: str
    name: str
    value: Text = UNSET
    type: Text = UNSET
    description: Text = UNSET


class ParamKey(Section):
    """Names a hyper-parameter; without a name, its whole section."""

    section: str
    name: str | None = None


class Configuration(Section):
    """One configuration object as it stands in a task's ``configuration`` mapping."""

    name: Text = UNSET
    value: Text = UNSET
    type: Text = UNSET
    description: Text = UNSET


class ConfigurationItem(Section):
    """One configuration object in a list."""

    name: str
    value: Text = UNSET
    type: Text = UNSET
    description: Text = UNSET


class TaskModel(Section):
    """A model that a task uses or makes, under the task's own name for it."""

    name: str
    model: str
    updated: Text = UNSET


class TaskModels(Section):
    input: list[TaskModel] | UnsetType | None = UNSET
    output: list[TaskModel] | UnsetType | None = UNSET


class TaskModelKey(Section):
    name: str
    type: ModelUse


class Retry(Section):
    """When a task that ended badly is run again, by itself."""

    max: int = 0
    """How many times at most."""
    causes: list[str] = []
    """Causes of failure that count, or ``infrastructure`` for those that are nobody's code."""


class Limits(Section):
    """Bounds of one attempt, in seconds; 0 means none."""

    time: float = 0
    grace: float = 0


Hyperparams = dict[str, dict[str, Param]]
Configurations = dict[str, Configuration]
Container = dict[str, str | None]

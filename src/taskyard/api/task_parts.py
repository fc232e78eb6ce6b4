"""The sections of a task document, as callers send them.

In a section as anywhere in a request, a null says no more than a field that is not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

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


class Section(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of what a task document is made of. Unknown fields are ignored."""


class Script(Section):
    """Where the code of a task comes from and how it is started."""

    binary: str | None = None
    repository: str | None = None
    tag: str | None = None
    branch: str | None = None
    version_num: str | None = None
    """The commit."""
    entry_point: str | None = None
    working_dir: str | None = None
    requirements: dict[str, Any] | None = None
    diff: str | None = None
    """A patch over the commit, or the whole script where there is no repository."""
    arguments: list[str] | None = None
    """The command line; ``${section/name}`` stands for a hyper-parameter's value."""


class ArtifactTypeData(Section):
    preview: str | None = None
    content_type: str | None = None
    data_hash: str | None = None


class Artifact(Section):
    """A file or value that a task uses or makes; unique in its task by key and mode."""

    key: str
    type: str
    mode: ArtifactMode | None = None
    """``output`` unless said otherwise."""
    uri: str | None = None
    content_size: int | None = None
    """Bytes."""
    hash: str | None = None
    timestamp: int | None = None
    """Seconds since the epoch."""
    type_data: ArtifactTypeData | None = None
    display_data: list[list[Any]] | None = None


class ArtifactId(Section):
    key: str
    mode: ArtifactMode | None = None


class Execution(Section):
    """What a task runs with. ``parameters``, ``model_desc``, ``model`` and ``docker_cmd`` are
    the old homes of hyper-parameters, configuration, input model and container."""

    queue: str | None = None
    artifacts: list[Artifact] | None = None
    framework: str | None = None
    model_labels: dict[str, int] | None = None
    model_desc: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    model: str | None = None
    docker_cmd: str | None = None


class Output(Section):
    """Where results go, and the last error."""

    destination: str | None = None
    error: str | None = None
    result: str | None = None
    model: str | None = None


class Param(Section):
    """One hyper-parameter as it stands in a task's ``hyperparams`` mapping."""

    section: str | None = None
    name: str | None = None
    value: str | None = None
    type: str | None = None
    description: str | None = None


class ParamItem(Section):
    """One hyper-parameter in a list."""

    section: str
    name: str
    value: str | None = None
    type: str | None = None
    description: str | None = None


class ParamKey(Section):
    """Names a hyper-parameter; without a name, its whole section."""

    section: str
    name: str | None = None


class Configuration(Section):
    """One configuration object as it stands in a task's ``configuration`` mapping."""

    name: str | None = None
    value: str | None = None
    type: str | None = None
    description: str | None = None


class ConfigurationItem(Section):
    """One configuration object in a list."""

    name: str
    value: str | None = None
    type: str | None = None
    description: str | None = None


class TaskModel(Section):
    """A model that a task uses or makes, under the task's own name for it."""

    name: str
    model: str
    updated: str | None = None


class TaskModels(Section):
    input: list[TaskModel] | None = None
    output: list[TaskModel] | None = None


class TaskModelKey(Section):
    name: str
    type: ModelUse


class Retry(Section):
    """When a task that ended badly is run again, by itself."""

    max: Annotated[int, Meta(ge=0)] = 0
    """How many times at most."""
    causes: list[str] = []
    """Causes of failure that count, or ``infrastructure`` for those that are nobody's code."""
    delay: Annotated[float, Meta(ge=0, le=3600)] = 0
    """Seconds before the first retry; each later one waits twice as long, an hour at most."""


class Limits(Section):
    """Bounds of one attempt; times in seconds, 0 means none."""

    time: Annotated[float, Meta(ge=0)] = 0
    """How long its code may run."""
    quiet: Annotated[float, Meta(ge=0)] = 0
    """How long it may write nothing."""
    memory: Annotated[int, Meta(ge=0)] = 0
    """Bytes that all its processes may use together."""
    grace: Annotated[float, Meta(ge=0)] | None = None
    """How long it is left to end by itself once it is told to; 30 unless set, 0 kills at once."""


Priority = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Hyperparams = dict[str, dict[str, Param]]
Configurations = dict[str, Configuration]
Container = dict[str, str | None]

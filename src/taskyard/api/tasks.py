"""Tasks: making, reading and editing them. Their life cycle is in ``task_life``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from taskyard.api.queries import Query, Values
from taskyard.api.task_parts import (
    Artifact,
    ArtifactId,
    ConfigurationItem,
    Configurations,
    Container,
    Execution,
    Hyperparams,
    Limits,
    ModelUse,
    Output,
    ParamItem,
    ParamKey,
    Priority,
    Retry,
    Script,
    TaskModel,
    TaskModelKey,
    TaskModels,
    TaskType,
)
from taskyard.api.wire import Document, Request, Response, action


class UpdatedResponse(Response):
    updated: int


class FieldsResponse(Response):
    updated: int
    fields: Document


class DeletedResponse(Response):
    deleted: int


class TaskResponse(Response):
    task: Document


class TasksResponse(Response):
    tasks: list[Document]


class PageResponse(Response):
    tasks: list[Document]
    scroll_id: str | None = None


class CreateResponse(Response):
    id: str


Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""32 hexadecimal digits made by chance, which become the new task's id: a request that is sent
again, because its answer got lost, then makes no second task."""


class TaskFields(Request):
    """What may be set on a task."""

    tags: list[str] | None = None
    system_tags: list[str] | None = None
    comment: str | None = None
    parent: str | None = None
    project: str | None = None
    output_dest: str | None = None
    output: Output | None = None
    execution: Execution | None = None
    hyperparams: Hyperparams | None = None
    configuration: Configurations | None = None
    container: Container | None = None
    models: TaskModels | None = None
    script: Script | None = None
    runtime: dict[str, Any] | None = None
    priority: Priority | None = None
    """Higher goes first in a queue; 0 unless said otherwise."""
    retry: Retry | None = None
    limits: Limits | None = None


@action("tasks.create", answers=CreateResponse)
class Create(TaskFields, kw_only=True):
    """Make a draft task."""

    name: str
    type: TaskType
    key: Key | None = None


@action("tasks.validate")
class Validate(TaskFields, kw_only=True):
    """Check what ``tasks.create`` would refuse, and make nothing."""

    name: str
    type: TaskType


@action("tasks.edit", answers=FieldsResponse)
class Edit(TaskFields, kw_only=True):
    """Change a draft; with ``force``, a task in any status. Sections ``script``, ``execution``
    and ``output`` are merged with what is there, the others replaced whole."""

    task: str
    name: str | None = None
    type: TaskType | None = None
    force: bool = False


class TaskUpdate(Request):
    """What may be set on a task in any status."""

    task: str
    name: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    comment: str | None = None
    project: str | None = None
    status_message: str | None = None
    output__error: str | None = None
    created: str | None = None


@action("tasks.update", answers=FieldsResponse)
class Update(TaskUpdate):
    """Change what describes a task, in any status."""


@action("tasks.update_batch", answers=UpdatedResponse, batch=True)
class UpdateBatch(Request):
    """Change what describes several tasks: one ``tasks.update`` a line, all or none."""

    lines: list[TaskUpdate] | None = None


@action("tasks.get_by_id", answers=TaskResponse)
class GetById(Request):
    """One task."""

    task: str


@action("tasks.get_by_id_ex", answers=TasksResponse)
class GetByIdEx(Request):
    """Several tasks, with what they refer to expanded."""

    id: list[str] | str
    only_fields: list[str] | str | None = None


class TaskQuery(Query):
    """The query language: any field of a task is a filter."""

    project: Values = None
    include_subprojects: bool | None = None
    parent: Values = None
    status: Values = None
    type: Values = None


@action("tasks.get_all", answers=PageResponse)
class GetAll(TaskQuery):
    """The tasks that match a query."""


@action("tasks.get_all_ex", answers=PageResponse)
class GetAllEx(TaskQuery):
    """The tasks that match a query, with what they refer to expanded."""


class TypesResponse(Response):
    types: list[str]


@action("tasks.get_types", answers=TypesResponse, since="2.8")
class GetTypes(Request):
    """The types of the tasks in some projects (and those below), or in all."""

    projects: list[str] | None = None


class CloneResponse(Response):
    id: str
    new_project: Document | None = None


@action("tasks.clone", answers=CloneResponse, since="2.5")
class Clone(Request):
    """Make a draft that runs the same as another task, with some things changed."""

    task: str
    new_task_name: str | None = None
    new_task_comment: str | None = None
    new_task_tags: list[str] | None = None
    new_task_system_tags: list[str] | None = None
    new_task_parent: str | None = None
    new_task_project: str | None = None
    new_project_name: str | None = None
    new_task_hyperparams: Hyperparams | None = None
    new_task_configuration: Configurations | None = None
    new_task_container: Container | None = None
    new_task_input_models: list[TaskModel] | None = None
    execution_overrides: Execution | None = None
    validate_references: bool = False
    key: Key | None = None


@action("tasks.ping")
class Ping(Request):
    """Say that a task is alive."""

    task: str


@action("tasks.set_requirements", answers=FieldsResponse)
class SetRequirements(Request):
    """Record the packages a task needs, in place of those recorded before."""

    task: str
    requirements: dict[str, Any]


class ParamsResponse(Response):
    params: list[Document]


@action("tasks.get_hyper_params", answers=ParamsResponse, since="2.9")
class GetHyperParams(Request):
    """The hyper-parameters of several tasks."""

    tasks: list[str]


@action("tasks.edit_hyper_params", answers=UpdatedResponse, since="2.9")
class EditHyperParams(Request):
    """Add and change hyper-parameters; those of section ``properties`` in any status."""

    task: str
    hyperparams: list[ParamItem]
    replace_hyperparams: Literal["none", "section", "all"] = "none"
    force: bool = False


@action("tasks.delete_hyper_params", answers=DeletedResponse, since="2.9")
class DeleteHyperParams(Request):
    """Remove hyper-parameters, or whole sections of them."""

    task: str
    hyperparams: list[ParamKey]
    force: bool = False


class ConfigurationsResponse(Response):
    configurations: list[Document]


@action("tasks.get_configurations", answers=ConfigurationsResponse, since="2.9")
class GetConfigurations(Request):
    """The configuration objects of several tasks: those named, or all."""

    tasks: list[str]
    names: list[str] | None = None


@action("tasks.get_configuration_names", answers=ConfigurationsResponse, since="2.9")
class GetConfigurationNames(Request):
    """The names of the configuration objects of several tasks."""

    tasks: list[str]
    skip_empty: bool = True


@action("tasks.edit_configuration", answers=UpdatedResponse, since="2.9")
class EditConfiguration(Request):
    """Add and change configuration objects, or replace them all."""

    task: str
    configuration: list[ConfigurationItem]
    replace_configuration: bool = False
    force: bool = False


@action("tasks.delete_configuration", answers=DeletedResponse, since="2.9")
class DeleteConfiguration(Request):
    """Remove configuration objects."""

    task: str
    configuration: list[str]
    force: bool = False


class ArtifactKeysResponse(Response):
    added: list[str]
    updated: list[str]


@action("tasks.add_or_update_artifacts", answers=ArtifactKeysResponse, since="2.6")
class AddOrUpdateArtifactsBefore210(Request):
    """Add artifacts to a task, or change those it has; says which it was for each."""

    task: str
    artifacts: list[Artifact]
    force: bool = False


@action("tasks.add_or_update_artifacts", answers=UpdatedResponse, since="2.10")
class AddOrUpdateArtifacts(Request):
    """Add artifacts to a task, or change those it has."""

    task: str
    artifacts: list[Artifact]
    force: bool = False


@action("tasks.delete_artifacts", answers=DeletedResponse, since="2.10")
class DeleteArtifacts(Request):
    """Remove artifacts from a task; the files stay."""

    task: str
    artifacts: list[ArtifactId]
    force: bool = False


@action("tasks.add_or_update_model", answers=UpdatedResponse, since="2.13")
class AddOrUpdateModel(Request):
    """Note that a task uses or made a model."""

    task: str
    name: str
    model: str
    type: ModelUse
    iteration: int | None = None


@action("tasks.delete_models", answers=UpdatedResponse, since="2.13")
class DeleteModels(Request):
    """Forget models that a task used or made; the models stay."""

    task: str
    models: list[TaskModelKey]


@action("tasks.edit_runtime", answers=UpdatedResponse)
class EditRuntime(Request):
    """Set and remove single runtime values, leaving the others alone."""

    task: str
    add_or_update: dict[str, Any] | None = None
    remove: list[str] | None = None


@action("tasks.update_tags", answers=UpdatedResponse)
class UpdateTags(Request):
    """Add tags to several tasks and take others away."""

    ids: list[str]
    add_tags: list[str] | None = None
    remove_tags: list[str] | None = None


@action("tasks.make_public", answers=UpdatedResponse, since="2.9")
class MakePublic(Request):
    """Let everybody read tasks, and nobody change them."""

    ids: list[str]


@action("tasks.make_private", answers=UpdatedResponse, since="2.9")
class MakePrivate(Request):
    """Take back tasks that were made public."""

    ids: list[str]


class MoveResponse(Response):
    project_id: str | None


@action("tasks.move", answers=MoveResponse, since="2.12")
class Move(Request):
    """Put tasks into another project, made if its name is new; ``project: null`` means none."""

    ids: list[str]
    project: str | None = None
    project_name: str | None = None

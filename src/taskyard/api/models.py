"""Models: files that tasks make and use, with what is known about them."""

from __future__ import annotations

from typing import Any

import msgspec

from taskyard.api.queries import Query, Values
from taskyard.api.wire import Document, Request, Response, action


class MetadataItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One remark kept with a model."""

    key: str
    type: str | None = None
    value: str | None = None


class UpdatedResponse(Response):
    updated: int


class FieldsResponse(Response):
    updated: int
    fields: Document
    """The fields that changed, with their new values."""


class ManyResponse(Response):
    succeeded: list[Document]
    """Of each: ``id`` and what the action on one model answers."""
    failed: list[Document]
    """Of each: ``id`` and ``error`` with ``codes``, ``msg`` and ``data``."""


class ModelResponse(Response):
    model: Document


class ModelsResponse(Response):
    models: list[Document]
    scroll_id: str | None = None


class ModelFields(Request):
    """What may be set on a model."""

    comment: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    framework: str | None = None
    design: dict[str, Any] | None = None
    labels: dict[str, int] | None = None
    """The number of each label."""
    project: str | None = None
    parent: str | None = None
    task: str | None = None
    """The task that made it."""
    metadata: list[MetadataItem] | None = None


class CreateResponse(Response):
    id: str
    created: bool


@action("models.create", answers=CreateResponse)
class Create(ModelFields, kw_only=True):
    """Record a model whose file is somewhere."""

    uri: str
    name: str
    ready: bool = True
    """Whether it is published: final, and for others to use."""
    public: bool = False


@action("models.get_by_id", answers=ModelResponse)
class GetById(Request):
    """One model."""

    model: str


@action("models.get_by_id_ex", answers=ModelsResponse)
class GetByIdEx(Request):
    """Models by id, with the names of what they refer to."""

    id: list[str] | str
    only_fields: list[str] | str | None = None


@action("models.get_by_task_id", answers=ModelResponse)
class GetByTaskId(Request):
    """The last model that a task made."""

    task: str


@action("models.get_by_task_id", answers=ModelResponse, since="2.13")
class GetByTaskIdRetired(Request):
    """Retired: use ``models.get_all`` with a task."""


class ModelQuery(Query):
    ready: bool | None = None
    uri: Values = None
    framework: Values = None
    project: Values = None
    include_subprojects: bool | None = None
    task: Values = None
    parent: Values = None
    last_update: list[str | None] | str | None = None
    last_change: list[str | None] | str | None = None


@action("models.get_all", answers=ModelsResponse)
class GetAll(ModelQuery):
    """Models by filter, ordered and projected as the query says."""


@action("models.get_all_ex", answers=ModelsResponse)
class GetAllEx(ModelQuery):
    """Like ``get_all``, with the names of what they refer to."""

    include_stats: bool | None = None
    """Add ``stats`` with the number of labels."""


@action("models.edit", answers=FieldsResponse)
class Edit(ModelFields, kw_only=True):
    """Change any field of a model."""

    model: str
    name: str | None = None
    uri: str | None = None
    ready: bool | None = None
    iteration: int | None = None
    """How far its task has come."""


@action("models.update", answers=FieldsResponse)
class Update(Request):
    """Change a model. Where it comes from cannot change once it is published."""

    model: str
    name: str | None = None
    comment: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    ready: bool | None = None
    created: str | None = None
    ui_cache: dict[str, Any] | None = None
    task: str | None = None
    project: str | None = None
    iteration: int | None = None
    """How far its task has come."""


class UpdateForTaskResponse(Response):
    id: str
    created: bool
    updated: int
    fields: Document


@action("models.update_for_task", answers=UpdateForTaskResponse)
class UpdateForTask(Request):
    """Record or change the model that a task makes. One of uri and override_model_id is needed."""

    task: str
    uri: str | None = None
    override_model_id: str | None = None
    name: str | None = None
    comment: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    iteration: int | None = None


@action("models.update_for_task", answers=UpdateForTaskResponse, since="2.13")
class UpdateForTaskRetired(Request):
    """Retired: use ``models.create`` and ``tasks.add_or_update_model``."""


class SetReadyResponse(Response):
    updated: int
    published_task: Document | None = None


@action("models.set_ready", answers=SetReadyResponse)
class SetReady(Request):
    """Publish a model, and the task that made it."""

    model: str
    publish_task: bool = True
    force_publish_task: bool = False
    """Publish the task whatever its status."""


@action("models.publish_many", answers=ManyResponse, since="2.13")
class PublishMany(Request):
    """Publish several models; each succeeds or fails by itself."""

    ids: list[str]
    publish_tasks: bool = True
    force_publish_task: bool = False


@action("models.archive_many", answers=ManyResponse, since="2.13")
class ArchiveMany(Request):
    """Put models out of sight."""

    ids: list[str]


@action("models.unarchive_many", answers=ManyResponse, since="2.13")
class UnarchiveMany(Request):
    """Bring archived models back."""

    ids: list[str]


class DeleteResponse(Response):
    deleted: bool
    url: str | None = None
    """Where its file is, which stays."""


@action("models.delete", answers=DeleteResponse)
class Delete(Request):
    """Delete a model. ``force`` is needed while tasks use it, or a published task made it."""

    model: str
    force: bool = False


@action("models.delete_many", answers=ManyResponse, since="2.13")
class DeleteMany(Request):
    """Delete several models; each succeeds or fails by itself."""

    ids: list[str]
    force: bool = False


class MoveResponse(Response):
    project_id: str | None = None


@action("models.move", answers=MoveResponse, since="2.12")
class Move(Request):
    """Move models to another project: by id (null for none), or by name, made if need be."""

    ids: list[str]
    project: str | None = None
    project_name: str | None = None


@action("models.make_public", answers=UpdatedResponse, since="2.9")
class MakePublic(Request):
    """Let everybody see these models; nobody can change them then."""

    ids: list[str]


@action("models.make_private", answers=UpdatedResponse, since="2.9")
class MakePrivate(Request):
    """Take back models that were made public."""

    ids: list[str]


class FrameworksResponse(Response):
    frameworks: list[str]


@action("models.get_frameworks", answers=FrameworksResponse)
class GetFrameworks(Request):
    """The frameworks of models."""

    projects: list[str] | None = None


@action("models.add_or_update_metadata", answers=UpdatedResponse, since="2.13")
class AddOrUpdateMetadata(Request):
    """Set items of a model's metadata."""

    model: str
    metadata: list[MetadataItem]
    replace_metadata: bool = False
    """Drop all other items."""


@action("models.delete_metadata", answers=UpdatedResponse, since="2.13")
class DeleteMetadata(Request):
    """Remove items of a model's metadata."""

    model: str
    keys: list[str]

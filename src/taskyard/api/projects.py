"""Projects: folders of tasks and models. A name is a path: ``vision/segmentation``."""

from __future__ import annotations

from typing import Any, Literal

from taskyard.api.queries import Query, Values
from taskyard.api.wire import Document, Request, Response, action

TaskState = Literal["active", "archived"]


class UpdatedResponse(Response):
    updated: int


class UpdateResponse(Response):
    updated: int
    fields: Document
    """The fields that changed, with their new values."""


class CreateResponse(Response):
    id: str


class ProjectResponse(Response):
    project: Document


class ProjectsResponse(Response):
    projects: list[Document]
    scroll_id: str | None = None


@action("projects.create", answers=CreateResponse)
class Create(Request):
    """Make a project, and those above it that are not there yet."""

    name: str
    description: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    default_output_destination: str | None = None
    """Where the tasks of this project put their files."""


@action("projects.get_by_id", answers=ProjectResponse)
class GetById(Request):
    """One project."""

    project: str


class ProjectQuery(Query):
    basename: str | None = None
    description: str | None = None
    parent: Values = None
    """Only projects below these, at any depth; directly below with ``shallow_search``."""
    path: Values = None
    shallow_search: bool | None = None
    """Only the top level, or only the direct children of ``parent``."""


@action("projects.get_all", answers=ProjectsResponse)
class GetAll(ProjectQuery):
    """Projects by filter, ordered and projected as the query says."""


@action("projects.get_all_ex", answers=ProjectsResponse)
class GetAllEx(ProjectQuery):
    """Like ``get_all``, with the names of users, and with statistics if they are asked for."""

    include_stats: bool | None = None
    stats_for_state: TaskState | None = "active"
    """Null for both."""
    stats_with_children: bool | None = True
    include_stats_filter: dict[str, Any] | None = None
    """Only tasks that match this filter count."""
    include_dataset_stats: bool | None = None
    check_own_contents: bool | None = None
    """Count the tasks and models of each project itself, without those below."""
    non_public: bool | None = None
    active_users: list[str] | None = None
    """Only projects in which these users have tasks or models, and statistics of these alone."""
    children_type: Literal["pipeline", "report", "dataset"] | None = None
    """Only projects that have such tasks, in themselves or below, or projects of such below."""
    children_tags: Values = None
    """Only projects with something of ``children_type`` that has these tags."""
    children_tags_filter: dict[str, Any] | None = None
    """The same as ``any`` and ``all`` with ``include`` and ``exclude`` lists, joined by ``op``."""


@action("projects.update", answers=UpdateResponse)
class Update(Request):
    """Change a project. The name may change only where it is: see ``projects.move``."""

    project: str
    name: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    default_output_destination: str | None = None


class MoveResponse(Response):
    moved: int


@action("projects.move", answers=MoveResponse, since="2.13")
class Move(Request):
    """Put a project, and all below it, under another one."""

    project: str
    new_location: str | None = None
    """The name of the new parent, which is made if need be; empty for the top level."""


class MergeResponse(Response):
    moved_entities: int
    moved_projects: int


@action("projects.merge", answers=MergeResponse, since="2.13")
class Merge(Request):
    """Move all of a project's content into another project, and delete it."""

    project: str
    destination_project: str | None = None
    """Empty for the top level."""


class ValidateDeleteResponse(Response):
    tasks: int
    non_archived_tasks: int
    models: int
    non_archived_models: int
    datasets: int
    non_archived_datasets: int
    pipelines: int
    non_archived_pipelines: int
    reports: int
    non_archived_reports: int


@action("projects.validate_delete", answers=ValidateDeleteResponse)
class ValidateDelete(Request):
    """What is in a project and below it."""

    project: str


class DeleteResponse(Response):
    deleted: int
    disassociated_tasks: int
    urls: Document
    """Addresses of files that are now nobody's, if the content was deleted."""
    deleted_models: int
    deleted_tasks: int


@action("projects.delete", answers=DeleteResponse)
class Delete(Request):
    """Delete a project and all projects below it."""

    project: str
    force: bool = False
    """Delete it although it has tasks or models that are not archived."""
    delete_contents: bool = False
    """Delete the tasks and models too; else they are left without a project."""


@action("projects.make_public", answers=UpdatedResponse)
class MakePublic(Request):
    """Let everybody see these projects; nobody can change them then."""

    ids: list[str]


@action("projects.make_private", answers=UpdatedResponse)
class MakePrivate(Request):
    """Take back projects that were made public."""

    ids: list[str]


class WithinProjects(Request):
    projects: list[str] | None = None
    """All projects when there are none."""
    include_subprojects: bool = True


class TagsResponse(Response):
    tags: list[str]
    system_tags: list[str] | None = None


class TagsRequest(Request):
    projects: list[str] | None = None
    include_system: bool = False
    filter: dict[str, Any] | None = None
    """Only what matches this filter counts."""


@action("projects.get_project_tags", answers=TagsResponse)
class GetProjectTags(TagsRequest):
    """The tags in use on projects."""


@action("projects.get_task_tags", answers=TagsResponse)
class GetTaskTags(TagsRequest):
    """The tags in use on tasks."""


@action("projects.get_model_tags", answers=TagsResponse)
class GetModelTags(TagsRequest):
    """The tags in use on models."""


class MetricsResponse(Response):
    metrics: list[Document]


@action("projects.get_unique_metric_variants", answers=MetricsResponse)
class GetUniqueMetricVariants(Request):
    """The metrics and variants that tasks have reported."""

    project: str | None = None
    include_subprojects: bool = True
    ids: list[str] | None = None
    """Only those of these tasks."""
    model_metrics: bool = False
    """Those of models, not of tasks."""


class ParametersResponse(Response):
    parameters: list[Document]
    remaining: int
    total: int


@action("projects.get_hyper_parameters", answers=ParametersResponse)
class GetHyperParameters(Request):
    """The sections and names of the parameters of a project's tasks."""

    project: str
    include_subprojects: bool = True
    page: int = 0
    page_size: int = 500


class ValuesResponse(Response):
    total: int
    values: list[str]


class ValuesRequest(WithinProjects):
    allow_public: bool = True
    pattern: str | None = None
    """Only values that match this regular expression."""
    page: int = 0
    page_size: int = 500


@action("projects.get_hyperparam_values", answers=ValuesResponse, since="2.13")
class GetHyperparamValues(ValuesRequest, kw_only=True):
    """The values that a parameter has in tasks."""

    section: str
    name: str


class KeysResponse(Response):
    keys: list[str]
    remaining: int
    total: int


@action("projects.get_model_metadata_keys", answers=KeysResponse)
class GetModelMetadataKeys(Request):
    """The keys of the metadata of a project's models."""

    project: str
    include_subprojects: bool = True
    page: int = 0
    page_size: int = 500


@action("projects.get_model_metadata_values", answers=ValuesResponse)
class GetModelMetadataValues(ValuesRequest, kw_only=True):
    """The values that a key has in the metadata of models."""

    key: str


class ParentsResponse(Response):
    parents: list[Document]


@action("projects.get_task_parents", answers=ParentsResponse, since="2.12")
class GetTaskParents(WithinProjects):
    """The tasks that tasks descend from, by name."""

    tasks_state: TaskState | None = "active"
    """Only for tasks of that kind; null for all."""
    task_name: str | None = None
    """Only parents whose name has a match of this regular expression."""


class UsersResponse(Response):
    users: list[Document]


@action("projects.get_user_names", answers=UsersResponse)
class GetUserNames(WithinProjects):
    """The users who have tasks or models in projects."""

    entity: Literal["task", "model"] = "task"

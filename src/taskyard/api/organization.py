"""Questions about the whole company: its tags, its counts, its tables as files."""

from __future__ import annotations

from typing import Any, Literal

from taskyard.api.wire import Document, Request, Response, action


class TagsFilter(Request):
    """Which tasks and models to look at. A null in a list stands for *no tags*."""

    tags: list[str | None] | None = None
    system_tags: list[str | None] | None = None


class TagsResponse(Response):
    tags: list[str]
    system_tags: list[str] | None = None


@action("organization.get_tags", answers=TagsResponse)
class GetTags(Request):
    """List the tags that tasks and models carry."""

    include_system: bool = False
    filter: TagsFilter | None = None


class CompaniesResponse(Response):
    companies: list[Document]


@action("organization.get_user_companies", answers=CompaniesResponse)
class GetUserCompanies(Request):
    """List the companies the caller belongs to."""


class CountsResponse(Response):
    """How many there are of what was asked for."""

    projects: int | None = None
    tasks: int | None = None
    models: int | None = None
    pipelines: int | None = None
    pipeline_runs: int | None = None
    datasets: int | None = None
    dataset_versions: int | None = None
    reports: int | None = None


@action("organization.get_entities_count", answers=CountsResponse)
class GetEntitiesCount(Request):
    """Count things by the same filters that their ``get_all`` takes, one query for each kind."""

    projects: Document | None = None
    tasks: Document | None = None
    models: Document | None = None
    pipelines: Document | None = None
    pipeline_runs: Document | None = None
    datasets: Document | None = None
    dataset_versions: Document | None = None
    reports: Document | None = None
    active_users: list[str] | None = None
    """Count only what these users made."""
    search_hidden: bool = False
    allow_public: bool = True


class ValueMapping(Request):
    """What to write instead of a value."""

    key: Any = None
    value: Any = None


class FieldMapping(Request):
    """A column of the file: a field, its heading, and other words for its values."""

    field: str
    name: str | None = None
    values: list[ValueMapping] | None = None


class PreparedResponse(Response):
    prepare_id: str


@action("organization.prepare_download_for_get_all", answers=PreparedResponse)
class PrepareDownload(Request):
    """Keep a query of tasks or models, to be downloaded as a table in the next minutes."""

    entity_type: Literal["task", "model"]
    only_fields: list[str] | None = None
    field_mappings: list[FieldMapping] | None = None
    allow_public: bool = True
    search_hidden: bool = False


@action("organization.download_for_get_all", answers=bytes)
class Download(Request):
    """Download a prepared query as comma-separated values."""

    prepare_id: str

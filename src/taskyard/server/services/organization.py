"""Questions about the whole company: its tags, its counts, its tables as files."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from taskyard.api import organization as api
from taskyard.api.errors import INVALID_ID, ApiError
from taskyard.api.wire import Document
from taskyard.server.call import Call, Raw, reads, serves, writes
from taskyard.server.domain import table_export
from taskyard.server.domain.company import COMPANY_NAME
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, references, tags
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK, Kind
from taskyard.server.store.tables import scrolls

COUNTED: dict[str, Kind] = {
    "projects": PROJECT,
    "tasks": TASK,
    "models": MODEL,
    "pipelines": PROJECT,
    "pipeline_runs": TASK,
    "datasets": PROJECT,
    "dataset_versions": TASK,
    "reports": TASK,
}
"""What each count is of: pipelines and datasets are projects that a filter tells apart."""

EXPORTED = {"task": TASK, "model": MODEL}
PREPARED_FOR = 600_000_000
"""How long a prepared download waits to be fetched: microseconds."""
ROWS = 500
"""Rows read at a time: a download of any size takes little memory."""


@reads(api.GetTags)
def get_tags(tx: Tx, call: Call, request: api.GetTags) -> api.TagsResponse:
    wanted: dict[str, Any] = {"search_hidden": True}
    if request.filter is not None:
        wanted |= {k: v for k, v in msgspec.to_builtins(request.filter).items() if v is not None}
    found: dict[tags.Field, set[str]] = {"tags": set(), "system_tags": set()}
    for kind in (TASK, MODEL):
        where = documents.matching(tx, kind, call, wanted)
        for field, known in found.items():
            if field == "tags" or request.include_system:
                known |= tags.distinct(tx, kind, field, where)
    answer = api.TagsResponse(tags=sorted(found["tags"]))
    if request.include_system:
        answer.system_tags = sorted(found["system_tags"])
    return answer


@serves(api.GetUserCompanies)
async def get_user_companies(call: Call, request: api.GetUserCompanies) -> api.CompaniesResponse:
    company = {"id": call.company, "name": COMPANY_NAME, "allocated": True, "owners": []}
    return api.CompaniesResponse(companies=[company])


@reads(api.GetEntitiesCount)
def get_entities_count(tx: Tx, call: Call, request: api.GetEntitiesCount) -> api.CountsResponse:
    common: Document = {
        "search_hidden": request.search_hidden,
        "allow_public": request.allow_public,
    }
    answer = api.CountsResponse()
    for name, kind in COUNTED.items():
        query = getattr(request, name)
        if query is None:
            continue
        if request.active_users and not query.get("user"):
            query = {**query, "user": request.active_users}
        setattr(answer, name, documents.count(tx, kind, call, {**common, **query}))
    return answer


@writes(api.PrepareDownload)
def prepare_download(tx: Tx, call: Call, request: api.PrepareDownload) -> api.PreparedResponse:
    # What is wrong with the query shows now, and not in the middle of a file.
    documents.count(tx, EXPORTED[request.entity_type], call, call.body)
    id = uuid.uuid4().hex
    doc = {"what": "download", "company": call.company, "query": call.body}
    tx.execute(delete(scrolls).where(scrolls.c.expires < tx.now))
    tx.execute(insert(scrolls).values(id=id, expires=tx.now + PREPARED_FOR, doc=doc))
    return api.PreparedResponse(prepare_id=id)


@serves(api.Download)
async def download(call: Call, request: api.Download) -> Raw:
    query = await call.server.control.read(lambda tx: _prepared(tx, call, request.prepare_id))
    name = f"{query['entity_type']}s.csv"
    return Raw(_lines(call, query), content_type="text/csv; charset=utf-8", filename=name)


def _prepared(tx: Tx, call: Call, id: str) -> Document:
    row = select(scrolls.c.doc).where(scrolls.c.id == id, scrolls.c.expires >= tx.now)
    found = tx.execute(row).scalar()
    if not found or found.get("what") != "download" or found["company"] != call.company:
        raise ApiError(INVALID_ID, prepare_id=id, hint="Prepare the download again.")
    query: Document = found["query"]
    return query


async def _lines(call: Call, query: Document) -> AsyncIterator[bytes]:
    kind = EXPORTED[query["entity_type"]]
    fields = query.get("only_fields") or ["id", "name"]
    chosen = table_export.columns(fields, query.get("field_mappings") or ())
    yield table_export.headings(chosen).encode()
    query = {k: v for k, v in query.items() if k not in {"scroll_id", "size"}}
    query |= {"only_fields": sorted({column.path for column in chosen}), "page_size": ROWS}
    for page in itertools.count():
        found = await call.server.control.read(partial(_page, call, kind, {**query, "page": page}))
        yield table_export.write(chosen, found).encode()
        if len(found) < ROWS:
            return


def _page(call: Call, kind: Kind, query: Document, tx: Tx) -> list[Document]:
    found = documents.find(tx, kind, call, query)
    references.expand(tx, kind, call, found, query["only_fields"])
    return found

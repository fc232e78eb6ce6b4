"""The API as it describes itself: the OpenAPI document and the reference page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from taskyard.api import reference, wire


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return reference.openapi()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(target := part.get("$ref"), str):
            yield target
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_action_is_in_the_document(document: dict[str, Any]) -> None:
    reference.load_services()
    assert set(document["paths"]) == {f"/{name}" for name in wire.ACTIONS}


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_every_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    operations = [path["post"]["operationId"] for path in document["paths"].values()]
    assert len(operations) == len(set(operations))


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        dialect = "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate({**schema, "$schema": dialect})


def test_the_page_has_every_action_and_needs_no_other_host() -> None:
    page = reference.page()
    reference.load_services()
    assert [name for name in wire.ACTIONS if f"<code>{name}</code>" not in page] == []
    assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"' >]*""", page) == []

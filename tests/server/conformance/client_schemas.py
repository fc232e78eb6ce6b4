"""What the packages of the clients themselves say of actions: JSON schemas, by version."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.server.asking import Document

PACKAGES = Path(__file__).parents[3] / ".cache" / "clients" / "lib" / "python3.11" / "site-packages"
VERSIONS = {
    "2.4": "clearml_agent/backend_api/services/v2_4",
    "2.5": "clearml_agent/backend_api/services/v2_5",
    "2.9": "clearml/backend_api/services/v2_9",
    "2.13": "clearml/backend_api/services/v2_13",
    "2.20": "clearml/backend_api/services/v2_20",
    "2.23": "clearml/backend_api/services/v2_23",
}
HOSTED = frozenset({"datasets", "dataviews", "frames"})
"""Services of the vendor's own installation, which no server of one's own has."""


@cache
def schemas(version: str) -> Mapping[str, Mapping[str, Document]]:
    """By action: the schemas of its ``Request`` and its ``Response``."""
    found: dict[str, dict[str, Document]] = {}
    for module in sorted((PACKAGES / VERSIONS[version]).glob("*.py")):
        if module.stem in HOSTED:
            continue
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef):
                constants = dict(_constants(node))
                if "_action" in constants and isinstance(constants.get("_schema"), dict):
                    action = f"{constants['_service']}.{constants['_action']}"
                    side = "Response" if node.name.endswith("Response") else "Request"
                    found.setdefault(action, {})[side] = constants["_schema"]
    return found


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            try:
                yield line.targets[0].id, ast.literal_eval(line.value)
            except ValueError:
                continue


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def complaints(value: Any, schema: Document, whole: Document, path: str = "") -> Iterator[str]:
    """Where a value is not what a schema (part of ``whole``) says of it."""
    for kind in _alternatives(schema, whole):
        if _is(value, kind):
            break
    else:
        yield f"{path or 'the answer'} is {value!r}"
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            known = kind.get("properties", {}).get(name, kind.get("additionalProperties"))
            if isinstance(known, dict):
                yield from complaints(inner, known, whole, f"{path}.{name}")
    elif isinstance(value, list) and isinstance(items := kind.get("items"), dict):
        for number, inner in enumerate(value):
            yield from complaints(inner, items, whole, f"{path}[{number}]")


def _alternatives(schema: Document, whole: Document) -> Iterator[Document]:
    if name := schema.get("$ref"):
        # Some lead nowhere, and so say nothing.
        named = whole.get("definitions", {}).get(name.rpartition("/")[2], {})
        yield from _alternatives(named, whole)
    elif "oneOf" in schema:
        for inner in schema["oneOf"]:
            yield from _alternatives(inner, whole)
    else:
        yield schema


def _is(value: Any, schema: Document) -> bool:
    named = schema.get("type", [])
    types = [kind for name in _listed(named) for kind in _TYPES[name]]
    if isinstance(value, bool) and types and bool not in types:
        return False
    if types and not isinstance(value, tuple(types)):
        return False
    return "enum" not in schema or value in schema["enum"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def samples(schema: Document, whole: Document) -> Iterator[Any]:
    """A value for each alternative that a schema leaves."""
    for kind in _alternatives(schema, whole):
        if "enum" in kind:
            yield from (value for value in kind["enum"] if value is not None)
            continue
        for name in _listed(kind.get("type", [])):
            if name == "array":
                yield list(samples(kind.get("items", {}), whole))
            elif name != "null":
                yield {"string": "abc", "integer": 1, "number": 1.5, "boolean": True}.get(name, {})

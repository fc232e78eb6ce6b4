"""The API's own description, derived from the declared actions: OpenAPI and a page to read."""

from __future__ import annotations

import html
import importlib
import pkgutil
from typing import Any

import msgspec

import taskyard.api as package
from taskyard.api import wire

_NOT_SERVICES = {"errors", "states", "wire", "reference", "arguments"}


def load_services() -> None:
    """Import every service's module, so that all actions are declared."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _NOT_SERVICES:
            importlib.import_module(f"{package.__name__}.{module.name}")


def actions() -> list[wire.Action]:
    """Every action, services and names in order, the newest version of each first."""
    load_services()
    return [a for name in sorted(wire.ACTIONS) for a in wire.ACTIONS[name]]


def openapi(server_url: str = "/") -> dict[str, Any]:
    """The OpenAPI 3.1 document. Each name has the newest shape of its request and answer."""
    newest = [wire.ACTIONS[name][0] for name in sorted({a.name for a in actions()})]
    types = [t for a in newest for t in (a.request, _answer_type(a))]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Any] = {}
    for index, action in enumerate(newest):
        paths[f"/{action.name}"] = {
            "post": _operation(action, schemas[2 * index], schemas[2 * index + 1])
        }
    components["Meta"] = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "result_code": {"type": "integer"},
            "result_subcode": {"type": "integer"},
            "result_msg": {"type": "string"},
            "error_data": {"type": "object"},
        },
        "required": ["id", "result_code", "result_subcode", "result_msg"],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taskyard",
            "version": wire.format_version(wire.API_VERSION),
            "description": "Every action is a POST of a JSON object; every answer has a "
            "`meta` that says how it went and a `data` with what was asked for.",
        },
        "servers": [{"url": server_url}],
        "security": [{"token": []}, {"keys": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "keys": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _answer_type(action: wire.Action) -> Any:
    return action.response


def _operation(action: wire.Action, request: Any, answer: Any) -> dict[str, Any]:
    kind = "application/json-lines" if action.batch else "application/json"
    envelope = {
        "type": "object",
        "properties": {"meta": {"$ref": "#/components/schemas/Meta"}, "data": answer},
        "required": ["meta", "data"],
    }
    failure = {
        "type": "object",
        "properties": {"meta": {"$ref": "#/components/schemas/Meta"}},
        "required": ["meta"],
    }
    operation: dict[str, Any] = {
        "operationId": action.name,
        "tags": [action.service],
        "summary": action.summary.splitlines()[0] if action.summary else action.name,
        "requestBody": {"content": {kind: {"schema": request}}},
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": envelope}},
            },
            "4XX": {
                "description": "Refused; meta says why",
                "content": {"application/json": {"schema": failure}},
            },
        },
    }
    if action.access == "open":
        operation["security"] = []
    return operation


def page() -> str:
    """The reference as one HTML page that needs nothing else."""
    parts: list[str] = []
    service = ""
    for action in actions():
        if action.service != service:
            service = action.service
            parts.append(f'<h2 id="{service}">{service}</h2>')
        parts.append(_section(action))
    services = sorted({a.service for a in actions()})
    links = " · ".join(f'<a href="#{s}">{s}</a>' for s in services)
    return _PAGE.format(links=links, body="\n".join(parts))


def _section(action: wire.Action) -> str:
    since = wire.format_version(action.since)
    return (
        f'<section><h3 id="{action.name}-{since}"><code>{action.name}</code>'
        f" <small>since {since}{' · ' + action.access if action.access != 'user' else ''}</small>"
        f"</h3><p>{html.escape(action.summary)}</p>"
        f"{_fields('asks', action.request)}{_fields('answers', action.response)}</section>"
    )


def _fields(title: str, struct: Any) -> str:
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        return f"<p>{title} a JSON object.</p>"
    fields = msgspec.structs.fields(struct)
    if not fields:
        return ""
    rows = "".join(
        f"<tr><td><code>{html.escape(f.encode_name)}</code></td>"
        f"<td>{html.escape(_type_name(f.type))}</td>"
        f"<td>{'required' if f.required else ''}</td></tr>"
        for f in fields
    )
    return f"<table><caption>{title}</caption>{rows}</table>"


def _type_name(kind: Any) -> str:
    text = getattr(kind, "__name__", None) if isinstance(kind, type) else None
    text = text or str(kind)
    for noise in ("typing.", "taskyard.api.", "<class '", "'>"):
        text = text.replace(noise, "")
    return text.replace(" | None", "")


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Taskyard API reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="ui/reference.css">
<main><h1>API reference</h1>
<p>Every action is a <code>POST /service.action</code> with a JSON object. Log in with
<code>auth.login</code> and HTTP basic authentication (access key and secret key), then send the
token as <code>Authorization: Bearer</code>; or send the keys with every call.
The same as data: <a href="openapi.json">openapi.json</a>.</p>
<nav>{links}</nav>
{body}
</main></html>"""

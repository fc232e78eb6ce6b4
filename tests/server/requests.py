"""The least that every action takes: requests made from the declared types."""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect as shapes

from taskyard.api import reference
from taskyard.api.wire import Action


def newest() -> list[Action]:
    """Every name of the API in its newest shape."""
    found: dict[str, Action] = {}
    for action in reference.actions():
        found.setdefault(action.name, action)
    return list(found.values())


def least(action: Action) -> dict[str, Any]:
    """A request with a fit value in each required field."""
    return _struct(action.request)


def _struct(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {f.encode_name: value(f.type) for f in msgspec.structs.fields(kind) if f.required}


def value(kind: Any) -> Any:
    """Some value of a declared type."""
    return _of(shapes.type_info(kind))


def holds(kind: Any) -> Literal["text", "texts", "other"]:
    """Whether a field of this declared type takes a text, a list of them, or neither."""
    known = _without_none(kind)
    if known is str:
        return "text"
    if get_origin(known) is list and _without_none(get_args(known)[0]) is str:
        return "texts"
    return "other"


def _without_none(kind: Any) -> Any:
    if get_origin(kind) is typing.Annotated:
        return _without_none(get_args(kind)[0])
    if get_origin(kind) in (typing.Union, types.UnionType):
        for inner in get_args(kind):
            if holds(inner) != "other":
                return _without_none(inner)
        return _without_none(next(t for t in get_args(kind) if t is not type(None)))
    return kind


def _of(info: shapes.Type) -> Any:
    match info:
        case shapes.UnionType(types=inner):
            return _of(inner[0])
        case shapes.LiteralType(values=values):
            return values[0]
        case shapes.EnumType(cls=cls):
            return next(iter(cls)).value
        case shapes.BoolType():
            return True
        case shapes.IntType(ge=ge):
            return max(1, ge or 1)
        case shapes.FloatType():
            return 1.0
        case shapes.ListType(item_type=item):
            return [_of(item)]
        case shapes.DictType(key_type=key, value_type=inner):
            return {_of(key): _of(inner)}
        case shapes.StructType(cls=cls):
            return _struct(cls)
        case _:
            return "some text"

"""Which fields of a document are read and shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column

from taskyard.server.domain.terms import Path, split
from taskyard.server.store.database import times
from taskyard.server.store.documents.kinds import Kind

Document = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to read for a projection, and how to make documents of it."""

    columns: tuple[str, ...]
    with_doc: bool
    only: tuple[str, ...] = ()

    def select(self, kind: Kind) -> list[Column[Any]]:
        """The columns to select, in the order that :meth:`document` takes their values."""
        found = [kind.columns[path] for path in self.columns]
        return [*found, kind.table.c.doc] if self.with_doc else found

    def document(self, kind: Kind, values: Sequence[Any]) -> Document:
        """A document from a row's values, projected, with defaults where nothing is stored."""
        document: Document = {}
        if self.with_doc:
            *values, stored = values
            document = stored or {}
        for path, value in zip(self.columns, values, strict=True):
            if value is None:
                continue
            if path in kind.times:
                value = times.to_wire(value)
            *parents, last = path.split(".")
            place = document
            for key in parents:
                place = place.setdefault(key, {})
            place[last] = value
        for key in kind.private:
            if key not in self.only:
                document.pop(key, None)
        if not self.only:
            _fill(document, kind.defaults)
            return document
        shown = {name.partition(".")[0] for name in self.only}
        if "*" in shown or self.only[0].startswith("-"):
            _fill(document, kind.defaults)
        else:
            _fill(document, {k: v for k, v in kind.defaults.items() if k in shown})
        return project(document, self.only)


def plan(kind: Kind, only: Sequence[str] | None) -> Plan:
    """The cheapest way to read the fields ``only`` names; all of them when it is empty."""
    public = tuple(path for path in kind.columns if path not in kind.private)
    if not only:
        return Plan(public, True)
    wanted = [name for name in only if not name.startswith("-")]
    if not wanted or "*" in wanted:
        return Plan(public, True, tuple(only))
    columns = ["id"]
    with_doc = False
    for name in wanted:
        whole = next((p for p in kind.columns if name == p or name.startswith(p + ".")), None)
        if whole is not None:
            columns.append(whole)
            continue
        columns += [p for p in public if p.startswith(name + ".")]
        with_doc = True
    return Plan(tuple(dict.fromkeys(columns)), with_doc, tuple(only))


def project(document: Document, only: Iterable[str] | None) -> Document:
    """The fields of ``document`` that ``only`` names, and its id.

    Dotted paths reach inside, also into the elements of lists; ``-path`` leaves out, ``*``
    stands for all. A path that goes below a plain value shows the value.
    """
    names = list(only or ())
    wanted = [name for name in names if not name.startswith("-")]
    unwanted = [split(name[1:]) for name in names if name.startswith("-")]
    if wanted and "*" not in wanted:
        shown: Document = {}
        if "id" in document:
            shown["id"] = document["id"]
        for name in wanted:
            _copy(document, shown, split(name))
    else:
        shown = dict(document)
    for path in unwanted:
        if path != ("id",):
            shown = _without(shown, path)
    return shown


def _fill(document: Document, defaults: Mapping[str, Any]) -> None:
    for key, value in defaults.items():
        known = document.get(key)
        if known is None:
            document[key] = _fresh(value)
        elif isinstance(value, dict) and isinstance(known, dict):
            _fill(known, value)


def _fresh(value: Any) -> Any:
    """A copy of a default, which its receiver may change."""
    if isinstance(value, dict):
        return {key: _fresh(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, list) else value


def _copy(source: Document, target: Document, path: Path) -> None:
    found = _step(source, path)
    if found is None:
        return
    key, rest = found
    value = source[key]
    if not rest or not isinstance(value, dict | list):
        target[key] = value
    elif isinstance(value, dict):
        inner = target.setdefault(key, {})
        if isinstance(inner, dict) and inner is not value:
            _copy(value, inner, rest)
    else:
        parts = target.setdefault(key, [{} for _ in value])
        if parts is not value:
            for element, part in zip(value, parts, strict=True):
                if isinstance(element, dict):
                    _copy(element, part, rest)


def _step(source: Document, path: Path) -> tuple[str, Path] | None:
    """The key of ``source`` that ``path`` starts with, which may itself hold dots."""
    for end in range(1, len(path) + 1):
        key = ".".join(path[:end])
        if key in source:
            return key, path[end:]
    return None


def _without(source: Document, path: Path) -> Document:
    found = _step(source, path)
    if found is None:
        return source
    key, rest = found
    value = source[key]
    if not rest:
        return {k: v for k, v in source.items() if k != key}
    if isinstance(value, dict):
        return {**source, key: _without(value, rest)}
    if isinstance(value, list):
        kept = [_without(e, rest) if isinstance(e, dict) else e for e in value]
        return {**source, key: kept}
    return source

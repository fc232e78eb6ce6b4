"""The query language of the ``get_all`` actions, read into the terms of :mod:`terms`.

A query is a JSON object. :class:`Filters` says which keys filter, and how; the rest are options
(paging, order, projection) or unknown and ignored. Nothing here knows about storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskyard.api.errors import BAD_VALUE, VALIDATION, ApiError
from taskyard.server.domain.terms import (
    MAX_PAGE,
    SHAPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Either,
    Equals,
    Filters,
    Matches,
    Not,
    Order,
    Path,
    Query,
    Scalar,
    Scroll,
    Text,
    split,
)

SCORE = "@text_score"


def parse(query: Mapping[str, Any], filters: Filters) -> Query:
    """Read a query. Raises ApiError(VALIDATION) for values of a wrong shape."""
    terms: list[Condition] = []
    for key, value in query.items():
        if value is None:
            continue
        if key in _MULTI:
            terms.append(_multi(key, value))
        elif key == "filters":
            terms += _field_filters(value, filters)
        else:
            terms += _by_class(key, value, filters)
    order, by_score = _order(query.get("order_by"))
    scroll = _scroll(query)
    limit, offset = (scroll.size, 0) if scroll else _page(query)
    return Query(
        condition=All(tuple(terms)),
        order=order,
        by_score=by_score,
        only=tuple(projection(query)),
        text=_text(query.get("search_text")),
        limit=limit,
        offset=offset,
        scroll=scroll,
        search_hidden=bool(query.get("search_hidden")),
        allow_public=query.get("allow_public") is not False,
    )


def scrolls(query: Mapping[str, Any]) -> bool:
    """Whether a query walks by scroll id, and so moves a position that the server keeps."""
    return bool(query.get("scroll_id")) or query.get("size") is not None


def projection(query: Mapping[str, Any]) -> list[str]:
    """The fields asked for, by either name of the option; empty for all of them."""
    fields = query.get("only_fields") or query.get("projection") or []
    return _strings(fields, "only_fields")


# --- filters -------------------------------------------------------------------------------

_MULTI = {"_any_": "any", "_or_": "any", "_all_": "all", "_and_": "all"}
_OPERATOR_PREFIX = "__$"
_OPERATORS = {
    "__$all": "all",
    "__$and": "all",
    "__$any": "any",
    "__$or": "any",
    "__$not": "not",
    "__$nop": "nop",
}


def check_tags(tags: Iterable[str]) -> None:
    """Raise ApiError(BAD_VALUE) for tags that no filter could name, as they read as operators."""
    if unsupported := [tag for tag in tags if tag.startswith(_OPERATOR_PREFIX)]:
        raise ApiError(BAD_VALUE, f"tags cannot start with {_OPERATOR_PREFIX}", values=unsupported)


def _belongs(key: str, names: frozenset[str]) -> bool:
    if key in names:
        return True
    return any(name.endswith(".*") and key.startswith(name[:-1]) for name in names)


def _by_class(key: str, value: Any, filters: Filters) -> list[Condition]:
    path = split(key)
    if _belongs(key, filters.lists):
        return _list_filter(path, value)
    if _belongs(key, filters.regexes):
        if not isinstance(value, str):
            raise _wrong(key, "a regular expression")
        return [Matches(path, value)] if value else []
    if _belongs(key, filters.times):
        return [_time_filter(path, value)]
    if _belongs(key, filters.ranges):
        return _range_filter(path, value)
    if _belongs(key, filters.plain):
        if not isinstance(value, str | int | float | bool):
            raise _wrong(key, "a plain value")
        return [Equals(path, value)]
    return []


@dataclass
class _Group:
    include: list[Scalar | None] = field(default_factory=list)
    exclude: list[Scalar | None] = field(default_factory=list)


def _list_filter(path: Path, value: Any) -> list[Condition]:
    items = value if isinstance(value, list) else [value]
    groups: dict[str, _Group] = {}
    legacy = _Group()
    prefixed = path[0] not in SHAPES  # the values of parameters may be negative numbers
    current, first, negate = "", "", False
    for item in items:
        if item is not None and not isinstance(item, str | int | float | bool):
            raise _wrong(".".join(path), "a value or a list of values")
        operator = _OPERATORS.get(item) if isinstance(item, str) else None
        if operator == "not":
            negate = True
        elif operator == "nop":
            current, negate = "", False
        elif operator:
            current, first = operator, first or operator
        else:
            if (
                prefixed
                and not negate
                and isinstance(item, str)
                and len(item) > 1
                and item[0] == "-"
            ):
                group, negate, item = legacy, True, item[1:]
            else:
                group = groups.setdefault(current or first or "default", _Group())
            (group.exclude if negate else group.include).append(item)
            negate = False
    terms: list[Condition] = []
    if legacy.exclude:
        terms.append(Not(_any_of(path, legacy.exclude)))
    parts: list[Condition] = []
    for name, group in groups.items():
        parts += _group(path, group, name)
    if parts:
        terms.append(Either(tuple(parts)) if first == "any" else All(tuple(parts)))
    return terms


def _group(path: Path, group: _Group, operator: str) -> list[Condition]:
    """The terms of one group: ``default`` wants one of the included and none of the excluded."""
    if operator == "default":
        terms: list[Condition] = []
        if group.include:
            terms.append(_any_of(path, group.include))
        if group.exclude:
            terms.append(Not(_any_of(path, group.exclude)))
        return terms
    if operator == "any":
        terms = [_any_of(path, group.include)] if group.include else []
        terms += [Not(_any_of(path, [value])) for value in group.exclude]
        return [Either(tuple(terms))]
    terms = [_any_of(path, [value]) for value in group.include]
    if group.exclude:
        terms.append(Not(_any_of(path, group.exclude)))
    return [All(tuple(terms))]


def _any_of(path: Path, values: Sequence[Scalar | None]) -> AnyOf:
    given = tuple(v for v in values if v is not None)
    return AnyOf(path, given, missing=len(given) < len(values))


def _field_filters(value: Any, filters: Filters) -> list[Condition]:
    if not isinstance(value, dict):
        raise _wrong("filters", "an object of filters by field")
    terms: list[Condition] = []
    for name, rule in value.items():
        if rule is None:
            continue
        if not isinstance(rule, dict):
            raise _wrong(f"filters.{name}", "an object with any, all and op")
        if not _belongs(name, filters.lists):
            continue
        parts: list[Condition] = []
        for operator in ("any", "all"):
            group = _rule_group(name, operator, rule.get(operator))
            if group.include or group.exclude:
                parts += _group(split(name), group, operator)
        joined = Either if rule.get("op") == "or" else All
        if parts:
            terms.append(joined(tuple(parts)))
    return terms


def _rule_group(name: str, operator: str, rule: Any) -> _Group:
    if rule is None:
        return _Group()
    if not isinstance(rule, dict):
        raise _wrong(f"filters.{name}.{operator}", "an object with include and exclude")
    found = _Group()
    for key, values in (("include", found.include), ("exclude", found.exclude)):
        given = rule.get(key, [])
        # A null in place of the list asks for what has no value.
        items = [None] if given is None else given if isinstance(given, list) else [given]
        for item in items:
            if item is not None and not isinstance(item, str | int | float | bool):
                raise _wrong(f"filters.{name}.{operator}.{key}", "a list of values")
            values.append(item)
    return found


def _time_filter(path: Path, value: Any) -> Condition:
    items = value if isinstance(value, list) else [value]
    bounded = any(isinstance(i, str) and i.lstrip()[:1] in (">", "<") for i in items)
    if len(items) == 2 and not bounded:
        return _between(path, items[0], items[1], is_time=True)
    terms: list[Condition] = []
    for item in items:
        if item is None:
            continue
        if isinstance(item, str):
            text = item.strip()
            operator = next((o for o in (">=", "<=", ">", "<") if text.startswith(o)), "")
            rest = text[len(operator) :].strip()
            if operator:
                terms.append(Compare(path, operator, rest, is_time=True))
                continue
            item = rest
        terms.append(_between(path, item, item, is_time=True))
    return All(tuple(terms))


def _range_filter(path: Path, value: Any) -> list[Condition]:
    if value == []:
        return []
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(".".join(path), "a list of two: the least and the greatest value")
    low, high = value
    for bound in value:
        if bound is not None and (
            isinstance(bound, bool) or not isinstance(bound, str | int | float)
        ):
            raise _wrong(".".join(path), "numbers or times as bounds")
    if low is None and high is None:
        return []
    return [_between(path, low, high, is_time=False)]


def _between(path: Path, low: Any, high: Any, *, is_time: bool) -> Condition:
    terms: list[Condition] = []
    if low is not None:
        terms.append(Compare(path, ">=", low, is_time))
    if high is not None:
        terms.append(Compare(path, "<=", high, is_time, or_missing=low is None and not is_time))
    return All(tuple(terms))


def _multi(key: str, value: Any) -> Condition:
    if not isinstance(value, dict) or not value.get("fields"):
        raise _wrong(key, "an object with fields, and a pattern or a datetime")
    paths = [split(name) for name in _strings(value["fields"], f"{key}.fields")]
    pattern, times = value.get("pattern"), value.get("datetime")
    terms: list[Condition]
    if isinstance(pattern, str):
        terms = [Matches(path, pattern, ignore_case=True) for path in paths]
    elif pattern is None and times is not None:
        terms = [_time_filter(path, times) for path in paths]
    else:
        raise _wrong(key, "a pattern or a datetime")
    return All(tuple(terms)) if _MULTI[key] == "all" else Either(tuple(terms))


# --- options -------------------------------------------------------------------------------


def _order(value: Any) -> tuple[tuple[Order, ...], bool | None]:
    order: list[Order] = []
    by_score: bool | None = None
    for name in _strings(value or [], "order_by"):
        bare = name[1:] if name[:1] in "+-" else name
        if bare == SCORE:
            by_score = name.startswith("-")
        elif bare:
            order.append(Order(split(bare), name.startswith("-")))
    return tuple(order), by_score


def _page(query: Mapping[str, Any]) -> tuple[int, int]:
    page = _whole(query.get("page"), "page", 0)
    size = min(_whole(query.get("page_size"), "page_size", MAX_PAGE, least=1), MAX_PAGE)
    return size, page * size


def _scroll(query: Mapping[str, Any]) -> Scroll | None:
    if not scrolls(query):
        return None
    if query.get("size") is None:
        raise ApiError(VALIDATION, "size is needed to scroll", field="size")
    size = _whole(query["size"], "size", MAX_PAGE, least=1)
    scroll = query.get("scroll_id") or ""
    if not isinstance(scroll, str):
        raise _wrong("scroll_id", "a string")
    return Scroll(scroll, min(size, MAX_PAGE), bool(query.get("refresh_scroll")))


def _text(value: Any) -> Text | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _wrong("search_text", "a string")
    wanted: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    for position, part in enumerate(value.split('"')):
        if position % 2:
            if part.strip():
                required.append(part)
            continue
        for word in part.split():
            if word.startswith("-") and len(word) > 1:
                excluded.append(word[1:])
            else:
                wanted.append(word)
    return Text(*(tuple(dict.fromkeys(words)) for words in (wanted, required, excluded)))


def _whole(value: Any, name: str, default: int, *, least: int = 0) -> int:
    if value is None:
        return default
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(name, "a whole number") from None
    if isinstance(value, bool) or number < least or number > 1 << 40:
        raise _wrong(name, f"a whole number of at least {least}")
    return number


def _strings(value: Any, name: str) -> list[str]:
    items: Iterable[Any] = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(i, str) for i in items):
        raise _wrong(name, "a name or a list of names")
    return list(items)


def _wrong(name: str, wanted: str) -> ApiError:
    return ApiError(VALIDATION, f"{name} must be {wanted}", field=name)

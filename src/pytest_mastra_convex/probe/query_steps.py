"""The steps that read tables and search texts and vectors.

`convex/conformance/queries.ts` is the same in TypeScript.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import islice
from typing import Any

from convex_mastra_emulator.runtime.context import ActionContext
from convex_mastra_emulator.runtime.database_context import DatabaseReader
from pytest_mastra_convex.probe.forms import Frame, MalformedProgram

QUERY_ENDS = ("take", "first", "unique", "paginate", "count", "read")
"""How a query ends, unless it is collected."""

_BOUNDS = frozenset({"eq", "gt", "gte", "lt", "lte"})
_BINARY = frozenset({"eq", "neq", "lt", "lte", "gt", "gte", "add", "sub", "mul", "div", "mod"})
_CONNECTIVES = {"and": "and_", "or": "or_"}
_UNARY = {"not": "not_", "neg": "neg"}


def member(json: Mapping[str, Any], name: str, what: str) -> Any:
    """What a part of a program must hold.

    Raises:
        MalformedProgram: if it does not.
    """
    try:
        return json[name]
    except (KeyError, TypeError):
        raise MalformedProgram(f"{what} needs {name}") from None


def run_query_step(db: DatabaseReader, step: Mapping[str, Any], frame: Frame) -> Any:
    """Runs a query and gives what it answers, in the fields that the step selects."""
    if "search" in step and "index" in step:
        raise MalformedProgram("a search has an index of its own")
    query: Any = db.query(step["table"])
    if "index" in step:
        query = query.with_index(step["index"], lambda q: _bounded(q, step.get("range", []), frame))
    elif "range" in step:
        raise MalformedProgram("a range needs an index")
    elif "search" in step:
        search = step["search"]
        query = query.with_search_index(member(search, "index", "a search"), lambda q: _searched(q, search, frame))
    if "order" in step:
        query = query.order(step["order"])
    filters = step.get("filter", [])
    for expression in filters if isinstance(filters, list) else [filters]:
        query = query.filter(lambda q, expression=expression: _expression(q, expression, frame))
    return _ended(query, step, frame)


def _ended(query: Any, step: Mapping[str, Any], frame: Frame) -> Any:
    ends = [name for name in QUERY_ENDS if name in step]
    if len(ends) > 1:
        raise MalformedProgram(f"a query ends in one way, not in {' and '.join(ends)}")
    match ends:
        case ["take"]:
            return _selected(query.take(frame.value(step["take"])), step)
        case ["first"]:
            return _selected(query.first(), step)
        case ["unique"]:
            return _selected(query.unique(), step)
        case ["paginate"]:
            page = query.paginate(frame.value(step["paginate"]))
            return {**page, "page": _selected(page["page"], step)}
        case ["count"]:
            return float(len(query.collect()))
        case ["read"]:
            return _selected(_read(query, step["read"]), step)
        case _:
            return _selected(query.collect(), step)


def _read(query: Iterable[Any], count: Any) -> list[Any]:
    # Nothing is read for 0, as the loop in TypeScript does not begin.
    return list(islice(query, int(count))) if count else []


def _selected(found: Any, step: Mapping[str, Any]) -> Any:
    names = step.get("select")
    if names is None or found is None:
        return found
    if isinstance(found, list):
        return [_selected(document, step) for document in found]
    return {name: found[name] for name in names if name in found}


def _bounded(q: Any, bounds: list[Any], frame: Frame) -> Any:
    def bound(built: Any, json: Any) -> Any:
        op = member(json, "op", "a bound")
        if op not in _BOUNDS:
            raise MalformedProgram(f"unknown bound {op}")
        return getattr(built, op)(member(json, "field", "a bound"), frame.value(member(json, "value", "a bound")))

    return reduce(bound, bounds, q)


def _searched(q: Any, search: Mapping[str, Any], frame: Frame) -> Any:
    # A list of texts is searched for one by one, to see that refused.
    texts = search.get("text", [])
    for text in texts if isinstance(texts, list) else [texts]:
        q = q.search(member(search, "field", "a search"), frame.value(text))
    for json in search.get("eq", []):
        q = q.eq(member(json, "field", "eq"), frame.value(member(json, "value", "eq")))
    return q


def _expression(q: Any, json: Any, frame: Frame) -> Any:
    op = json.get("op") if isinstance(json, dict) else None
    what = f"filter expression {op}"
    if op in _BINARY:
        left, right = (_expression(q, member(json, side, what), frame) for side in ("left", "right"))
        return getattr(q, op)(left, right)
    if op in _CONNECTIVES:
        return getattr(q, _CONNECTIVES[op])(*(_expression(q, each, frame) for each in member(json, "args", what)))
    if op in _UNARY:
        return getattr(q, _UNARY[op])(_expression(q, member(json, "arg", what), frame))
    if op is not None or not isinstance(json, dict):
        raise MalformedProgram(f"unknown {what}")
    if "field" in json:
        return q.field(json["field"])
    return frame.value(member(json, "value", "a filter expression"))


def run_vector_search(ctx: ActionContext, step: Mapping[str, Any], frame: Frame) -> Any:
    """Searches vectors."""
    options: dict[str, Any] = {"vector": frame.value(member(step, "vector", "vectorSearch"))}
    if "limit" in step:
        options["limit"] = frame.value(step["limit"])
    if "filter" in step:
        options["filter"] = lambda q: _vector_filter(q, step["filter"], frame)
    return ctx.vector_search(step["table"], member(step, "index", "vectorSearch"), **options)


def _vector_filter(q: Any, json: Any, frame: Frame) -> Any:
    op = member(json, "op", "a vector filter")
    if op == "eq":
        return q.eq(member(json, "field", "eq"), frame.value(member(json, "value", "eq")))
    if op == "or":
        return q.or_(*(_vector_filter(q, each, frame) for each in member(json, "args", "or")))
    raise MalformedProgram(f"unknown vector filter {op}")

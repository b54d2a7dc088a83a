"""Strategies for calls of Mastra's functions: a few records that come up again and again.

npm @mastra/convex 1.5.2 ``mastraStorage`` and ``mastraCache`` (mastra-adapter.md §4 and §9, checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

MASTRA_TABLES = ("mastra_messages", "mastra_documents", "mastra_cache", "mastra_cache_list_items")
"""The tables that these calls write."""

_STORAGE = "mastra/storage:handle"
_CACHE = "mastra/cache:handle"

_IDS = st.sampled_from(("m1", "m2", "m3", "m4"))
_THREADS = st.sampled_from(("t1", "t2"))
_TIMES = st.sampled_from(("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2025-12-31T00:00:00.000Z"))
_TEXTS = st.sampled_from(("", "a", "ä😀", '{"a":1}'))
_VALUES: st.SearchStrategy[Any] = st.one_of(
    _TEXTS, st.sampled_from((None, True, 0.0, -1.5)), st.lists(_TEXTS, max_size=2), st.just({"a": [1.0], "b": None})
)


@dataclass(frozen=True, slots=True)
class MastraCall:
    """A call of one of Mastra's functions, all of which are mutations.

    Attributes:
        path: of the function.
        args: its arguments.
    """

    path: str
    args: dict[str, Any]


def mastra_calls() -> st.SearchStrategy[MastraCall]:
    """Calls of ``mastra/storage:handle`` and ``mastra/cache:handle``."""
    return st.one_of(
        _storage("mastra_messages", _messages, {"content": _TEXTS, "role": st.just("assistant")}, "thread_id"),
        # Any other name goes to the fallback table.
        _storage("notes", _notes, {"text": _VALUES, "thread_id": _THREADS}, "thread_id"),
        _cache(),
    )


@st.composite
def first_mastra_calls(draw: st.DrawFn) -> list[MastraCall]:
    """Calls that give the others something to find."""
    tables = {"mastra_messages": _messages, "notes": _notes}
    return [
        MastraCall(_STORAGE, {"op": "insert", "tableName": table, "record": {**draw(records), "id": record_id}})
        for table, records in tables.items()
        for record_id in ("m1", "m2")
    ]


_messages = st.fixed_dictionaries(
    {
        "id": _IDS,
        "thread_id": _THREADS,
        "content": _TEXTS,
        "role": st.just("user"),
        "type": st.just("v2"),
        "createdAt": _TIMES,
    },
    optional={"resourceId": st.sampled_from(("r1", "r2"))},
)
_notes = st.fixed_dictionaries({"id": _IDS, "thread_id": _THREADS}, optional={"text": _VALUES})


def _storage(
    table: str, records: st.SearchStrategy[Any], changes: dict[str, st.SearchStrategy[Any]], filtered: str
) -> st.SearchStrategy[MastraCall]:
    filters = st.lists(st.fixed_dictionaries({"field": st.just(filtered), "value": _THREADS}), max_size=1)
    limits = st.sampled_from((1.0, 2.0, 10.0))
    operations: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "insert": {"record": records},
        "batchInsert": {"records": st.lists(records, max_size=4)},
        "patch": {"id": _IDS, "record": st.fixed_dictionaries({}, optional=changes)},
        "load": {"keys": _IDS.map(lambda record_id: {"id": record_id})},
        "queryTable": {"filters": filters, "limit": limits},
        "deleteMany": {"ids": st.lists(_IDS, max_size=3, unique=True)},
    }
    return _calls(_STORAGE, operations, {"tableName": table})


def _cache() -> st.SearchStrategy[MastraCall]:
    keys = {"key": st.sampled_from(("p:a", "p:b", "q:a"))}
    prefixes = {"keyPrefix": st.sampled_from(("p:", "q:"))}
    # Long over, or not while the tests run: the machine's deployments may have different clocks.
    written = {**keys, **prefixes, "expiresAt": st.sampled_from((None, None, 8.64e15, 1.0))}
    bounds = st.sampled_from((0.0, 1.0, -1.0, 5.0))
    operations: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "get": keys,
        "set": {**written, "value": _VALUES},
        "listPush": {**written, "value": _VALUES},
        "listLength": keys,
        "listFromTo": {**keys, "from": bounds, "to": bounds},
        "increment": written,
        "delete": keys,
        "clear": prefixes,
    }
    return _calls(_CACHE, operations, {})


@st.composite
def _calls(
    draw: st.DrawFn, path: str, operations: dict[str, dict[str, st.SearchStrategy[Any]]], always: dict[str, Any]
) -> MastraCall:
    op = draw(st.sampled_from(list(operations)))
    arguments = {name: draw(values) for name, values in operations[op].items()}
    return MastraCall(path, {"op": op, **always, **arguments})

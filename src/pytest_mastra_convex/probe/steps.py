"""Builders of the steps of a program, for :class:`~pytest_mastra_convex.probe.client.Probe`.

Values are Python's: float (an int stands for one), ``ConvexInt64``, bytes, str, bool, None, lists and dicts of these,
``undefined``, and the forms of :mod:`~pytest_mastra_convex.probe.values`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Required, TypeAlias, TypedDict, Unpack

from pytest_mastra_convex.probe.expressions import Expression
from pytest_mastra_convex.probe.values import encoded

Step: TypeAlias = dict[str, Any]
Level: TypeAlias = Literal["log", "debug", "info", "warn", "error"]


class SearchOptions(TypedDict, total=False):
    """Which documents a text search finds.

    Attributes:
        index: the text index.
        field: its search field.
        text: the words to look for; a list of texts is searched for one by one, to see that refused; without it
            nothing is searched for.
        eq: what filter fields must be, such as ``[eq("group", "a")]``.
    """

    index: Required[str]
    field: str
    text: Any
    eq: Sequence[Expression]


class QueryOptions(TypedDict, total=False):
    """Which documents a query finds, and in which order.

    Attributes:
        index: the index to read; without it the whole table in creation order.
        range: bounds of the index range, such as ``[eq("a", 1), gt("b", 2)]``.
        search: reads a text index instead, the best document first.
        order: ``"asc"`` or ``"desc"``.
        filter: a condition, or several that are put on one after the other.
        select: only these fields of each document are answered.
    """

    index: str
    range: Sequence[Expression]
    search: SearchOptions
    order: str
    filter: Expression | Sequence[Expression]
    select: Sequence[str]


def _step(op: str, *, times: int | None = None, table: str | None = None, **members: Any) -> Step:
    step: Step = {"op": op, **members}
    if table is not None:
        step["table"] = table
    if times is not None:
        step["times"] = times
    return step


def uncaught(step: Step) -> Step:
    """The same step; if it fails, its error leaves the function."""
    return {**step, "uncaught": True}


def insert(table: str, value: Any, *, times: int | None = None) -> Step:
    """Stores a document, or ``times`` of them (:func:`~.values.counter` tells them apart); answers the last id."""
    return _step("insert", table=table, value=encoded(value), times=times)


def patch(id: Any, value: Any, *, table: str | None = None, times: int | None = None) -> Step:
    """Merges fields; with ``table`` in the form of two arguments and a value."""
    return _step("patch", id=encoded(id), value=encoded(value), table=table, times=times)


def replace(id: Any, value: Any, *, table: str | None = None, times: int | None = None) -> Step:
    """Replaces a document."""
    return _step("replace", id=encoded(id), value=encoded(value), table=table, times=times)


def delete(id: Any, *, table: str | None = None, times: int | None = None) -> Step:
    """Deletes a document."""
    return _step("delete", id=encoded(id), table=table, times=times)


def get(id: Any, *, table: str | None = None, times: int | None = None) -> Step:
    """A document, or None."""
    return _step("get", id=encoded(id), table=table, times=times)


def normalize_id(table: str, text: Any) -> Step:
    """The id of ``table`` that ``text`` stands for, or None."""
    return _step("normalizeId", table=table, text=encoded(text))


def query(
    table: str,
    *,
    take: Any = None,
    first: bool = False,
    unique: bool = False,
    count: bool = False,
    paginate: Mapping[str, Any] | None = None,
    read: int | None = None,
    times: int | None = None,
    **options: Unpack[QueryOptions],
) -> Step:
    """A query; it is collected unless one of its other ends is named.

    Args:
        table: whose documents.
        take: the first so many.
        first: the first, or None.
        unique: the only one, or None.
        count: how many there are.
        paginate: one page, such as ``{"numItems": 10, "cursor": None}``.
        read: so many, by iterating and stopping.
        times: so often.
        options: see :class:`QueryOptions`.
    """
    step = _step("query", table=table, times=times, **_query_members(options))
    ends = {"take": take, "paginate": paginate, "read": read}
    step |= {name: encoded(end) for name, end in ends.items() if end is not None}
    step |= {name: True for name, is_wanted in {"first": first, "unique": unique, "count": count}.items() if is_wanted}
    return step


def _query_members(options: QueryOptions) -> dict[str, Any]:
    members: dict[str, Any] = dict(options)
    if "range" in options:
        members["range"] = [bound.json for bound in options["range"]]
    if "search" in options:
        members["search"] = _search_members(options["search"])
    if "filter" in options:
        filters = options["filter"]
        members["filter"] = filters.json if isinstance(filters, Expression) else [each.json for each in filters]
    if "select" in options:
        members["select"] = list(options["select"])
    return members


def _search_members(options: SearchOptions) -> dict[str, Any]:
    members: dict[str, Any] = dict(options)
    if "text" in options:
        members["text"] = encoded(options["text"])
    if "eq" in options:
        members["eq"] = [condition.json for condition in options["eq"]]
    return members


def now() -> Step:
    """``Date.now()``: milliseconds since the Unix epoch."""
    return _step("now")


def log(*values: Any, level: Level = "log") -> Step:
    """Logs values with ``console``; answers None."""
    return _step("log", level=level, values=encoded(values))


def throw(text: str) -> Step:
    """Ends the function with ``new Error(text)``."""
    return _step("throw", text=text)


def throw_convex(data: Any) -> Step:
    """Ends the function with ``new ConvexError(data)``."""
    return _step("throwConvex", data=encoded(data))


def parallel(*steps: Step) -> Step:
    """Runs steps side by side (on the emulator one after the other); answers the list of their results."""
    return _step("parallel", steps=list(steps))


def run_query(*steps: Step, internal: bool = False, times: int | None = None) -> Step:
    """Calls the probe's query with a program of its own; answers the list of its results."""
    return _step("runQuery", program=list(steps), times=times, **_internal(internal))


def run_mutation(*steps: Step, internal: bool = False, times: int | None = None) -> Step:
    """Calls the probe's mutation with a program of its own."""
    return _step("runMutation", program=list(steps), times=times, **_internal(internal))


def run_action(*steps: Step, internal: bool = False, times: int | None = None) -> Step:
    """Calls the probe's action with a program of its own; in actions only."""
    return _step("runAction", program=list(steps), times=times, **_internal(internal))


def _internal(internal: bool) -> dict[str, Any]:
    return {"internal": True} if internal else {}


def call_query(path: str, args: Any = None) -> Step:
    """Calls any query by its path."""
    return _call("runQuery", path, args)


def call_mutation(path: str, args: Any = None) -> Step:
    """Calls any mutation by its path."""
    return _call("runMutation", path, args)


def call_action(path: str, args: Any = None) -> Step:
    """Calls any action by its path; in actions only."""
    return _call("runAction", path, args)


def _call(op: str, path: str, args: Any) -> Step:
    return _step(op, path=path, args={} if args is None else encoded(args))


def run_after(
    delay: Any,
    *steps: Step,
    function: str = "mutation",
    path: str | None = None,
    args: Any = None,
    times: int | None = None,
) -> Step:
    """Lets a function run after so many milliseconds; answers the id of the scheduled function.

    Args:
        delay: milliseconds, or any value to see it refused.
        steps: the program of one of the probe's functions, unless ``path`` is said.
        function: which of them: ``"mutation"``, ``"action"``, ``"internalMutation"``, …
        path: any function instead.
        args: its arguments.
        times: so often.
    """
    return _step("runAfter", delay=encoded(delay), times=times, **_scheduled(steps, function, path, args))


def run_at(time: Any, *steps: Step, function: str = "mutation", path: str | None = None, args: Any = None) -> Step:
    """Lets a function run at a time, in milliseconds since the Unix epoch; otherwise as :func:`run_after`."""
    return _step("runAt", time=encoded(time), **_scheduled(steps, function, path, args))


def _scheduled(steps: Sequence[Step], function: str, path: str | None, args: Any) -> dict[str, Any]:
    if path is None:
        return {"program": list(steps), "function": function}
    return {"path": path, "args": {} if args is None else encoded(args)}


def cancel(id: Any) -> Step:
    """Cancels a scheduled function."""
    return _step("cancel", id=encoded(id))


def system_get(id: Any, *, table: str | None = None) -> Step:
    """A document of a system table, or None."""
    return _step("systemGet", id=encoded(id), table=table)


def system_query(table: str, **options: Any) -> Step:
    """A query of a system table, with the ends and options of :func:`query`."""
    return {**query(table, **options), "op": "systemQuery"}


def vector_search(
    table: str,
    index: str,
    vector: Any,
    *,
    limit: Any = None,
    filter: Expression | None = None,
    times: int | None = None,
) -> Step:
    """The documents nearest to ``vector``; in actions only.

    Args:
        table: whose vector index.
        index: its name.
        vector: the numbers, or any value to see it refused.
        limit: how many at most; the deployment's default if None.
        filter: ``eq("group", value)`` or ``or_`` of such.
        times: so often.
    """
    members: dict[str, Any] = {} if limit is None else {"limit": encoded(limit)}
    if filter is not None:
        members["filter"] = filter.json
    return _step("vectorSearch", table=table, index=index, vector=encoded(vector), times=times, **members)


def storage_url(id: Any, *, plain: bool = False) -> Step:
    """Whether a stored file has a URL; if ``plain``, the URL."""
    return _step("storageUrl", id=encoded(id), **_plain(plain))


def storage_metadata(id: Any) -> Step:
    """``sha256``, ``size`` and ``contentType`` of a stored file, or None."""
    return _step("storageMetadata", id=encoded(id))


def storage_upload_url(*, plain: bool = False) -> Step:
    """Whether there is a URL for uploads; if ``plain``, the URL; in mutations and actions."""
    return _step("storageUploadUrl", **_plain(plain))


def _plain(plain: bool) -> dict[str, Any]:
    return {"plain": True} if plain else {}


def storage_delete(id: Any) -> Step:
    """Deletes a stored file; in mutations and actions."""
    return _step("storageDelete", id=encoded(id))


def storage_store(body: bytes, content_type: str | None = None, *, sha256: str | None = None) -> Step:
    """Stores bytes and answers their id; in actions, and in mutations to see it refused."""
    given = {"contentType": content_type, "sha256": sha256}
    members: dict[str, Any] = {name: text for name, text in given.items() if text is not None}
    return _step("storageStore", body=encoded(body), **members)


def storage_get(id: Any) -> Step:
    """``body`` and ``contentType`` of a stored file, or None; in actions, and in mutations to see it refused."""
    return _step("storageGet", id=encoded(id))

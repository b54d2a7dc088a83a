"""Raw `queryTable` requests: filters, limits, order, hints and pages."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.conformance.records import equal, ids_of, rows, send

MESSAGES = "mastra_messages"
THREADS = "mastra_threads"
SNAPSHOTS = "mastra_workflow_snapshot"
VECTORS = "mastra_vector_docs"
FALLBACK = "notes"


def insert_messages(deployment: Deployment, *messages: dict[str, Any]) -> None:
    """Inserts messages of thread-1, said at noon, unless they say otherwise."""
    given = {"thread_id": "thread-1", "content": "{}", "role": "user", "type": "v2", "createdAt": "12:00"}
    send(deployment, "batchInsert", MESSAGES, records=[{**given, **message} for message in messages])


def insert_threads(deployment: Deployment, *threads: dict[str, Any]) -> None:
    """Inserts threads of resource-1 unless they say otherwise."""
    given = {"resourceId": "resource-1", "title": "t", "createdAt": "12:00", "updatedAt": "12:00"}
    send(deployment, "batchInsert", THREADS, records=[{**given, **thread} for thread in threads])


def insert_notes(deployment: Deployment, *notes: dict[str, Any]) -> None:
    """Inserts records of the fallback table."""
    send(deployment, "batchInsert", FALLBACK, records=list(notes))


# Filters


# Several filters must all hold, whether an index answers them or not.
@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([equal("role", "user")], ["a", "c"]),
        ([equal("role", "user"), equal("thread_id", "thread-2")], ["c"]),
        ([equal("role", "user"), equal("type", "text")], []),
        ([equal("id", "b")], ["b"]),
        ([equal("nothing", "x")], []),
        ([], ["a", "b", "c"]),
    ],
    ids=["one", "with-index", "contradiction", "id", "unknown-field", "none"],
)
def test_filters_must_all_hold(convex_deployment: Deployment, filters: list[Any], ids: list[str]) -> None:
    insert_messages(convex_deployment, {"id": "a"}, {"id": "b", "role": "tool"}, {"id": "c", "thread_id": "thread-2"})

    assert ids_of(rows(convex_deployment, MESSAGES, filters=filters)) == ids


# Null matches null and nothing else; a filter without a value matches rows that have no such field.
@pytest.mark.parametrize(
    ("filter_", "ids"),
    [
        (equal("metadata", None), ["null"]),
        ({"field": "metadata"}, ["missing"]),
        (equal("metadata", ""), ["empty"]),
        (equal("metadata", 0), ["zero"]),
        (equal("metadata", False), ["false"]),
    ],
    ids=["null", "missing", "empty", "zero", "false"],
)
@pytest.mark.parametrize("table", [THREADS, FALLBACK], ids=["typed", "fallback"])
def test_null_and_missing_differ(convex_deployment: Deployment, table: str, filter_: Any, ids: list[str]) -> None:
    given = {"null": None, "empty": "", "zero": 0, "false": False, "other": {"a": 1}}
    records = [{"id": record_id, "metadata": value} for record_id, value in given.items()]
    insert = insert_threads if table == THREADS else insert_notes
    insert(convex_deployment, *records, {"id": "missing"})

    assert ids_of(rows(convex_deployment, table, filters=[filter_])) == ids


# Two filters on one field: on an indexed field only the last counts, on others both must hold.
@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([equal("thread_id", "thread-1"), equal("thread_id", "thread-2")], ["b"]),
        ([equal("role", "user"), equal("role", "tool")], []),
    ],
    ids=["indexed", "not-indexed"],
)
def test_two_filters_on_one_field(convex_deployment: Deployment, filters: list[Any], ids: list[str]) -> None:
    insert_messages(convex_deployment, {"id": "a"}, {"id": "b", "thread_id": "thread-2"})

    assert ids_of(rows(convex_deployment, MESSAGES, filters=filters)) == ids


# Order


# The index that the filters choose decides: messages of a thread by time, of a resource by creation, all by creation.
@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([equal("thread_id", "thread-1")], ["a", "c", "b"]),
        ([equal("resourceId", "ann")], ["c", "b", "a"]),
        ([equal("role", "user")], ["c", "b", "a"]),
        ([], ["c", "b", "a"]),
    ],
    ids=["thread", "resource", "no-index", "no-filter"],
)
def test_the_index_decides_the_order(convex_deployment: Deployment, filters: list[Any], ids: list[str]) -> None:
    times = {"c": "12:02", "b": "12:03", "a": "12:01"}
    messages = [{"id": name, "createdAt": time, "resourceId": "ann"} for name, time in times.items()]
    insert_messages(convex_deployment, *messages)

    assert ids_of(rows(convex_deployment, MESSAGES, filters=filters)) == ids


# Times are text to the index, ordered by their UTF-8 bytes: "9" comes after "10", and what is not ASCII last.
def test_times_are_ordered_as_text(convex_deployment: Deployment) -> None:
    times = {"a": "9", "b": "10", "c": "ü", "d": "Z", "e": "", "f": "🙂"}
    insert_messages(convex_deployment, *({"id": name, "createdAt": time} for name, time in times.items()))

    found = rows(convex_deployment, MESSAGES, filters=[equal("thread_id", "thread-1")])

    assert ids_of(found) == ["e", "b", "a", "d", "c", "f"]


# Messages of one time stay in the order of their creation, whatever their ids.
def test_equal_times_are_ordered_by_creation(convex_deployment: Deployment) -> None:
    insert_messages(convex_deployment, {"id": "z"}, {"id": "a"}, {"id": "m"})

    assert ids_of(rows(convex_deployment, MESSAGES, filters=[equal("thread_id", "thread-1")])) == ["z", "a", "m"]


# Limits


# The limit is applied to what matches; 0 is no limit.
@pytest.mark.parametrize(
    ("limit", "ids"),
    [(1, ["b"]), (2, ["b", "d"]), (99, ["b", "d"]), (0, ["b", "d"])],
    ids=["one", "two", "many", "zero"],
)
def test_a_limit_counts_what_matches(convex_deployment: Deployment, limit: int, ids: list[str]) -> None:
    messages = [{"id": name, "role": role} for name, role in (("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"))]
    insert_messages(convex_deployment, *messages)

    assert ids_of(rows(convex_deployment, MESSAGES, filters=[equal("role", "y")], limit=limit)) == ids


# Fallback and vector tables read twice the limit and filter afterwards: of four rows only the first two are looked at.
@pytest.mark.parametrize(("limit", "ids"), [(1, []), (2, ["c", "d"]), (None, ["c", "d"])], ids=["1", "2", "none"])
@pytest.mark.parametrize("table", [FALLBACK, VECTORS], ids=["fallback", "vectors"])
def test_a_limit_counts_what_is_read(
    convex_deployment: Deployment, table: str, limit: int | None, ids: list[str]
) -> None:
    kinds = {"a": "x", "b": "x", "c": "y", "d": "y"}
    records = [{"id": name, "embedding": [1.0], "metadata": kind, "kind": kind} for name, kind in kinds.items()]
    send(convex_deployment, "batchInsert", table, records=records)
    field = "metadata" if table == VECTORS else "kind"
    arguments = {} if limit is None else {"limit": limit}

    assert ids_of(rows(convex_deployment, table, filters=[equal(field, "y")], **arguments)) == ids


# A negative limit is no number of rows.
@pytest.mark.parametrize("table", [MESSAGES, FALLBACK], ids=["typed", "fallback"])
def test_a_negative_limit_fails(convex_deployment: Deployment, table: str) -> None:
    with pytest.raises(FunctionError):
        rows(convex_deployment, table, limit=-1)


# Hints


# A hint replaces the choice of the index; every filter still applies, and an unknown index is none at all.
@pytest.mark.parametrize(
    ("hint", "filters", "ids"),
    [
        ({"index": "by_workflow", "workflowName": "trip"}, [], ["a", "b"]),
        ({"index": "by_workflow_run", "workflowName": "trip", "runId": "2"}, [], ["b"]),
        ({"index": "by_workflow", "workflowName": "trip"}, [equal("run_id", "1")], ["a"]),
        ({"index": "by_workflow", "workflowName": "trip"}, [equal("workflow_name", "other")], []),
        ({"index": "by_created", "workflowName": "trip"}, [], ["a", "c", "b"]),
    ],
    ids=["workflow", "run", "with-filter", "contradiction", "unknown"],
)
def test_hints(convex_deployment: Deployment, hint: dict[str, Any], filters: list[Any], ids: list[str]) -> None:
    given = {"snapshot": "{}", "createdAt": "12:00", "updatedAt": "12:00"}
    runs = (("a", "trip", "1"), ("c", "other", "1"), ("b", "trip", "2"))
    records = [{"id": name, "workflow_name": workflow, "run_id": run, **given} for name, workflow, run in runs]
    send(convex_deployment, "batchInsert", SNAPSHOTS, records=records)

    assert ids_of(rows(convex_deployment, SNAPSHOTS, indexHint=hint, filters=filters)) == ids


# Pages of vectors


def insert_vectors(deployment: Deployment, count: int) -> None:
    """Inserts v0, v1 and so on, whose metadata are their numbers."""
    records = [{"id": f"v{n}", "embedding": [1.0], "metadata": n} for n in range(count)]
    send(deployment, "batchInsert", VECTORS, records=records)


def pages(deployment: Deployment, size: int, **arguments: Any) -> list[list[str]]:
    """The ids of every page, to the last one."""
    found, cursor, has_more = [], None, True
    while has_more:
        answer = send(deployment, "queryTable", VECTORS, pageSize=size, cursor=cursor, **arguments)
        found.append(ids_of(answer["result"]))
        cursor, has_more = answer["continuationCursor"], answer["hasMore"]
    return found


# mastra-ai/mastra#17269: vectors are read to the end, a page a request, nothing twice and nothing missing.
def test_vectors_come_in_pages(convex_deployment: Deployment) -> None:
    insert_vectors(convex_deployment, 5)

    assert pages(convex_deployment, 2) == [["v0", "v1"], ["v2", "v3"], ["v4"]]


# Filters apply within a page, so a page may be short or empty with more behind it.
def test_filters_apply_within_a_page(convex_deployment: Deployment) -> None:
    insert_vectors(convex_deployment, 5)

    assert pages(convex_deployment, 2, filters=[equal("metadata", 4)]) == [[], [], ["v4"]]


# An index without vectors is one empty page.
def test_an_empty_page_is_the_last_one(convex_deployment: Deployment) -> None:
    assert pages(convex_deployment, 2) == [[]]


# The checks come in this order, and a null counts as given.
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"cursor": None}, "queryTable cursor requires pageSize"),
        ({"cursor": "x", "limit": 1}, "queryTable cursor requires pageSize"),
        ({"pageSize": 0}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": -1}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": 1.5}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": "2"}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": None}, "queryTable pageSize must be a positive integer"),
        ({"pageSize": 2, "limit": 1}, "queryTable limit cannot be combined with pageSize"),
        ({"pageSize": 2, "limit": None}, "queryTable limit cannot be combined with pageSize"),
    ],
    ids=["cursor", "cursor-and-limit", "zero", "negative", "fraction", "text", "null", "limit", "null-limit"],
)
def test_wrong_pages_are_refused(convex_deployment: Deployment, arguments: dict[str, Any], text: str) -> None:
    answer = send(convex_deployment, "queryTable", VECTORS, **arguments)

    assert answer == {"ok": False, "error": text}


# Other tables know no pages: size and cursor are not looked at, and all rows come.
@pytest.mark.parametrize("table", [MESSAGES, FALLBACK], ids=["typed", "fallback"])
def test_other_tables_ignore_pages(convex_deployment: Deployment, table: str) -> None:
    insert = insert_messages if table == MESSAGES else insert_notes
    insert(convex_deployment, {"id": "a"}, {"id": "b"})

    answer = send(convex_deployment, "queryTable", table, pageSize=1, cursor="nonsense")

    assert sorted(answer) == ["ok", "result"]
    assert ids_of(answer["result"]) == ["a", "b"]

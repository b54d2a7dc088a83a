"""Raw requests to `mastra/storage:handle` about single records, on each of its three kinds of tables.

Typed tables have a schema, vector tables are rows of one table told apart by their index, and records of every other
table lie whole in `mastra_documents`.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from pytest_mastra_convex.conformance.records import ids_of, rows, send, without_system_fields

TYPED = "mastra_threads"
VECTORS = "mastra_vector_docs"
FALLBACK = "notes"
EVERY_TABLE = pytest.mark.parametrize("table", [TYPED, VECTORS, FALLBACK], ids=["typed", "vectors", "fallback"])


def record(table: str, record_id: Any, **fields: Any) -> dict[str, Any]:
    """A record that the table takes."""
    if table == TYPED:
        times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
        return {"id": record_id, "resourceId": "resource-1", "title": "t", **times, **fields}
    if table == VECTORS:
        return {"id": record_id, "embedding": [1.0, 0.0], **fields}
    return {"id": record_id, **fields}


def insert(deployment: Deployment, table: str, *ids: str) -> None:
    """Inserts records one by one."""
    for record_id in ids:
        send(deployment, "insert", table, record=record(table, record_id))


def load(deployment: Deployment, table: str, **keys: Any) -> Any:
    """The record with these fields, without its system fields."""
    return without_system_fields(send(deployment, "load", table, keys=keys)["result"])


# Insert


# Nothing but "ok": clients must not expect the row.
@EVERY_TABLE
def test_insert_has_no_result(convex_deployment: Deployment, table: str) -> None:
    answer = send(convex_deployment, "insert", table, record=record(table, "a"))

    assert answer == {"ok": True}
    assert load(convex_deployment, table, id="a") is not None


# Typed rows are patched, so that what is not sent stays; the other two kinds are replaced.
@pytest.mark.parametrize(
    ("table", "stored"),
    [(TYPED, {"a": 1}), (VECTORS, None), (FALLBACK, None)],
    ids=["typed", "vectors", "fallback"],
)
def test_a_second_insert(convex_deployment: Deployment, table: str, stored: Any) -> None:
    send(convex_deployment, "insert", table, record=record(table, "a", metadata={"a": 1}))

    send(convex_deployment, "insert", table, record=record(table, "a"))

    assert load(convex_deployment, table, id="a").get("metadata") == stored
    assert len(rows(convex_deployment, table)) == 1


# Falsy ids count as missing.  Typed and fallback tables fail the call, vector tables answer.
@pytest.mark.parametrize("record_id", ["", 0, None], ids=["empty", "zero", "null"])
def test_a_record_needs_an_id(convex_deployment: Deployment, record_id: Any) -> None:
    with pytest.raises(FunctionError, match="Record is missing an id"):
        send(convex_deployment, "insert", TYPED, record=record(TYPED, record_id))
    with pytest.raises(FunctionError, match="Record for table notes is missing an id"):
        send(convex_deployment, "insert", FALLBACK, record=record(FALLBACK, record_id))

    answer = send(convex_deployment, "insert", VECTORS, record=record(VECTORS, record_id))

    assert answer == {"ok": False, "error": "Vector record is missing an id"}


# mastra-ai/mastra#16110: only JSON text hides reserved keys; in a record they are refused, at any depth.
@EVERY_TABLE
def test_reserved_keys_are_refused(convex_deployment: Deployment, table: str) -> None:
    with pytest.raises(EmulatorError, match=r"\$defs"):
        send(convex_deployment, "insert", table, record=record(table, "a", metadata={"x": [{"$defs": {}}]}))

    assert rows(convex_deployment, table) == []


# Fields of typed tables are text, number or JSON, and no others: what does not fit is not stored.
@pytest.mark.parametrize(
    "fields",
    [{"title": None}, {"title": 5}, {"extra": 1}, {"createdAt": 5}, {"resourceId": None}],
    ids=["null-for-text", "number-for-text", "unknown-field", "number-for-time", "null-for-resource"],
)
def test_typed_tables_refuse_what_does_not_fit(convex_deployment: Deployment, fields: dict[str, Any]) -> None:
    with pytest.raises(FunctionError, match=r"mastra_threads|alidator"):
        send(convex_deployment, "insert", TYPED, record=record(TYPED, "a", **fields))

    assert rows(convex_deployment, TYPED) == []


# Absent is not null: optional JSON columns take null and keep it, and keep absence too.
@pytest.mark.parametrize("fields", [{}, {"metadata": None}], ids=["absent", "null"])
def test_absent_and_null_are_two_things(convex_deployment: Deployment, fields: dict[str, Any]) -> None:
    send(convex_deployment, "insert", TYPED, record=record(TYPED, "a", **fields))

    assert load(convex_deployment, TYPED, id="a") == record(TYPED, "a", **fields)


# The fallback table holds records of any form, whatever Convex has values for.
def test_fallback_records_hold_every_value(convex_deployment: Deployment) -> None:
    values = {"int": ConvexInt64(2**62), "bytes": b"\x00\xff", "list": [None, True, 1.5, "ü"], "deep": {"a": {"b": []}}}

    send(convex_deployment, "insert", FALLBACK, record=record(FALLBACK, "a", **values))

    assert load(convex_deployment, FALLBACK, id="a") == record(FALLBACK, "a", **values)


# Tables of one kind do not mix, though they share their rows' table; the empty name of an index is one.
@pytest.mark.parametrize(
    ("table", "other"),
    [(VECTORS, "mastra_vector_docs2"), (VECTORS, "mastra_vector_"), (FALLBACK, "notes2")],
    ids=["vectors", "empty-index", "fallback"],
)
def test_tables_do_not_mix(convex_deployment: Deployment, table: str, other: str) -> None:
    insert(convex_deployment, table, "a")
    insert(convex_deployment, other, "a", "b")

    send(convex_deployment, "clearTable", other)

    assert ids_of(rows(convex_deployment, table)) == ["a"]
    assert rows(convex_deployment, other) == []


# The physical names of two tables are no logical ones: what is written there is nobody's snapshot, nobody's vector.
@pytest.mark.parametrize(
    ("physical", "logical"), [("mastra_workflow_snapshots", "mastra_workflow_snapshot"), ("mastra_vectors", VECTORS)]
)
def test_physical_names_are_fallback_tables(convex_deployment: Deployment, physical: str, logical: str) -> None:
    send(convex_deployment, "insert", physical, record={"id": "a", "anything": [1]})

    assert load(convex_deployment, physical, id="a") == {"id": "a", "anything": [1]}
    assert rows(convex_deployment, logical) == []


# Patch


# Found or not is the answer; a patch never creates, and the id in it changes nothing.
@pytest.mark.parametrize(
    ("table", "change"),
    [(TYPED, {"title": "new"}), (VECTORS, {"embedding": [0.0, 1.0]}), (FALLBACK, {"title": "new"})],
    ids=["typed", "vectors", "fallback"],
)
def test_patch_changes_what_is_there(convex_deployment: Deployment, table: str, change: dict[str, Any]) -> None:
    send(convex_deployment, "insert", table, record=record(table, "a", metadata={"kept": 1}))
    before = load(convex_deployment, table, id="a")

    found = send(convex_deployment, "patch", table, id="a", record={"id": "b", **change})
    missing = send(convex_deployment, "patch", table, id="b", record=change)

    assert (found, missing) == ({"ok": True, "result": True}, {"ok": True, "result": False})
    assert load(convex_deployment, table, id="a") == {**before, **change}
    assert len(rows(convex_deployment, table)) == 1


# Vectors stay in their index, whatever the patch says.
def test_patch_does_not_move_vectors(convex_deployment: Deployment) -> None:
    insert(convex_deployment, VECTORS, "a")

    send(convex_deployment, "patch", VECTORS, id="a", record={"indexName": "elsewhere", "metadata": {"x": 1}})

    assert load(convex_deployment, VECTORS, id="a") == {
        **record(VECTORS, "a"),
        "indexName": "docs",
        "metadata": {"x": 1},
    }


# Load


# By id nothing else counts; otherwise every field must be equal, and the oldest such row is it.
@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"id": "b"}, "b"),
        ({"id": "b", "title": "nonsense"}, "b"),
        ({"id": "z"}, None),
        ({"title": "two"}, "b"),
        ({"title": "two", "resourceId": "other"}, "c"),
        ({"id": "", "title": "two"}, None),
        ({"title": "three"}, None),
        ({}, "a"),
    ],
    ids=["id", "id-and-more", "unknown-id", "field", "fields", "empty-id", "no-match", "nothing"],
)
@pytest.mark.parametrize("table", [TYPED, FALLBACK], ids=["typed", "fallback"])
def test_load_finds_the_first_match(
    convex_deployment: Deployment, table: str, keys: dict[str, Any], found: str | None
) -> None:
    for record_id, title, resource_id in (("a", "one", "own"), ("b", "two", "own"), ("c", "two", "other")):
        stored = record(table, record_id, title=title, resourceId=resource_id)
        send(convex_deployment, "insert", table, record=stored)

    result = load(convex_deployment, table, **keys)

    assert (result and result["id"]) == found


# Vectors are loaded by id only.
@pytest.mark.parametrize("keys", [{"id": "b"}, {"embedding": [1.0, 0.0]}, {}], ids=["unknown", "field", "nothing"])
def test_load_of_a_vector_needs_its_id(convex_deployment: Deployment, keys: dict[str, Any]) -> None:
    insert(convex_deployment, VECTORS, "a")

    assert load(convex_deployment, VECTORS, **keys) is None


# A workflow's name and run are a key of their own, beside which nothing counts.
def test_load_of_a_run_goes_by_name_and_run(convex_deployment: Deployment) -> None:
    times = {"createdAt": "x", "updatedAt": "x"}
    stored = {"id": "any", "workflow_name": "trip", "run_id": "run-1", "snapshot": "{}", **times}
    send(convex_deployment, "insert", "mastra_workflow_snapshot", record=stored)

    found = load(
        convex_deployment, "mastra_workflow_snapshot", workflow_name="trip", run_id="run-1", resourceId="nobody"
    )

    assert found == stored


# In the order of the request, each once, missing ones left out.
@EVERY_TABLE
def test_many_records_are_loaded_in_the_order_asked_for(convex_deployment: Deployment, table: str) -> None:
    insert(convex_deployment, table, "a", "b", "c")

    answer = send(convex_deployment, "loadMany", table, ids=["c", "gone", "a", "c"])

    assert ids_of(answer["result"]) == ["c", "a"]


# Ten ids fit, eleven do not, counted before the same ones are put together.
@EVERY_TABLE
def test_ten_records_are_loaded_at_once(convex_deployment: Deployment, table: str) -> None:
    insert(convex_deployment, table, "a")

    ten = send(convex_deployment, "loadMany", table, ids=["a"] * 10)

    assert ids_of(ten["result"]) == ["a"]
    with pytest.raises((FunctionError, _Refused), match="loadMany supports at most 10 ids per request"):
        _raising(send(convex_deployment, "loadMany", table, ids=["a"] * 11))


class _Refused(Exception):
    """The handler answered ``{ok: false}``."""


def _raising(answer: dict[str, Any]) -> None:
    if not answer["ok"]:
        raise _Refused(answer["error"])


# Delete


# The same id twice and an unknown one do no harm; the rest stays.
@EVERY_TABLE
def test_records_are_deleted(convex_deployment: Deployment, table: str) -> None:
    insert(convex_deployment, table, "a", "b", "c")

    answer = send(convex_deployment, "deleteMany", table, ids=["c", "gone", "a", "c"])

    assert answer == {"ok": True}
    assert ids_of(rows(convex_deployment, table)) == ["b"]


# 25 rows go, and the answer says whether there was a 26th; both operations do the same.
@EVERY_TABLE
@pytest.mark.parametrize("op", ["clearTable", "dropTable"])
@pytest.mark.parametrize(("count", "has_more"), [(0, False), (25, False), (26, True)])
def test_one_call_clears_25_rows(
    convex_deployment: Deployment, table: str, op: str, count: int, has_more: bool
) -> None:
    records = [record(table, f"r{n:02}") for n in range(count)]
    send(convex_deployment, "batchInsert", table, records=records)

    answer = send(convex_deployment, op, table)

    assert answer == {"ok": True, "hasMore": has_more}
    assert ids_of(rows(convex_deployment, table)) == [f"r{n:02}" for n in range(25, count)]

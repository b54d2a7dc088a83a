"""Raw `batchInsert` requests: sizes, duplicates, and what is left when a record is refused."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.conformance.records import ids_of, rows, send, without_system_fields

TYPED = "mastra_threads"
VECTORS = "mastra_vector_docs"
FALLBACK = "notes"
TASKS = "mastra_background_tasks"


def record(table: str, record_id: Any, **fields: Any) -> dict[str, Any]:
    """A record that the table takes."""
    times = {"createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z"}
    by_table: dict[str, dict[str, Any]] = {
        TYPED: {"resourceId": "resource-1", "title": "t", **times},
        VECTORS: {"embedding": [1.0, 0.0]},
        FALLBACK: {},
        TASKS: {
            "status": "pending",
            "args": "{}",
            "createdAt": times["createdAt"],
            **dict.fromkeys(("tool_call_id", "tool_name", "agent_id", "run_id"), "x"),
            **dict.fromkeys(("thread_id", "resource_id", "result", "error", "suspend_payload")),
            **dict.fromkeys(("startedAt", "suspendedAt", "completedAt")),
            **dict.fromkeys(("retry_count", "max_retries", "timeout_ms"), 0),
        },
    }
    return {"id": record_id, **by_table[table], **fields}


def batch(deployment: Deployment, table: str, *records: dict[str, Any]) -> dict[str, Any]:
    """Inserts records in one request."""
    return send(deployment, "batchInsert", table, records=list(records))


# Batches run 25 at a time behind the scenes: both sides of one batch, and more than four of them, in order.
@pytest.mark.parametrize("table", [TYPED, VECTORS, FALLBACK, TASKS], ids=["typed", "vectors", "fallback", "tasks"])
@pytest.mark.parametrize("count", [0, 1, 25, 26, 101])
def test_any_number_of_records(convex_deployment: Deployment, table: str, count: int) -> None:
    answer = batch(convex_deployment, table, *(record(table, f"r{n}") for n in range(count)))

    assert answer == {"ok": True}
    assert ids_of(rows(convex_deployment, table)) == [f"r{n}" for n in range(count)]


# A thousand messages of an import are one request.
def test_a_thousand_records(convex_deployment: Deployment) -> None:
    batch(convex_deployment, FALLBACK, *(record(FALLBACK, f"r{n}") for n in range(1000)))

    assert len(rows(convex_deployment, FALLBACK)) == 1000


# Two records of one id in one batch: typed ones are merged field by field, of others the last one wins.  The place is
# that of the first.
@pytest.mark.parametrize(
    ("table", "first", "second", "stored"),
    [
        (TYPED, {"title": "old", "metadata": {"a": 1}}, {"title": "new"}, {"title": "new", "metadata": {"a": 1}}),
        (FALLBACK, {"title": "old", "extra": 1}, {"title": "new"}, {"title": "new"}),
        (VECTORS, {"metadata": {"a": 1}}, {"embedding": [0.0, 1.0]}, {"indexName": "docs", "embedding": [0.0, 1.0]}),
    ],
    ids=["typed", "fallback", "vectors"],
)
def test_records_of_one_id_in_a_batch(
    convex_deployment: Deployment, table: str, first: Any, second: Any, stored: Any
) -> None:
    batch(convex_deployment, table, record(table, "a", **first), record(table, "b"), record(table, "a", **second))

    found = rows(convex_deployment, table)

    assert ids_of(found) == ["a", "b"]
    assert without_system_fields(found[0]) == {**record(table, "a"), **stored}


# Records without an id are skipped in silence, the others stored.
@pytest.mark.parametrize("table", [TYPED, VECTORS, FALLBACK], ids=["typed", "vectors", "fallback"])
def test_records_without_an_id_are_skipped(convex_deployment: Deployment, table: str) -> None:
    without_id = record(table, "x")
    del without_id["id"]

    answer = batch(convex_deployment, table, record(table, "a"), without_id, record(table, ""), record(table, "b"))

    assert answer == {"ok": True}
    assert ids_of(rows(convex_deployment, table)) == ["a", "b"]


# Rows that exist are patched in place, new ones added at the end; typed ones keep what is not sent.
def test_a_batch_of_old_and_new_records(convex_deployment: Deployment) -> None:
    batch(convex_deployment, TYPED, record(TYPED, "a", metadata={"kept": 1}), record(TYPED, "b"))

    batch(convex_deployment, TYPED, record(TYPED, "c"), record(TYPED, "a", title="new"))

    found = rows(convex_deployment, TYPED)
    assert ids_of(found) == ["a", "b", "c"]
    assert without_system_fields(found[0]) == record(TYPED, "a", title="new", metadata={"kept": 1})


# Typed tables: one bad record of 76, in the third batch, and nothing is stored, because the call fails as a whole.
def test_a_bad_record_undoes_the_whole_batch(convex_deployment: Deployment) -> None:
    records = [record(TYPED, f"r{n}") for n in range(76)]
    records[60]["title"] = 5

    with pytest.raises(FunctionError, match=r"mastra_threads|alidator"):
        batch(convex_deployment, TYPED, *records)

    assert rows(convex_deployment, TYPED) == []


# Vector tables and background tasks answer their errors, so nothing is undone: the batches of 25 before the bad record
# stay, so do the good ones of its own batch, also those after it; later batches never start.
@pytest.mark.parametrize(
    ("table", "bad"), [(VECTORS, {"embedding": "text"}), (TASKS, {"status": "unknown"})], ids=["vectors", "tasks"]
)
def test_a_bad_record_leaves_what_was_written(convex_deployment: Deployment, table: str, bad: dict[str, Any]) -> None:
    records = [record(table, f"r{n}") for n in range(76)]
    records[30].update(bad)

    answer = batch(convex_deployment, table, *records)

    assert answer["ok"] is False
    assert answer["error"]
    assert sorted(ids_of(rows(convex_deployment, table))) == sorted(f"r{n}" for n in range(50) if n != 30)


# What is no list of records is refused before anything is written.
@pytest.mark.parametrize("table", [TYPED, FALLBACK], ids=["typed", "fallback"])
def test_a_batch_must_be_a_list(convex_deployment: Deployment, table: str) -> None:
    with pytest.raises(FunctionError, match="iterable"):
        send(convex_deployment, "batchInsert", table, records={"id": "a"})

    assert rows(convex_deployment, table) == []


# More ids than a batch has, and the same ids twice over, in one delete.
@pytest.mark.parametrize("table", [TYPED, VECTORS, FALLBACK], ids=["typed", "vectors", "fallback"])
def test_a_large_delete(convex_deployment: Deployment, table: str) -> None:
    ids = [f"r{n}" for n in range(101)]
    batch(convex_deployment, table, *(record(table, record_id) for record_id in ids))

    send(convex_deployment, "deleteMany", table, ids=ids[:100] * 2)

    assert ids_of(rows(convex_deployment, table)) == ["r100"]

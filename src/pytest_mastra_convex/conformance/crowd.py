"""More rows than Mastra's handlers read at once, stored past them: each row they store costs them a search.

Row number n (from 0) of a table has the id ``row-<n>``; what else can be looked for is numbered, too: ``thread-<n>``,
``run-<n>``.  All runs are of the workflow ``many``, and their ids are what Mastra makes of that: ``many-run-<n>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pytest_mastra_convex.probe import Form, Probe, counter_text, delete, gte, insert, lt

PAST_THE_CAP = 10_001
"""One row more than a handler takes from a table (npm @mastra/convex 1.5.2, ``take(10000)``)."""
LAST = "row-10000"
"""The row that is one too many."""

TIME = "2026-11-21T12:00:00.000Z"
# What is deleted again in one mutation: it reads 16 MiB, and few rows may be large ones.
_LARGE_ROWS = 8
_ROWS_AT_ONCE = 1000

Named = Callable[[str], Form]
Row = dict[str, Any]


def _thread(named: Named) -> Row:
    return {
        "id": named("row"),
        "resourceId": named("resource"),
        "title": counter_text("title "),
        "metadata": {},
        "createdAt": TIME,
        "updatedAt": TIME,
    }


def _message(named: Named) -> Row:
    return {
        "id": named("row"),
        "thread_id": named("thread"),
        "resourceId": named("resource"),
        "role": "user",
        "type": "v2",
        "content": '{"format":2,"parts":[]}',
        "createdAt": TIME,
    }


def _resource(named: Named) -> Row:
    return {"id": named("row"), "workingMemory": counter_text("memory "), "createdAt": TIME, "updatedAt": TIME}


def _snapshot(named: Named) -> Row:
    return {
        "id": named("many-run"),
        "workflow_name": named("many").json["$counterText"].removesuffix("-"),
        "run_id": named("run"),
        "snapshot": '{"status":"running","context":{},"value":{}}',
        "createdAt": TIME,
        "updatedAt": TIME,
    }


def _score(named: Named) -> Row:
    return {
        "id": named("row"),
        "scorerId": named("scorer"),
        "runId": named("run"),
        "entityId": named("entity"),
        "entityType": "AGENT",
        "scorer": {},
        "score": 0.5,
        "source": "TEST",
        "input": None,
        "output": None,
        "createdAt": TIME,
        "updatedAt": TIME,
    }


def _task(named: Named) -> Row:
    unset = dict.fromkeys(("result", "error", "suspend_payload", "startedAt", "suspendedAt", "completedAt"))
    return {
        "id": named("row"),
        "status": "pending",
        "tool_name": named("tool"),
        "tool_call_id": named("call"),
        "agent_id": named("agent"),
        "run_id": named("run"),
        "thread_id": named("thread"),
        "resource_id": named("resource"),
        "args": "{}",
        "retry_count": 0,
        "max_retries": 0,
        "timeout_ms": 1000,
        "createdAt": TIME,
        **unset,
    }


def _schedule(named: Named) -> Row:
    return {
        "id": named("row"),
        "target": '{"type":"workflow","workflowId":"import"}',
        "cron": "* * * * *",
        "status": "active",
        "next_fire_at": 1000,
        "created_at": 1000,
        "updated_at": 1000,
        "owner_id": named("owner"),
    }


def _document(named: Named) -> Row:
    return {
        "table": named("table"),
        "primaryKey": counter_text("row-"),
        "record": {"id": counter_text("row-"), "name": counter_text("name-")},
    }


def _vector(named: Named) -> Row:
    return {"id": counter_text("row-"), "indexName": named("index"), "embedding": [1.0, 0.0]}


_ROWS: Mapping[str, Callable[[Named], Row]] = {
    "mastra_threads": _thread,
    "mastra_messages": _message,
    "mastra_resources": _resource,
    "mastra_workflow_snapshots": _snapshot,
    "mastra_scorers": _score,
    "mastra_background_tasks": _task,
    "mastra_schedules": _schedule,
    "mastra_documents": _document,
    "mastra_vectors": _vector,
}
# By what the rows of one test are found again.
_FOUND_BY = {"mastra_documents": ("by_table", "table"), "mastra_vectors": ("by_index", "indexName")}


class Crowd:
    """Fills tables.

    Args:
        probe: of the deployment.
        prefix: begins the names of the test on the deployment; empty where nobody else is.
    """

    def __init__(self, probe: Probe, prefix: str) -> None:
        self._probe = probe
        self._prefix = prefix
        self._portions: dict[str, int] = {}

    def own(self, name: str) -> str:
        """The name a row has on the deployment; the stores see it without the prefix."""
        return self._prefix + name

    def fill(self, table: str, count: int, /, **fields: Any) -> None:
        """Stores rows in one mutation.

        Args:
            table: the physical table.
            count: how many rows.
            fields: other values for all of them; names through :meth:`own`.
        """
        portion = _LARGE_ROWS if count < _ROWS_AT_ONCE else _ROWS_AT_ONCE
        self._portions[table] = min(self._portions.get(table, portion), portion)
        row = _ROWS[table](lambda kind: counter_text(f"{self._prefix}{kind}-")) | fields
        answer = self._probe.mutation(insert(table, row, times=count))[0]
        assert answer.error is None, answer.error

    def leave(self) -> None:
        """Deletes the rows again where others use the deployment; elsewhere it goes anyway."""
        if not self._prefix:
            return
        for table, portion in self._portions.items():
            index, field = _FOUND_BY.get(table, ("by_record_id", "id"))
            bounds = [gte(field, self._prefix), lt(field, self._prefix + "~")]
            while found := self._probe.take(table, portion, index=index, range=bounds, select=["_id"]):
                self._probe.mutation(*(delete(row["_id"]) for row in found))


@contextmanager
def crowd_of(probe: Probe, prefix: str) -> Iterator[Crowd]:
    """A crowd that leaves at the end."""
    crowd = Crowd(probe, prefix)
    try:
        yield crowd
    finally:
        crowd.leave()

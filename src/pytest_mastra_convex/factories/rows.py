"""Rows of records, gathered from the stores themselves and written many at a time.

A store sends a request for every record; played against :class:`RowCollector` it says what rows it would write, which
:func:`write_rows` then sends in requests that stay far below the limits of one transaction: 16,000 documents and
16 MiB written, 4,096 ranges read, one for each record (convex-engine.md §0, checked 2026-11-21).
"""

from __future__ import annotations

from typing import Any

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores.storage_client import StorageClient

RECORDS_PER_REQUEST = 1000
"""How many records a request writes; none of a factory's has more than a few kilobytes."""

_INSERTS = ("insert", "createSchedule", "recordScheduleTrigger")


class RowCollector:
    """A deployment that is always empty and keeps the rows that ``storage:handle`` is asked to write.

    Attributes:
        tables: the rows by table and id.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}

    def mutation(self, path: str, args: Any = None) -> Any:
        """Keeps what is inserted or patched; a record that is looked for is not there.

        Raises:
            NotImplementedError: for any other operation.
        """
        op, rows = args["op"], self.tables.setdefault(args["tableName"], {})
        if op in _INSERTS:
            rows[args["record"]["id"]] = args["record"]
        elif op == "batchInsert":
            rows.update((record["id"], record) for record in args["records"])
        elif op == "patch":
            rows.get(args["id"], {}).update(args["record"])
        elif op != "load":
            raise NotImplementedError(f"{op} is nothing that can be gathered")
        return {"ok": True, "result": None}

    def query(self, path: str, args: Any = None) -> Any:
        """Refuses.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"{path} is nothing that can be gathered")

    action = query


def write_rows(collector: RowCollector, deployment: Deployment) -> None:
    """Writes all gathered rows, table after table."""
    client = StorageClient(deployment)
    for table, by_id in collector.tables.items():
        rows = list(by_id.values())
        for start in range(0, len(rows), RECORDS_PER_REQUEST):
            client.batch_insert(table, rows[start : start + RECORDS_PER_REQUEST])

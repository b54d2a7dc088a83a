"""Requests to ``storage:handle``, one method per operation, exactly as `@mastra/convex` sends them.

npm @mastra/convex 1.5.2 ``ConvexAdminClient`` and ``ConvexDB`` (mastra-adapter.md §1 and §2).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.times import now, to_iso

DEFAULT_STORAGE_FUNCTION = "mastra/storage:handle"
LOAD_MANY_IDS_MAX = 10
WORKFLOW_SNAPSHOTS = "mastra_workflow_snapshot"

Record = dict[str, Any]


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()
"""An argument that was not given, where None means something (`undefined` beside `null`)."""

Unset = _Unset
"""The type of :data:`UNSET`."""


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are set: `undefined` never travels."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def equal(field: str, value: Any) -> dict[str, Any]:
    """One equality filter of ``queryTable``."""
    return {"field": field, "value": value}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageResponse:
    """What the handler answered."""

    result: Any
    has_more: bool
    continuation_cursor: str | None


class StorageClient:
    """Sends requests to one ``storage:handle``.

    Args:
        deployment: where it is deployed.
        storage_function: its path there.
        clock: gives the time that is written as ``updatedAt`` and the like.
        new_id: makes ids for records that have none.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        storage_function: str = DEFAULT_STORAGE_FUNCTION,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.deployment = deployment
        self.storage_function = storage_function
        self.clock = clock
        self.new_id = new_id

    def call_raw(self, op: str, table: str, **arguments: Any) -> StorageResponse:
        """Sends one request.

        Raises:
            StorageError: when the handler answers ``{ok: false}``.
            FunctionError: when the mutation fails.
        """
        request = {"op": op, "tableName": table, **given(**arguments)}
        answer = self.deployment.mutation(self.storage_function, request)
        if not isinstance(answer, Mapping) or not answer.get("ok"):
            refused = answer if isinstance(answer, Mapping) else {}
            raise StorageError(
                refused.get("error") or "Unknown Convex storage error",
                code=refused.get("code"),
                details=refused.get("details"),
            )
        return StorageResponse(
            result=answer.get("result"),
            has_more=bool(answer.get("hasMore")),
            continuation_cursor=answer.get("continuationCursor"),
        )

    def call(self, op: str, table: str, **arguments: Any) -> Any:
        """Sends one request and gives its result.

        Raises:
            StorageError: when the handler answers ``{ok: false}``.
            FunctionError: when the mutation fails.
        """
        return self.call_raw(op, table, **arguments).result

    def until_done(self, op: str, table: str, **arguments: Any) -> None:
        """Repeats a request until its answer says that nothing is left."""
        while self.call_raw(op, table, **arguments).has_more:
            pass

    # Operations every table has

    def insert(self, table: str, record: Record) -> None:
        """Writes a record; one with its id is patched."""
        self.call("insert", table, record=self._normalised(table, record))

    def batch_insert(self, table: str, records: Sequence[Record]) -> None:
        """Writes records in one request; none for an empty list."""
        if records:
            self.call("batchInsert", table, records=[self._normalised(table, record) for record in records])

    def patch(self, table: str, record_id: str, record: Record) -> bool:
        """Changes fields of a record; False if there is none."""
        return bool(self.call("patch", table, id=record_id, record=_with_iso_times(record)))

    def load(self, table: str, **keys: Any) -> Record | None:
        """The record with these fields, or None."""
        found: Record | None = self.call("load", table, keys=keys)
        return found

    def load_many(self, table: str, ids: Sequence[str]) -> list[Record]:
        """The records with these ids, each once, ten per request."""
        distinct = list(dict.fromkeys(ids))
        found: list[Record] = []
        for start in range(0, len(distinct), LOAD_MANY_IDS_MAX):
            found += self.call("loadMany", table, ids=distinct[start : start + LOAD_MANY_IDS_MAX])
        return found

    def query_table(
        self, table: str, filters: Sequence[dict[str, Any]] | None = None, *, limit: Any = UNSET
    ) -> list[Record]:
        """The records for which all filters hold; ``filters=None`` is not the same request as an empty list."""
        rows: list[Record] = self.call(
            "queryTable", table, filters=UNSET if filters is None else list(filters), limit=limit
        )
        return rows

    def delete_many(self, table: str, ids: Sequence[str]) -> None:
        """Deletes the records with these ids; no request for none."""
        if ids:
            self.call("deleteMany", table, ids=list(ids))

    def clear_table(self, table: str) -> None:
        """Deletes all records."""
        self.until_done("clearTable", table)

    def _normalised(self, table: str, record: Record) -> Record:
        record_id = record.get("id")
        if not record_id and table == WORKFLOW_SNAPSHOTS:
            name, run_id = record["workflow_name"], record["run_id"]
            record_id = f"{name}-{run_id}" if name else run_id
        return {**_with_iso_times(record), "id": record_id or self.new_id()}


def _with_iso_times(record: Record) -> Record:
    """Datetimes of the top level as ISO text; fields that are not set are left out."""
    return {
        name: to_iso(value) if isinstance(value, datetime) else value
        for name, value in record.items()
        if value is not UNSET
    }

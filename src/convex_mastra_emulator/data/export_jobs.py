"""Exports that were asked for through the network: made behind the requests, one at a time, then downloaded.

How far one is stands in its document of ``_exports``, which live queries watch.  The ZIP is kept in memory until it
expires.

    requested → in_progress → completed
    both of the first → canceled, or failed

convex-backend crates/application/src/exports/worker.rs, crates/model/src/exports/mod.rs and types.rs,
crates/application/src/lib.rs ``request_export`` and ``get_zip_export`` (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from convex import ConvexInt64

from convex_mastra_emulator.data.export_zip import write_export
from convex_mastra_emulator.database.documents import ID, StoredDocument, without_system_fields
from convex_mastra_emulator.database.system_documents import delete_system, insert_system, replace_system
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.executor import Executor
from convex_mastra_emulator.runtime.snapshot import take_snapshot

EXPORTS = "_exports"
_DAY_NS = 24 * 3600 * 1_000_000_000
_RETENTION_NS = 14 * _DAY_NS  # crates/model/src/exports/mod.rs ``DEFAULT_EXPORT_RETENTION``
_DOCUMENT_KEPT_NS = 30 * _DAY_NS  # crates/common/src/knobs.rs ``MAX_EXPIRED_SNAPSHOT_AGE``
_REQUESTED, _IN_PROGRESS, _COMPLETED = "requested", "in_progress", "completed"
_FAILED, _CANCELED = "failed", "canceled"

Fields = dict[str, Any]
ExportKey = str | int
"""An export's id, or the time of its snapshot in nanoseconds since the Unix epoch."""


class _ExportCanceled(Exception):
    """Somebody cancelled the export, or its document is gone."""


class ExportJobs:
    """The exports of one deployment.

    Args:
        executor: whose tables are exported.
        do_soon: takes what is to be done behind the request.
        new_token: gives texts that nobody guesses.
    """

    def __init__(
        self, executor: Executor, do_soon: Callable[[Callable[[], None]], None], new_token: Callable[[], str]
    ) -> None:
        self._executor = executor
        self._do_soon = do_soon
        self._new_token = new_token
        self._files: dict[str, bytes] = {}

    @property
    def files_kept(self) -> int:
        """How many ZIPs can be downloaded."""
        return len(self._files)

    # What requests ask for

    def request(self, *, include_storage: bool) -> str:
        """Asks for an export; gives its id.

        Raises:
            RequestRefused: ``ExportInProgress``.
        """

        def write(transaction: Transaction) -> str:
            self._forget_old(transaction)
            if any(document.value["state"] in (_REQUESTED, _IN_PROGRESS) for document in self._documents()):
                raise RequestRefused("There is already an export requested or in progress.", code="ExportInProgress")
            fields = {
                "component": None,
                "expiration_ts": ConvexInt64(transaction.begin_ns + _RETENTION_NS),
                "format": {"format": "zip", "include_storage": include_storage},
                "requestor": "snapshotExport",
                "state": _REQUESTED,
            }
            return insert_system(transaction, EXPORTS, fields)

        export_id = self._executor.in_transaction(write)
        self._do_soon(lambda: self._run(export_id))
        return export_id

    def _forget_old(self, transaction: Transaction) -> None:
        """Deletes ZIPs that have expired, and documents a while later."""
        for document in self._documents():
            fields = document.value
            end_name = {_COMPLETED: "expiration_ts", _FAILED: "failed_ts", _CANCELED: "canceled_ts"}.get(
                fields["state"]
            )
            if end_name is None:
                continue
            if fields[end_name].value < transaction.begin_ns:
                self._files.pop(fields.get("zip_object_key", ""), None)
            if fields[end_name].value < transaction.begin_ns - _DOCUMENT_KEPT_NS:
                delete_system(transaction, EXPORTS, fields[ID])
        # A rollback may have taken documents away.
        keys = {document.value.get("zip_object_key") for document in self._documents()}
        self._files = {key: data for key, data in self._files.items() if key in keys}

    def download(self, key: ExportKey) -> tuple[bytes, int]:
        """The ZIP of an export, and the time of its snapshot.

        Raises:
            RequestRefused: when there is none, or not yet.
        """
        with self._executor.lock:
            fields = next((document.value for document in self._documents() if _has_key(document.value, key)), None)
        if fields is None:
            raise _not_found(f"{key}")
        if fields["state"] != _COMPLETED:
            raise RequestRefused(f"The requested export {key} has not completed", code="ExportNotComplete")
        start_ns = int(fields["start_ts"].value)
        data = self._files.get(fields["zip_object_key"])
        if data is None:
            raise _not_found(f"{start_ns}/{fields['zip_object_key']}")
        return data, start_ns

    def set_expiration(self, export_id: str, expiration_ns: int) -> None:
        """Sets when the ZIP of a completed export is no longer needed.

        Raises:
            DeploymentError: of kind INTERNAL, as a deployment has no words for exports that are not there.
        """

        def change(fields: Fields, _begin_ns: int) -> Fields:
            if fields["state"] != _COMPLETED:
                raise _internal()
            return {**fields, "expiration_ts": ConvexInt64(expiration_ns)}

        self._change_for_caller(export_id, change)

    def cancel(self, export_id: str) -> None:
        """Ends an export that has not completed.

        Raises:
            DeploymentError: of kind INTERNAL, as a deployment has no words for exports that are not there or ended.
        """

        def change(fields: Fields, begin_ns: int) -> Fields:
            if fields["state"] not in (_REQUESTED, _IN_PROGRESS):
                raise _internal()
            return {
                **_described(fields),
                "canceled_ts": ConvexInt64(begin_ns),
                "start_ts": fields.get("start_ts"),
                "state": _CANCELED,
            }

        self._change_for_caller(export_id, change)

    def _change_for_caller(self, export_id: str, change: Callable[[Fields, int], Fields]) -> None:
        try:
            self._change(export_id, change)
        except _ExportCanceled:
            raise _internal() from None

    # Behind the requests

    def fail_interrupted(self) -> None:
        """Exports that a process which is no more had begun have failed; otherwise none could be asked for again."""
        for document in self._documents():
            if document.value["state"] in (_REQUESTED, _IN_PROGRESS):
                self._change(str(document.value[ID]), _failed)

    def _run(self, export_id: str) -> None:
        """Makes an export; one that cannot be made has failed, so that another one can be asked for."""
        try:
            self._make(export_id)
        except _ExportCanceled:
            return
        except BaseException:
            self._change(export_id, _failed)
            raise

    def _make(self, export_id: str) -> None:
        self._change(export_id, _begun)
        requested = self._executor.store.system_table(EXPORTS).documents[export_id].value
        self._tell(export_id, "Beginning backup")
        snapshot = take_snapshot(self._executor)
        target = BytesIO()
        write_export(
            snapshot.state,
            target,
            lambda _done, _total: self._check(export_id),
            lambda table: self._tell(export_id, f"Backing up {table}"),
            include_storage=requested["format"]["include_storage"],
        )
        data = target.getvalue()
        key = f"exports/{self._new_token()}"

        def complete(fields: Fields, begin_ns: int) -> Fields:
            if fields["state"] != _IN_PROGRESS:
                raise _ExportCanceled
            self._files[key] = data
            return {
                **_described(fields),
                "complete_ts": ConvexInt64(begin_ns),
                "expiration_ts": fields["expiration_ts"],
                "size": ConvexInt64(len(data)),
                "start_ts": ConvexInt64(snapshot.timestamp_ns),
                "state": _COMPLETED,
                "zip_object_key": key,
            }

        self._change(export_id, complete)

    def _tell(self, export_id: str, message: str) -> None:
        def change(fields: Fields, _begin_ns: int) -> Fields:
            if fields["state"] != _IN_PROGRESS:
                raise _ExportCanceled
            return {**fields, "progress_message": message}

        self._change(export_id, change)

    def _check(self, export_id: str) -> None:
        with self._executor.lock:
            document = self._executor.store.system_table(EXPORTS).documents.get(export_id)
        if document is None or document.value["state"] != _IN_PROGRESS:
            raise _ExportCanceled

    # Its documents

    def _documents(self) -> list[StoredDocument]:
        return list(self._executor.store.system_table(EXPORTS).documents.values())

    def _change(self, export_id: str, change: Callable[[Fields, int], Fields]) -> None:
        def write(transaction: Transaction) -> None:
            document = transaction.store.system_table(EXPORTS).documents.get(export_id)
            if document is None:
                raise _ExportCanceled
            fields = change(without_system_fields(document.value), transaction.begin_ns)
            replace_system(transaction, EXPORTS, export_id, fields)

        self._executor.in_transaction(write)


def _begun(fields: Fields, begin_ns: int) -> Fields:
    if fields["state"] != _REQUESTED:
        raise _ExportCanceled
    return {**fields, "progress_message": None, "start_ts": ConvexInt64(begin_ns), "state": _IN_PROGRESS}


def _failed(fields: Fields, begin_ns: int) -> Fields:
    start = {"start_ts": fields.get("start_ts", ConvexInt64(begin_ns))}
    return {**_described(fields), **start, "failed_ts": ConvexInt64(begin_ns), "state": _FAILED}


def _described(fields: Fields) -> Fields:
    """What stays, however an export ends."""
    return {name: fields[name] for name in ("component", "format", "requestor")}


def _has_key(fields: Fields, key: ExportKey) -> bool:
    if isinstance(key, str):
        return bool(fields[ID] == key)
    return bool(fields["state"] == _COMPLETED and fields["start_ts"].value == key)


def _not_found(what: str) -> RequestRefused:
    return RequestRefused(f"The requested export {what} was not found", code="ExportNotFound", kind=ErrorKind.NOT_FOUND)


def _internal() -> DeploymentError:
    return DeploymentError(INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL)

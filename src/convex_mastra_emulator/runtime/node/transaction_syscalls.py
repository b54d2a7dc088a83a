"""What a query or a mutation in Node asks of its deployment, answered by the transaction it runs in.

convex-backend crates/isolate/src/environment/udf/async_syscall.rs, syscall.rs; npm convex src/server/impl/*.ts
(convex-wire.md §4.4, convex-engine.md §3.3, §5 and §6, checked 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from convex import ConvexError, ConvexInt64

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.index import BY_CREATION_TIME
from convex_mastra_emulator.database.pagination import CursorCodec, InvalidCursor
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, EmulatorError, ErrorKind, InvalidArgument
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.context import MutationContext, QueryContext
from convex_mastra_emulator.runtime.database_context import check_serialised_id
from convex_mastra_emulator.runtime.node.common_syscalls import answer_of, deployment_metadata
from convex_mastra_emulator.runtime.node.pipes import Refusal
from convex_mastra_emulator.runtime.node.prefetch import PrefetchedQuery
from convex_mastra_emulator.runtime.node.query_json import read_query
from convex_mastra_emulator.runtime.query_builder import page_options_as_sent, run_page
from convex_mastra_emulator.values.codec import decode, decode_or_undefined, encode
from convex_mastra_emulator.values.json_text import parse_v8_json, write_json
from convex_mastra_emulator.values.types import Value

Json = Any
# query_streams.mjs: what becomes of the documents that were fetched and not taken.
_VOID, _CLOSED = 1, 2
# crates/value/src/pending.rs ``COMMIT_TS_FIELD``, as JSON.stringify writes it; where a deployment reads it
# (crates/isolate/src/environment/udf/async_syscall.rs, crates/common/src/json/query.rs).
_COMMIT_TIME = '{"$commitTs":null}'
_TAKE_COMMIT_TIME = frozenset(
    {"1.0/insert", "1.0/shallowMerge", "1.0/replace", "1.0/runUdf", "1.0/queryPage", "emulator/fetch"}
)
# Texts of larger documents are made anew each time: they would take as much memory as the documents.
_KEPT_SIZE_MAX = 4096


class TransactionSyscalls:
    """The requests of one query or mutation.

    Args:
        ctx: what a Python function would be handed in its place.
        path: the function's, as ``ctx.meta`` tells it.
    """

    def __init__(self, ctx: QueryContext | MutationContext, path: str) -> None:
        self._ctx = ctx
        self._path = path
        self._handles = ctx.function_handles
        self._transaction: Transaction = ctx.db.transaction
        self._cursors: CursorCodec = ctx.db.cursors
        self._limits: Limits = self._transaction.limits
        self._queries: dict[int, PrefetchedQuery] = {}
        self._answers: dict[str, Callable[[Json], Json]] = {
            "1.0/insert": self._insert,
            "1.0/shallowMerge": self._patch,
            "1.0/replace": self._replace,
            "1.0/remove": self._remove,
            "1.0/db/normalizeId": self._normalize_id,
            "1.0/queryPage": self._page,
            "1.0/count": self._count,
            "1.0/runUdf": self._run,
            "1.0/schedule": self._schedule,
            "1.0/cancel_job": self._cancel,
            "1.0/storageGetUrl": lambda request: ctx.storage.get_url(request["storageId"]),
            "1.0/storageGetMetadata": lambda request: encode(ctx.storage.get_metadata(request["storageId"])),
            "1.0/storageGenerateUploadUrl": lambda request: self._writing().storage.generate_upload_url(),
            "1.0/storageDelete": lambda request: self._writing().storage.delete(request["storageId"]),
            "1.0/getUserIdentity": lambda request: self._encoded(ctx.auth.get_user_identity()),
            "1.0/getTransactionMetrics": lambda request: self._metrics(),
            "1.0/getFunctionMetadata": lambda request: {"name": self._path, "componentPath": ""},
            "1.0/getDeploymentMetadata": deployment_metadata,
            "1.0/createFunctionHandle": self._handles.create_for,
            "1.0/getSnapshotTs": lambda request: encode(ConvexInt64(self._transaction.begin_ns)),
        }

    # Frames

    def note(self, notes: str) -> None:
        """Counts the documents the function took as read."""
        for query_id, count, rest, saw_end in json.loads(notes):
            query = self._queries[query_id]
            query.take(count, with_end=saw_end)
            if rest == _VOID:
                query.forget_ahead()
            elif rest == _CLOSED:
                del self._queries[query_id]

    def log(self, level: str, text: str) -> None:
        """Takes a line the function logged."""
        self._ctx.console.write(level.upper(), text)

    def read_variable(self, name: str) -> None:
        """Makes a variable of the environment part of what the function has read."""
        self._ctx.env.get(name)

    def answer(self, operation: str, text: str) -> str:
        """The answer to a request, as JSON text.

        Raises:
            Refusal: what the function sees as an error.
        """
        if operation in _TAKE_COMMIT_TIME:
            text = self.with_commit_time(text)
        try:
            if operation == "1.0/get":
                return self._get(text)
            if operation == "emulator/fetch":
                return self._fetch(text)
            return write_json(answer_of(self._answers, operation)(parse_v8_json(text)))
        except ConvexError as error:
            raise Refusal(str(error), encode(error.data)) from error
        except InvalidCursor as error:
            raise Refusal(str(error), encode(dict(error.data))) from error
        except DeploymentError as error:
            if error.kind is ErrorKind.INTERNAL:
                raise
            raise Refusal(str(error)) from error
        except (EmulatorError, TypeError) as error:
            raise Refusal(str(error)) from error

    def with_commit_time(self, text: str) -> str:
        """JSON text of a mutation with its timestamp wherever it has put ``ctx.db.vars.commitTs``.

        A deployment holds the place until the mutation commits; here the timestamp lies behind all others at once, as
        nothing else is committed meanwhile.  Quotes in strings are escaped, so that no string looks like the token.
        """
        if _COMMIT_TIME not in text or not isinstance(self._ctx, MutationContext):
            return text
        return text.replace(_COMMIT_TIME, write_json(encode(ConvexInt64(self._transaction.begin_ns))))

    # Reads

    def _fetch(self, text: str) -> str:
        """Documents of a query, each in a line; the first says whether they are the last."""
        query_id, count, query = text.split("\n", 2)
        if query:
            read = read_query(parse_v8_json(query)["query"], self._limits, "queryStream")
            self._queries[int(query_id)] = PrefetchedQuery(self._transaction, read)
        documents, is_done = self._queries[int(query_id)].fetch(int(count))
        return "\n".join(["done" if is_done else "more", *map(_json_text, documents)])

    def _get(self, text: str) -> str:
        request = parse_v8_json(text)
        document = self._transaction.get(request["id"], request.get("table"), is_system=request.get("isSystem") is True)
        return "null" if document is None else _json_text(document)

    def _normalize_id(self, request: Json) -> Json:
        check_serialised_id(request["idString"], "normalizeId")
        return {"id": self._transaction.normalize_id(request["table"], request["idString"])}

    def _page(self, request: Json) -> Json:
        query = read_query(request["query"], self._limits, "queryPage")
        return encode(run_page(self._transaction, query, page_options_as_sent(request), self._cursors))

    def _count(self, request: Json) -> Json:
        table = self._transaction.store.table(request["table"])
        self._transaction.read_set.add(request["table"], BY_CREATION_TIME, Interval(b"", None))
        return 0.0 if table is None else float(len(table.documents))

    def _metrics(self) -> Json:
        return _metrics_of(self._transaction)

    # Writes

    def _insert(self, request: Json) -> Json:
        return {"_id": self._transaction.insert(request["table"], self._value(request["value"], "insert"))}

    def _patch(self, request: Json) -> Json:
        check_serialised_id(request["id"], "patch")
        value = request["value"]
        if isinstance(value, dict):
            value = {name: decode_or_undefined(item, self._limits) for name, item in value.items()}
        self._transaction.patch(request["id"], value, request.get("table"))

    def _replace(self, request: Json) -> Json:
        check_serialised_id(request["id"], "replace")
        value = self._value(request["value"], "replace")
        self._transaction.replace(request["id"], value, request.get("table"))

    def _remove(self, request: Json) -> Json:
        check_serialised_id(request["id"], "delete")
        self._transaction.delete(request["id"], request.get("table"))

    def _value(self, json: Json, function: str) -> Value:
        try:
            return decode(json, self._limits)
        except DeploymentError as error:
            raise InvalidArgument(f"Invalid argument `value` for `db.{function}`: {error}") from None

    # Calls

    def _run(self, request: Json) -> Json:
        # crates/isolate/src/environment/udf/async_syscall.rs ``NestedUdfType``, ``run_udf``
        kind = request["udfType"]
        if kind not in ("query", "mutation", "snapshotQuery"):
            called = {"action": "Action", "httpAction": "HttpAction"}.get(kind, kind)
            raise InvalidArgument(
                "Invalid argument `udfType` for `runUdf`: "
                f"Only queries and mutations can be called as nested UDFs, got {called}"
            )
        arguments = decode(request["args"], self._limits)
        path = self._handles.name_of(request, "runUdf")
        if kind == "query":
            return encode(self._ctx.run_query(path, arguments))
        if not isinstance(self._ctx, MutationContext):
            called = f"{kind[:1].upper()}{kind[1:]}"
            raise InvalidArgument(f"Cannot call a {called} function from a Query function", code="InvalidFunctionCall")
        if kind == "mutation":
            return encode(self._ctx.run_mutation(path, arguments))
        return encode(self._ctx.run_query_on_stale_snapshot(path, arguments))

    def _writing(self) -> MutationContext:
        if not isinstance(self._ctx, MutationContext):
            raise InvalidArgument("a query cannot write")  # npm convex does not offer it there
        return self._ctx

    def _schedule(self, request: Json) -> Json:
        # npm has divided milliseconds by a thousand; of what is left over by that, nothing is kept.
        return self._writing().scheduler.run_at(
            round(request["ts"] * 1000, 3),
            self._handles.name_of(request, "scheduler"),
            decode(request["args"], self._limits),
        )

    def _cancel(self, request: Json) -> Json:
        self._writing().scheduler.cancel(request["id"])

    @staticmethod
    def _encoded(value: Any) -> Json:
        return encode(value)


def _json_text(document: StoredDocument) -> str:
    """A document as JSON text; nobody changes a document, so that a small one is written once."""
    text = document.json_text
    if text is None:
        text = write_json(encode(document.value))
        if document.size <= _KEPT_SIZE_MAX:
            document.json_text = text
    return text


def _metrics_of(transaction: Transaction) -> Json:
    # crates/database/src/execution_size.rs, npm convex src/server/meta.ts
    limits, meter = transaction.limits, transaction.meter
    pairs = {
        "bytesRead": (meter.read_size, limits.read_size_max),
        "bytesWritten": (meter.written_size, limits.written_size_max),
        "databaseQueries": (transaction.read_set.count, limits.read_ranges_max),
        "documentsRead": (meter.documents_read, limits.documents_read_max),
        "documentsWritten": (meter.documents_written, limits.documents_written_max),
        "functionsScheduled": (transaction.scheduled_count, limits.scheduled_count_max),
        "scheduledFunctionArgsBytes": (transaction.scheduled_size, limits.scheduled_size_max),
    }
    return {
        name: {"used": float(used), "remaining": float(max(limit - used, 0))} for name, (used, limit) in pairs.items()
    }

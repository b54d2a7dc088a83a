"""What an action in Node asks of its deployment, answered by what a Python action would be handed.

convex-backend crates/isolate/src/environment/action/async_syscall.rs; npm convex src/server/impl/*.ts
(convex-wire.md §4.4, checked 2026-11-21).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from convex import ConvexError

from convex_mastra_emulator.database.vector_search import VectorQuery
from convex_mastra_emulator.errors import EmulatorError, NotEmulated
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.context import ActionContext, vector_elements
from convex_mastra_emulator.runtime.node.common_syscalls import answer_of, deployment_metadata
from convex_mastra_emulator.runtime.node.pipes import Refusal
from convex_mastra_emulator.runtime.node.query_json import read_vector_filter
from convex_mastra_emulator.values.codec import decode, encode
from convex_mastra_emulator.values.json_text import parse_v8_json, write_json

Json = Any


class ActionSyscalls:
    """The requests of one action.

    Args:
        ctx: what a Python action would be handed in its place.
        path: the action's, as ``ctx.meta`` tells it.
        limits: what values may be.
    """

    def __init__(self, ctx: ActionContext, path: str, limits: Limits) -> None:
        self._ctx = ctx
        self._handles = ctx.function_handles
        self._limits = limits
        self._answers: dict[str, Callable[[Json], Json]] = {
            "1.0/actions/query": lambda request: self._call(ctx.run_query, request, "runQuery"),
            "1.0/actions/mutation": lambda request: self._call(ctx.run_mutation, request, "runMutation"),
            "1.0/actions/action": lambda request: self._call(ctx.run_action, request, "runAction"),
            "1.0/actions/schedule": self._schedule,
            "1.0/actions/cancel_job": lambda request: ctx.scheduler.cancel(request["id"]),
            "1.0/actions/vectorSearch": self._vector_search,
            "1.0/getUserIdentity": lambda request: encode(ctx.auth.get_user_identity()),
            "1.0/getDeploymentMetadata": deployment_metadata,
            "1.0/createFunctionHandle": self._handles.create_for,
            "1.0/getFunctionMetadata": lambda request: {"name": path, "componentPath": ""},
            "1.0/storageGetUrl": lambda request: ctx.storage.get_url(request["storageId"]),
            "1.0/storageGetMetadata": lambda request: encode(ctx.storage.get_metadata(request["storageId"])),
            "1.0/storageGenerateUploadUrl": lambda request: ctx.storage.generate_upload_url(),
            "1.0/storageDelete": lambda request: ctx.storage.delete(request["storageId"]),
            "1.0/storageStore": self._store,
            "1.0/storageGet": self._stored,
            "emulator/fetch": self._fetch,
        }

    def log(self, level: str, text: str) -> None:
        """Takes a line the action logged."""
        self._ctx.console.write(level.upper(), text)

    def now_ms(self) -> float:
        """The time, as a Python action would be told it."""
        return self._ctx.now()

    def answer(self, operation: str, text: str) -> str:
        """The answer to a request, as JSON text.

        Raises:
            Refusal: what the action sees as an error.
        """
        try:
            return write_json(answer_of(self._answers, operation)(parse_v8_json(text)))
        except ConvexError as error:
            raise Refusal(str(error), encode(error.data)) from error
        except (EmulatorError, TypeError) as error:
            raise Refusal(str(error)) from error

    def _call(self, call: Callable[[str, Any], Any], request: Json, name: str) -> Json:
        return encode(call(self._handles.name_of(request, name), decode(request["args"], self._limits)))

    def _schedule(self, request: Json) -> Json:
        # npm has divided milliseconds by a thousand; of what is left over by that, nothing is kept.
        at_ms = round(request["ts"] * 1000, 3)
        path = self._handles.name_of(request, "scheduler")
        return self._ctx.scheduler.run_at(at_ms, path, decode(request["args"], self._limits))

    def _vector_search(self, request: Json) -> Json:
        query = request["query"]
        table, _, index = query["indexName"].partition(".")
        condition = read_vector_filter(query.get("expressions"), self._limits)
        found = self._ctx.search(
            table,
            index,
            VectorQuery(vector=vector_elements(query["vector"]), limit=query.get("limit"), filter=condition),
        )
        return {"results": [{"_id": document_id, "_score": score} for document_id, score in found]}

    # Files

    def _store(self, request: Json) -> Json:
        body = base64.b64decode(request["blob"])
        return self._ctx.storage.store(body, content_type=request["contentType"], sha256=request["sha256"])

    def _stored(self, request: Json) -> Json:
        found = self._ctx.storage.get(request["storageId"])
        if found is None:
            return None
        return {"blob": base64.b64encode(found.body).decode("ascii"), "contentType": found.content_type}

    def _fetch(self, request: Json) -> Json:
        body = base64.b64decode(request["body"])
        try:
            response = self._ctx.fetch(
                request["url"],
                method=request["method"],
                headers=dict(request["headers"]),
                body=body or None,
                redirect=request["redirect"],
            )
        except NotEmulated:
            raise
        except Exception as error:
            # JavaScript sees a TypeError, whatever a test has prepared to be raised.
            return {"failure": str(error) or type(error).__name__}
        return {
            "status": float(response.status),
            "headers": [[name, value] for name, value in response.headers.items()],
            "body": base64.b64encode(response.body).decode("ascii"),
            "url": response.url,
        }


class NothingAnswered:
    """What a router may ask while it looks for a route: nothing."""

    def answer(self, operation: str, text: str) -> str:
        """Refuses a request.

        Raises:
            Refusal: always.
        """
        raise Refusal(f"{operation} cannot be used while a route is looked up")

    def now_ms(self) -> float:
        """No time: nothing is answered that could tell it."""
        return 0.0

    def log(self, level: str, text: str) -> None:
        """Drops a line."""

"""The queries one socket has subscribed to: run when stale, told of when their results changed.

A query that fails is watched, too, so that mending the data runs it again.

convex-backend crates/sync/src/state.rs (convex-wire.md §3.5, checked 2026-11-21).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.errors import DeploymentError, ErrorKind
from convex_mastra_emulator.fault_kinds import Strike
from convex_mastra_emulator.protocol.messages import encoded_arguments
from convex_mastra_emulator.protocol.sync_messages import AddQuery, RemoveQuery
from convex_mastra_emulator.runtime.calls import Outcome
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import Request
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.types import undefined

# crates/common/src/knobs.rs SYNC_WORKER_QUERY_RETRY_INITIAL_BACKOFF_MS and ..._MAX_BACKOFF_SECS;
# crates/sync/src/worker.rs ``is_retriable_sync_worker_error``
_RETRY_SECONDS = 0.5
_RETRY_SECONDS_MAX = 600.0
_RETRIED = frozenset({ErrorKind.OVERLOADED, ErrorKind.INTERNAL})

Report = Callable[[str, FunctionKind, Outcome], None]


@dataclass(slots=True, eq=False)
class _Query:
    """A subscribed query, and what the client was last told of it."""

    request: AddQuery
    journal: str | None
    told: bytes | None = None
    is_stale: bool = True
    subscription: Subscription | None = None
    run_by: Request = field(default_factory=lambda: Request("SyncWorker"))
    """What the log tells of its last run."""


class RetryLater(Exception):
    """A query met what a deployment waits out: overload and failures of its own.

    Attributes:
        seconds: how long to wait.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _retry_seconds(failures: int) -> float:
    """Twice as long each time; a deployment's are up to that, by chance."""
    return min(_RETRY_SECONDS * 2.0 ** min(failures - 1, 30), _RETRY_SECONDS_MAX)


class QuerySet:
    """The subscribed queries of one socket.

    Args:
        emulator: where they run.
        on_stale: called, from any thread and under the deployment's lock, when a result may have changed.
        report: told of every run, for the log.
    """

    def __init__(self, emulator: Emulator, on_stale: Callable[[], None], report: Report) -> None:
        self._emulator = emulator
        self._on_stale = on_stale
        self._report = report
        self._queries: dict[int, _Query] = {}
        self._removed: list[int] = []
        self._strikes: list[Strike] = []
        self._retries = 0

    def apply(self, changes: Iterable[AddQuery | RemoveQuery]) -> bool:
        """Adds and removes queries; False for one that is there already, or is not there."""
        for change in changes:
            if isinstance(change, RemoveQuery):
                query = self._queries.pop(change.query_id, None)
                if query is None:
                    return False
                self._unwatch(query)
                self._removed.append(change.query_id)
            elif change.query_id in self._queries:
                return False
            else:
                self._queries[change.query_id] = _Query(change, change.journal)
        return True

    def run_all_again(self) -> None:
        """Makes every query stale: the caller is somebody else now."""
        for query in self._queries.values():
            self._unwatch(query)
            query.is_stale = True

    def clear(self) -> None:
        """Forgets all queries."""
        for query in self._queries.values():
            self._unwatch(query)
        self._queries.clear()

    def modifications(self, identity: Identity) -> list[dict[str, Any]]:
        """Runs what is stale; gives what the client must be told, by query.

        Raises:
            RetryLater: when a deployment would try again, and leave the client without an answer meanwhile.
            DeploymentError: when a query cannot be run at all, which ends the socket.
        """
        outcomes = self._run_stale(identity)
        told: list[dict[str, Any]] = [
            {"type": "QueryRemoved", "queryId": query_id} for query_id in self._removed if query_id not in self._queries
        ]
        self._removed = []
        for query_id, outcome in outcomes.items():
            query = self._queries[query_id]
            digest = self._digest(outcome)
            if digest != query.told:
                query.told = digest
                told.append({"queryId": query_id, "journal": query.journal, **self._result(outcome, query.run_by)})
        return sorted(told, key=lambda modification: int(modification["queryId"]))

    def take_strikes(self) -> list[Strike]:
        """What faults did to the queries since it was last asked."""
        strikes, self._strikes = self._strikes, []
        return strikes

    def _run_stale(self, identity: Identity) -> dict[int, Outcome]:
        """All or none: results that are told together are of one time."""
        outcomes: dict[int, Outcome] = {}
        for query_id, query in self._queries.items():
            if not query.is_stale:
                continue
            try:
                outcomes[query_id] = self._run(query, identity)
            except DeploymentError as error:
                if error.fault is None or error.kind not in _RETRIED:
                    raise
                for run_before in outcomes:
                    self._unwatch(self._queries[run_before])
                    self._queries[run_before].is_stale = True
                self._retries += 1
                raise RetryLater(_retry_seconds(self._retries)) from error
        self._retries = 0
        return outcomes

    def _run(self, query: _Query, identity: Identity) -> Outcome:
        request = query.request
        query.run_by = Request("SyncWorker")
        outcome = self._emulator.call(
            request.path,
            encoded_arguments(request.args),
            FunctionKind.QUERY,
            identity,
            end_cursor=query.journal,
            request=query.run_by,
        )
        self._report(request.path, FunctionKind.QUERY, outcome)
        if outcome.fault is not None:
            self._strikes.append(outcome.fault)
        query.is_stale = False
        query.journal = outcome.end_cursor
        if outcome.read_set is not None:
            query.subscription = Subscription(outcome.read_set, lambda: self._become_stale(query))
            self._emulator.watch(query.subscription)
        return outcome

    def _digest(self, outcome: Outcome) -> bytes:
        """What decides whether a result changed; request id and data of an error do not count."""
        failure = outcome.failure
        result = encode(outcome.value) if failure is None else [failure.message, *failure.frames]
        content = [failure is None, result, list(outcome.log_lines)]
        return hashlib.sha256(write_json(content).encode()).digest()

    def _result(self, outcome: Outcome, request: Request) -> dict[str, Any]:
        log_lines = [] if self._emulator.redact_errors else list(outcome.log_lines)
        if outcome.failure is None:
            return {"type": "QueryUpdated", "value": encode(outcome.value), "logLines": log_lines}
        return {"type": "QueryFailed", "logLines": log_lines, **self._error(outcome.failure, request)}

    def _error(self, failure: Failure, request: Request) -> dict[str, Any]:
        request_id = request.named(self._emulator.new_request_id)
        text = failure.client_text(request_id, is_redacted=self._emulator.redact_errors)
        data = {} if failure.data is undefined else {"errorData": encode(failure.data)}
        return {"errorMessage": text, **data}

    def _become_stale(self, query: _Query) -> None:
        query.subscription = None
        query.is_stale = True
        self._on_stale()

    def _unwatch(self, query: _Query) -> None:
        # Read once: a commit in another thread may make the query stale meanwhile.
        subscription = query.subscription
        if subscription is not None:
            self._emulator.unwatch(subscription)
            query.subscription = None

"""Scheduled functions as documents of ``_scheduled_functions``: scheduling, cancelling, completing.

convex-backend crates/model/src/scheduled_jobs/mod.rs, virtual_table.rs, crates/udf/src/validation.rs
``validate_schedule_args``, crates/isolate/src/environment/udf/async_syscall.rs ``schedule`` and ``cancel_job``
(convex-engine.md §10.11, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.database.documents import without_system_fields
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.system_documents import delete_system, insert_system, replace_system
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, InvalidValue
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.functions import FunctionRegistry
from convex_mastra_emulator.runtime.paths import FunctionPath, parse_path
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.order import sort_key
from convex_mastra_emulator.values.size import Measured
from convex_mastra_emulator.values.types import Value

SCHEDULED_FUNCTIONS = "_scheduled_functions"
_NUMBER = 539
_FIVE_YEARS_S = 5 * 366 * 24 * 3600
RETENTION_MS = 7 * 24 * 3600 * 1000.0
"""How long finished jobs are kept (crates/common/src/knobs.rs ``SCHEDULED_JOB_RETENTION``)."""
_ARRAY_OVERHEAD = 2
# crates/application/src/scheduled_jobs/mod.rs, of a job that is found in progress; without frames, and so in one line.
INTERRUPTED = "Transient error while executing action"


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled function.

    Attributes:
        id: of its document.
        path: the function's.
        arguments: what it will be called with.
        scheduled_ms: when it is due, milliseconds since the Unix epoch.
        state: ``pending``, ``inProgress``, ``success``, ``failed`` or ``canceled``.
        error: why it failed.
    """

    id: str
    path: FunctionPath
    arguments: Value
    scheduled_ms: float
    state: str
    error: str | None = None

    def __str__(self) -> str:
        return f"{self.path.stripped} at {self.scheduled_ms:.0f} ms ({self.state})"


def job_of(document: Mapping[str, Any]) -> Job:
    """The job a document of ``_scheduled_functions`` describes."""
    state = document["state"]
    return Job(
        id=document["_id"],
        path=parse_path(document["name"]),
        arguments=document["args"][0],
        scheduled_ms=document["scheduledTime"],
        state=state["kind"],
        error=state.get("error"),
    )


class Jobs:
    """The scheduled functions, as one transaction sees and changes them."""

    def __init__(self, transaction: Transaction, functions: FunctionRegistry) -> None:
        self._transaction = transaction
        self._functions = functions

    def schedule(
        self, path: FunctionPath, arguments: Measured, at_ms: float, *, now_ms: float, parent: str | None
    ) -> str:
        """Adds a job and returns its id.

        Args:
            path: the function; its kind and its arguments are looked at only when it runs.
            arguments: the one argument object.
            at_ms: when it is due.
            now_ms: what the caller's clock says.
            parent: the job that schedules it; what a cancelled one schedules is cancelled from the start.

        Raises:
            DeploymentError: for a time too far away, a function that does not exist, or too many jobs.
        """
        _check_time(at_ms, now_ms)
        self._check_function(path)
        self._check_allowance(_ARRAY_OVERHEAD + arguments.size)
        fields: dict[str, Value] = {
            "args": [arguments.value],
            "name": path.canonical,
            "scheduledTime": at_ms,
            "state": {"kind": "pending"},
        }
        if parent is not None and self._state_of(parent) == "canceled":
            begin_ms = self._begin_ms
            fields |= {"completedTime": begin_ms, "scheduledTime": begin_ms, "state": {"kind": "canceled"}}
        return insert_system(self._transaction, SCHEDULED_FUNCTIONS, fields)

    def _check_function(self, path: FunctionPath) -> None:
        if self._functions.has(path):
            return
        if not self._functions.has_module(path.module):
            text = f"Attempted to schedule function at nonexistent path: {path.module}"
        else:
            text = (
                f"Attempted to schedule function, but no exported function {path.function} found in the file: "
                f"{path.module}. Did you forget to export it?"
            )
        raise DeploymentError(text, code="InvalidScheduledFunction")

    def _check_allowance(self, size: int) -> None:
        transaction, limits = self._transaction, self._transaction.limits
        if transaction.scheduled_count >= limits.scheduled_count_max:
            raise DeploymentError(
                f"Too many functions scheduled by this mutation (limit: {limits.scheduled_count_max})",
                code="TooManyFunctionsScheduled",
            )
        if transaction.scheduled_size + size > limits.scheduled_size_max:
            raise DeploymentError(
                "Too large total size of the arguments of scheduled functions from this mutation "
                f"(limit: {limits.scheduled_size_max} bytes)",
                code="ScheduledFunctionsArgumentsTooLarge",
            )
        transaction.scheduled_count += 1
        transaction.scheduled_size += size

    def cancel(self, job_id: str) -> None:
        """Cancels a job that has not finished; one that has, or is no longer there, is left alone.

        Raises:
            InvalidArgument: for text that is no id, and for an id of another table.
        """
        if self._state_of(check_job_id(job_id)) in ("pending", "inProgress"):
            self.complete(job_id, "canceled")

    def _state_of(self, job_id: str) -> str | None:
        document = self._transaction.get_system(SCHEDULED_FUNCTIONS, job_id)
        return None if document is None else str(job_of(document.value).state)

    def begin(self, job_id: str) -> bool:
        """Notes that a job runs; False, and nothing is noted, if it no longer waits."""
        if self._state_of(job_id) != "pending":
            return False
        self._set(job_id, {"state": {"kind": "inProgress"}})
        return True

    def complete(self, job_id: str, kind: str, error: str | None = None) -> None:
        """Notes how a job ended; nothing if it was cancelled meanwhile."""
        if self._state_of(job_id) not in ("pending", "inProgress"):
            return
        state = {"kind": kind} if error is None else {"kind": kind, "error": error}
        self._set(job_id, {"state": state, "completedTime": self._begin_ms})

    def fail_interrupted(self, running: Container[str]) -> None:
        """Notes that interrupted actions failed: one is never begun twice.

        Args:
            running: the ids of those that do run.
        """
        for job_id in interrupted_jobs(self._transaction.store, running):
            self.complete(job_id, "failed", INTERRUPTED)

    def forget(self, job_ids: Iterable[str]) -> None:
        """Deletes the documents of jobs."""
        for job_id in job_ids:
            delete_system(self._transaction, SCHEDULED_FUNCTIONS, job_id)

    def _set(self, job_id: str, changes: dict[str, Value]) -> None:
        document = self._transaction.get_system(SCHEDULED_FUNCTIONS, job_id)
        assert document is not None
        fields = {**without_system_fields(document.value), **changes}
        replace_system(self._transaction, SCHEDULED_FUNCTIONS, job_id, fields)

    @property
    def _begin_ms(self) -> float:
        return self._transaction.begin_ns / 1_000_000


def ended(failure: Failure | None) -> tuple[str, str | None]:
    """The state of a job that has run, and its error: message and frames, each a line that ends."""
    if failure is None:
        return "success", None
    return "failed", "".join(f"{line}\n" for line in (failure.message, *failure.frames))


def check_job_id(job_id: str) -> str:
    """The id itself, if it is one of a scheduled function.

    Raises:
        InvalidArgument: if it is none.
    """
    try:
        number, _ = decode_id(job_id)
    except InvalidValue as error:
        raise InvalidArgument(f"Invalid argument `id` for `db.cancel_job`: {error}") from None
    if number != _NUMBER:
        raise InvalidArgument(
            "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
            code="InvalidArgument",
        )
    return job_id


def _check_time(at_ms: float, now_ms: float) -> None:
    if at_ms < 0:
        raise InvalidArgument("Invalid arguments for `ts`: cannot convert float seconds to Duration: value is negative")
    for word, is_too_far in (
        ("future", at_ms - now_ms > _FIVE_YEARS_S * 1000),
        ("past", now_ms - at_ms > _FIVE_YEARS_S * 1000),
    ):
        if is_too_far:
            seconds = f"{at_ms / 1000:.9f}".rstrip("0").rstrip(".")
            raise DeploymentError(
                f"UnixTimestamp({seconds}s) is more than 5 years in the {word}", code="InvalidScheduledFunctionDelay"
            )


def is_pending(store: Store, job_id: str) -> bool:
    """Whether a job waits."""
    document = store.system_table(SCHEDULED_FUNCTIONS).documents.get(job_id)
    return document is not None and job_of(document.value).state == "pending"


def pending_jobs(store: Store) -> Iterator[Job]:
    """The jobs that wait, by the time at which they are due; to be read to its end before anything is written."""
    return _jobs_in_state(store, "pending")


def interrupted_jobs(store: Store, running: Container[str]) -> list[str]:
    """The ids of actions that are noted as in progress and do not run: whoever ran them ended before they did."""
    return [job.id for job in _jobs_in_state(store, "inProgress") if job.id not in running]


def _jobs_in_state(store: Store, kind: str) -> Iterator[Job]:
    table = store.system_table(SCHEDULED_FUNCTIONS)
    prefix = sort_key(kind)
    index = table.indexes[" pending"]
    for key in index.keys(prefix, _after(prefix)):
        yield job_of(table.document_by_key(key).value)


def _after(prefix: bytes) -> bytes:
    """The first key behind all that begin with a prefix; sort keys of text end with a zero byte."""
    return prefix[:-1] + bytes([prefix[-1] + 1])

"""Calls that faults strike: refused as a deployment refuses, tried again after write conflicts, or without an answer.

convex-backend crates/application/src/application_function_runner/mod.rs ``_retry_mutation`` and
``acquire_permit_with_timeout``, crates/isolate/src/metrics.rs ``RejectedBeforeExecutionReason``,
crates/errors/src/lib.rs ``user_occ`` and ``system_occ``, crates/common/src/knobs.rs
(convex-engine.md §10.10, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar

from convex_mastra_emulator.clock import Clock, wait_by
from convex_mastra_emulator.database.read_set import ReadSet
from convex_mastra_emulator.database.store import Change
from convex_mastra_emulator.errors import (
    INTERNAL_ERROR_TEXT,
    DeploymentUnreachable,
    EmulatorError,
    ErrorKind,
    RequestRefused,
)
from convex_mastra_emulator.fault_kinds import ANSWER_FAULTS, REFUSALS, FaultKind, Place, Raised, Strike, cut_off
from convex_mastra_emulator.runtime.arguments import ReadArguments
from convex_mastra_emulator.runtime.calls import Call, Outcome
from convex_mastra_emulator.runtime.functions import Function, FunctionKind
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.json_text import write_json
from convex_mastra_emulator.values.size import copy_of

Ran = TypeVar("Ran", Outcome, "Outcome | None")

TRIES_MAX = 5
"""How often a mutation is tried that meets write conflicts (``UDF_EXECUTOR_OCC_MAX_RETRIES`` is 4)."""
_SCHEDULED_TRIES_MAX = 1000
_OK = 200

# The words are the backend's, with its "out ... out".
_OVERLOADED = (
    "ExecuteFullError",
    "Too many concurrent requests in a short period of time. Spread out your requests out over time or throttle them "
    "to avoid errors.",
)
# APPLICATION_MAX_CONCURRENT_QUERIES, _MUTATIONS and _V8_ACTIONS
_PERMITS = {FunctionKind.QUERY: 16, FunctionKind.MUTATION: 16, FunctionKind.ACTION: 64}
_PERMITS_WITHOUT_PRO = 16
_CONFLICT = "OptimisticConcurrencyControlFailure"
_CONFLICT_OF_SYSTEM_TABLES = (
    "Data read or written in this mutation changed while it was being run. Consider reducing the amount of data read "
    "by using indexed queries with selective index range expressions (https://docs.convex.dev/database/indexes/)."
)


class EndlessFault(EmulatorError):
    """A scheduled function is tried again without end; the text names the fault."""


class WriteConflict(Exception):
    """Ends one try of a mutation that would have committed.

    Attributes:
        strike: the fault's.
        message: what its caller is told if this was the last try.
    """

    def __init__(self, strike: Strike, changes: Iterable[Change], read_set: ReadSet) -> None:
        self.strike = strike
        self.message = _conflict_text(changes, read_set)
        super().__init__(self.message)


def _conflict_text(changes: Iterable[Change], read_set: ReadSet) -> str:
    """Names a table that was written, if possible one that was also read: such documents conflict on a deployment."""
    written = dict.fromkeys(change.table.name for change in changes)
    read = dict.fromkeys(table for (table, _), _, _ in read_set.intervals())
    candidates = (*(name for name in written if name in read), *written, *read)
    table = next((name for name in candidates if not name.startswith("_")), None)
    if table is None:
        return _CONFLICT_OF_SYSTEM_TABLES
    return (
        f'Documents read from or written to the "{table}" table changed while this mutation was being run and on every '
        "subsequent retry. See https://docs.convex.dev/error#1"
    )


@dataclass(frozen=True, slots=True)
class UnderFaults:
    """A call while faults are armed.

    Attributes:
        strike: what strikes the call itself; None if nothing does.
        tries_max: how often a mutation may be tried; None for without bound.
        strikes: where its commit and the calls it makes note what struck them.
    """

    strike: Strike | None = None
    tries_max: int | None = TRIES_MAX
    strikes: list[Strike] = field(default_factory=list)

    def struck(self, call: Call) -> Call:
        """The call as it runs then."""
        if self.strike is not None and self.strike.raised is not None:
            return call._replace(function=raising(call.function, self.strike.raised), strikes=self.strikes)
        return call._replace(strikes=self.strikes)

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome with what struck: the call itself, then its commit and the calls it made."""
        strike = self.strike
        for other in self.strikes:
            strike = other if strike is None else strike.joined(other)
        return outcome if strike is None else replace(outcome, fault=strike)


def call_under_faults(
    strike: Strike | None, kind: FunctionKind, place: Place, clock: Clock, run: Callable[[UnderFaults], Outcome]
) -> Outcome:
    """Runs a call, or what faults leave of it.

    Args:
        strike: what strikes the call itself.
        kind: the function's.
        place: where the call is.
        clock: by which a scheduled function waits; others have an answer, which waits.
        run: runs it.

    Raises:
        RequestRefused: in the deployment's words, when the fault is a refusal.
    """
    if strike is not None:
        _refuse(strike, kind)
        if strike.kind is FaultKind.CONNECTION_CUT:
            return Outcome(fault=strike)
        if place is Place.SCHEDULED and strike.delay_seconds:
            wait_by(clock, strike.delay_seconds)
    under = UnderFaults(strike, None if place is Place.SCHEDULED else TRIES_MAX)
    try:
        return under.told(run(under))
    except EmulatorError as error:
        if error.fault is not None and strike is not None:
            error.fault = strike.joined(error.fault)
        raise


def fresh(read_arguments: ReadArguments) -> ReadArguments:
    """Reads arguments that nobody else holds: a try that was undone may have changed its own."""
    return lambda limits: [given._replace(value=copy_of(given.value)) for given in read_arguments(limits)]


def tried_again(call: Call, attempt: Callable[[], Ran], tries_max: int | None) -> Ran:
    """Runs a mutation until no write conflict strikes; between the tries nothing is held, and nobody waits.

    Args:
        call: the mutation; what it logged in tries that were undone is forgotten.
        attempt: runs it once, in a transaction of its own.
        tries_max: how often it may be tried; None as scheduled functions are, without bound.

    Raises:
        RequestRefused: with the deployment's words, when every try met a conflict.
        EndlessFault: when a scheduled function would be tried for ever.
    """
    lines = len(call.logs.lines)
    strike: Strike | None = None
    for number in range(1, (tries_max or _SCHEDULED_TRIES_MAX) + 1):
        try:
            outcome = attempt()
        except WriteConflict as conflict:
            last = conflict
        else:
            _note(call, strike)
            return outcome
        strike = last.strike if strike is None else strike.joined(last.strike)
        del call.logs.lines[lines:]
        if number == tries_max:
            _note(call, strike)
            raise _with_fault(RequestRefused(last.message, code=_CONFLICT, kind=ErrorKind.OVERLOADED), strike)
    assert strike is not None
    raise _with_fault(
        EndlessFault(
            f"the scheduled mutation {call.path.stripped} met the fault {strike} and would be tried again for ever, as "
            "on a deployment; give the fault times="
        ),
        strike,
    )


def _note(call: Call, strike: Strike | None) -> None:
    if strike is not None and call.strikes is not None:
        call.strikes.append(strike)


def _with_fault(error: EmulatorError, strike: Strike) -> EmulatorError:
    error.fault = strike
    return error


def _refuse(strike: Strike, kind: FunctionKind) -> None:
    """Refuses the call if the fault is a refusal; nothing of it has run.

    Raises:
        RequestRefused: with the deployment's words, or those the test chose.
    """
    if strike.kind not in REFUSALS:
        return
    code, message, error_kind = _refusal(strike.kind, kind)
    error = RequestRefused(strike.message or message, code=strike.code or code, kind=error_kind)
    raise _with_fault(error, strike)


def _refusal(fault: FaultKind, kind: FunctionKind) -> tuple[str, str, ErrorKind]:
    if fault is FaultKind.OVERLOADED:
        return (*_OVERLOADED, ErrorKind.OVERLOADED)
    if fault is FaultKind.RATE_LIMITED:
        permits = _PERMITS[kind]
        advice = (
            "If you need more resources, please contact support."
            if permits > _PERMITS_WITHOUT_PRO
            else "To get more resources, upgrade to Convex Pro. If you are already on Convex Pro, please contact "
            "support."
        )
        # Of queries it says "querys".
        limit = f"Your backend is limited to {permits} concurrent {kind.value.lower()}s."
        return "TooManyConcurrentRequests", f"Too many concurrent requests. {limit} {advice}", ErrorKind.RATE_LIMITED
    if fault is FaultKind.REFUSED:
        return "BadRequest", "The request was refused.", ErrorKind.BAD_REQUEST
    return "InternalServerError", INTERNAL_ERROR_TEXT, ErrorKind.INTERNAL


def raising(function: Function, raised: Raised) -> Function:
    """The function, with a body that raises."""

    def handler(_ctx: Any, *_args: Any) -> NoReturn:
        # Without what it carries from where it was raised before.
        raise raised if isinstance(raised, type) else raised.with_traceback(None)

    return replace(function, handler=handler)


def suffer(outcome: Outcome, fault: Strike, kind: FunctionKind, path: str, clock: Clock) -> None:
    """Does to an answer in process what a fault does to it on the way to a client.

    Raises:
        DeploymentUnreachable: when it never comes, as :func:`~convex_mastra_emulator.connect` raises.
        RequestRefused: when it cannot be read, likewise.
    """
    if fault.delay_seconds:
        wait_by(clock, fault.delay_seconds)
    if fault.kind not in ANSWER_FAULTS:
        return
    name = kind.value.lower()
    if fault.kind is not FaultKind.MALFORMED_JSON:
        problem = "the connection was closed without an answer"
        raise _with_fault(DeploymentUnreachable(f"{name} {path}: cannot reach the emulator: {problem}"), fault)
    answer = {"status": "success", "value": encode(outcome.value)}
    if outcome.failure is not None:
        answer = {"status": "error", "errorMessage": outcome.failure.message}
    text = cut_off(write_json(answer))[:200]
    raise _with_fault(
        RequestRefused(f"{_OK} without a JSON body: {text}", code="InvalidResponse", kind=ErrorKind.INTERNAL), fault
    )

"""What a socket of the sync protocol is to do, and what faults make of it.

How errors that are not the function's end a socket: convex-backend crates/errors/src/lib.rs ``close_frame``
(convex-wire.md §1.8, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convex_mastra_emulator.errors import DeploymentError, ErrorKind
from convex_mastra_emulator.fault_kinds import WITHOUT_ANSWER, FaultKind, Strike, cut_off
from convex_mastra_emulator.values.json_text import write_json

WITHOUT_CLOSE_FRAME = 1006


@dataclass(frozen=True, slots=True)
class Close:
    """The socket is to be closed; nothing more may be sent.  1006 cuts the connection without a close frame."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """What follows is to be done so much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class UpdateLater:
    """:meth:`SyncSession.update` is to be called so much later; meanwhile everything else goes on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RunAction:
    """An action to run beside the socket; ``run()`` gives what is to be done when it has ended."""

    run: Callable[[], list[Output]]


Output = str | Close | RunAction | Wait | UpdateLater
"""A text to send, an action to run, the end, or something that takes time."""


def struck(outputs: list[Output], strikes: list[Strike]) -> list[Output]:
    """Outputs that answer a call, as they are when faults strike the answer."""
    kinds = {strike.kind for strike in strikes}
    if not kinds.isdisjoint(WITHOUT_ANSWER):
        outputs = [Close(WITHOUT_CLOSE_FRAME)]
    elif FaultKind.MALFORMED_JSON in kinds:
        outputs = [cut_off(output) if isinstance(output, str) else output for output in outputs]
    seconds = sum(strike.delay_seconds for strike in strikes)
    return [Wait(seconds), *outputs] if seconds else outputs


def fatal(text: str) -> list[Output]:
    """The end of a socket whose client did something wrong."""
    return [write_json({"type": "FatalError", "error": text}), Close()]


_CLOSING_CODES = {
    ErrorKind.NOT_FOUND: 1000,
    ErrorKind.RATE_LIMITED: 1013,
    ErrorKind.OUT_OF_RETENTION: 1013,
    ErrorKind.OVERLOADED: 1013,
    ErrorKind.INTERNAL: 1011,
}


def closed_by(error: DeploymentError) -> list[Output]:
    """How an error that is not the function's ends a socket."""
    strikes = [] if error.fault is None else [error.fault]
    if error.kind is ErrorKind.UNAUTHENTICATED:
        refusal = {"type": "AuthError", "error": error.message, "baseVersion": None, "authUpdateAttempted": False}
        return struck([write_json(refusal), Close()], strikes)
    code = _CLOSING_CODES.get(error.kind)
    if code is not None:
        return struck([Close(code, error.code[:123])], strikes)
    return struck(fatal(error.message), strikes)

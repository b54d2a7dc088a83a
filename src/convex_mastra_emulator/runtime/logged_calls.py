"""Calls with their entry in the deployment's log, however they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind
from convex_mastra_emulator.runtime.arguments import UnreadableArguments
from convex_mastra_emulator.runtime.calls import Call, Outcome
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.function_log import FunctionLog, ModuleEnvironment, Request, Run
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.usage import NOTHING_USED

Ran = TypeVar("Ran", Outcome, "Outcome | None")


def logged(log: FunctionLog, call: Call, run: Callable[[], Ran]) -> Ran:
    """Runs a call and notes how it ended, unless nothing ran.

    Raises:
        Exception: what ``run`` raised.
    """
    assert call.run is not None
    try:
        outcome = run()
    except UnreadableArguments:
        raise
    except DeploymentError as error:
        text = INTERNAL_ERROR_TEXT if error.kind is ErrorKind.INTERNAL else error.message
        log.end(call.run, tuple(call.logs.lines), NOTHING_USED, f"{text}\n")
        raise
    if outcome is not None:
        # What the calls of an action used is told with them.
        usage = NOTHING_USED if outcome.usage.is_sum else outcome.usage
        failure = outcome.failure
        log.end(call.run, outcome.log_lines, usage, None if failure is None else failure.log_text)
    return outcome


def note_missing(
    log: FunctionLog,
    request: Request,
    path: FunctionPath,
    kind: FunctionKind | None,
    identity: Identity,
    parent: Run | None,
    failure: Failure,
) -> None:
    """Notes a call of a function that is not there; without its kind a deployment notes none."""
    if kind is not None:
        environment: ModuleEnvironment = "invalid" if kind is FunctionKind.ACTION else "isolate"
        run = log.begin(request, path, kind.value, identity, parent, environment)
        log.end(run, (), NOTHING_USED, failure.log_text)

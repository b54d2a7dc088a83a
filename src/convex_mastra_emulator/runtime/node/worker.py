"""A Node process that runs queries and mutations: one thread uses it at a time, and functions nest in it.

convex-backend crates/isolate/src/timeout.rs, crates/common/src/knobs.rs (convex-engine.md §10.9, checked 2026-11-21).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from convex_mastra_emulator.runtime.failures import Failure, FailureThrown
from convex_mastra_emulator.runtime.node.pipes import (
    ABORT,
    ENVIRONMENT,
    FAILURE,
    INVOKE,
    LOAD,
    LOG,
    REFUSE,
    REPLY,
    RESULT,
    SYSCALL,
    VARIABLE,
    ModuleNotLoaded,
    NodeProcess,
    OutOfTime,
    Refusal,
    WorkerEnded,
    failure_of,
)

_LOAD_SECONDS_MAX = 60.0
# A function that does not compute, and asks for nothing either, will not go on.
_PATIENCE_SECONDS = 20.0
# crates/common/src/knobs.rs ``ISOLATE_MAX_USER_HEAP_SIZE`` are 64 MiB; the modules of all functions lie here, too.
_HEAP_MIB_MAX = 128
# crates/isolate/src/environment/udf/mod.rs, as transactions.mjs tells it
_NEVER_SETTLED = "Returned promise will never resolve"


class Answers(Protocol):
    """What answers the requests of one function that runs in Node."""

    def note(self, notes: str) -> None:
        """Takes what came along with a frame: what of the queries' documents was taken."""

    def answer(self, operation: str, text: str) -> str:
        """The answer to a request; raises what the function is to see."""

    def log(self, level: str, text: str) -> None:
        """Takes a line the function logged."""

    def read_variable(self, name: str) -> None:
        """Takes that the function has looked up a variable of the environment."""


class TransactionWorker:
    """One process.

    Args:
        node: the program.
        script: what it runs.
        user_seconds_max: how long a function and those it calls may run, waiting for answers apart.
    """

    def __init__(self, node: Path, script: Path, *, user_seconds_max: float) -> None:
        self._process = NodeProcess(node, script, heap_mib_max=_HEAP_MIB_MAX)
        self._user_seconds_max = user_seconds_max
        self._user_seconds_left = user_seconds_max
        self._begun_seconds: float | None = None
        self._waited_seconds = 0.0
        self._depth = 0
        self._env: Mapping[str, str] = {}
        self._is_stuck = False
        # A clone runs the same functions, under a lock of its own.
        self._lock = threading.RLock()

    @property
    def has_ended(self) -> bool:
        """Whether it can be used no more."""
        return self._process.has_ended

    def close(self) -> None:
        """Ends the process."""
        self._process.close()

    def retire(self) -> None:
        """Ends the process when nothing runs in it any more."""
        with self._lock:
            self.close()

    # Requests

    def load(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Loads modules and tells what they export.

        Raises:
            ModuleNotLoaded: when a module threw.
        """
        self._env = request["env"]
        self._process.send(LOAD, json.dumps(request))
        kind, text = self._process.receive(_LOAD_SECONDS_MAX)
        if kind == FAILURE:
            raise ModuleNotLoaded(text)
        exported: list[dict[str, Any]] = json.loads(text)
        return exported

    def invoke(self, request: Mapping[str, Any], arguments: str, answers: Answers, env: Mapping[str, str]) -> str:
        """Runs a function, with these environment variables, and gives its result as JSON text.

        Raises:
            FailureThrown: when it fails.
            WorkerEnded: when Node does.
        """
        with self._lock:
            # Between calls only: while a function waits, Node takes nothing but its answer.
            if self._depth == 0 and env != self._env:
                self._env = env
                self._process.send(ENVIRONMENT, json.dumps(dict(env)))
            return self._invoke(request, arguments, answers)

    def _invoke(self, request: Mapping[str, Any], arguments: str, answers: Answers) -> str:
        if self._depth == 0:
            self._user_seconds_left = self._user_seconds_max
            self._begun_seconds = self._process.computed_seconds()
            self._waited_seconds = 0.0
        self._depth += 1
        try:
            self._process.send(INVOKE, f"{json.dumps(request)}\n{arguments}")
            return self._serve(answers)
        except BaseException as error:
            if not isinstance(error, Exception):
                self._process.stop(WorkerEnded("the call was interrupted"))
            raise
        finally:
            self._depth -= 1
            if self._depth == 0 and self._is_stuck:
                self.close()

    def _serve(self, answers: Answers) -> str:
        problem: Exception | None = None
        while True:
            kind, text = self._receive_in_time()
            if kind == LOG:
                level, _, line = text.partition("\n")
                answers.log(level, line)
                continue
            if kind == VARIABLE:
                answers.read_variable(text)
                continue
            notes, _, rest = text.partition("\0")
            if kind == SYSCALL:
                problem = self._answer(answers, notes, rest) or problem
                continue
            if problem is not None:
                raise problem
            if notes:
                answers.note(notes)
            if kind == RESULT:
                return rest
            failure = failure_of(rest)
            # It may hold what its module shares with other functions, such as a lock; a deployment's modules are new
            # with each call.
            self._is_stuck |= failure.message == _NEVER_SETTLED
            raise FailureThrown(failure)

    def _answer(self, answers: Answers, notes: str, text: str) -> Exception | None:
        """Answers a request; a fault of our own is given back, to be raised when the function has been ended."""
        operation, _, request = text.partition("\0")
        try:
            if notes:
                answers.note(notes)
            reply = answers.answer(operation, request)
        except WorkerEnded:
            raise
        except Refusal as refusal:
            self._process.send(REFUSE, refusal.json)
        except Exception as error:
            self._process.send(ABORT, "")
            return error
        else:
            self._process.send(REPLY, reply)
        return None

    def _receive_in_time(self) -> tuple[int, str]:
        while True:
            started = time.perf_counter()
            try:
                frame = self._process.receive(self._user_seconds_left)
            except OutOfTime:
                self._waited_seconds += time.perf_counter() - started
                self._user_seconds_left = self._seconds_to_compute()
                if self._user_seconds_left > 0:
                    continue
                text = f"Function execution timed out (maximum duration: {self._user_seconds_max:g}s)"
                raise self._process.stop(FailureThrown(Failure(message=text))) from None
            self._user_seconds_left -= time.perf_counter() - started
            return frame

    def _seconds_to_compute(self) -> float:
        """What is left when the time is over by the clock: on a busy machine a process waits for its turn, too."""
        now_seconds = self._process.computed_seconds()
        if now_seconds is None or self._begun_seconds is None or self._waited_seconds > _PATIENCE_SECONDS:
            return 0.0
        return self._user_seconds_max - (now_seconds - self._begun_seconds)

"""A Node process that runs actions, several at once: one thread reads all frames, each action waits for its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from convex_mastra_emulator.runtime.failures import Failure, FailureThrown
from convex_mastra_emulator.runtime.node.pipes import (
    ENVIRONMENT,
    FAILURE,
    INVOKE,
    LOAD,
    LOG,
    REFUSE,
    REPLY,
    RESULT,
    SYSCALL,
    ModuleNotLoaded,
    NodeProcess,
    Refusal,
    WorkerEnded,
    failure_of,
)

_LOAD_SECONDS_MAX = 60.0
_GRACE_SECONDS = 1.0
# A deployment gives each action 64 MiB in its own runtime and 512 MiB in Node (docs "Limits"); here they share.
_HEAP_MIB_MAX = 512
_MEMORY_MB = {"isolate": 64, "node": 512}
# An action that waits for one it has called must not keep that from being answered.
_IN_THREADS = frozenset({"1.0/actions/action", "emulator/fetch"})
_Frame = tuple[int, str]


class ActionAnswers(Protocol):
    """What answers the requests of one action."""

    def answer(self, operation: str, text: str) -> str:
        """The answer to a request; raises what the action is to see."""

    def now_ms(self) -> float:
        """The time, as the action is to see it."""

    def log(self, level: str, text: str) -> None:
        """Takes a line the action logged."""


class ActionWorker:
    """One process.

    Args:
        node: the program.
        script: what it runs.
        runtime: which globals functions see.
        seconds_max: how long an action may take.
    """

    def __init__(self, node: Path, script: Path, runtime: Literal["isolate", "node"], *, seconds_max: float) -> None:
        self._process = NodeProcess(
            node, script, runtime, heap_mib_max=_HEAP_MIB_MAX, memory_told_mb=_MEMORY_MB[runtime]
        )
        self._runtime = runtime
        self._is_retired = False
        # Node notices by itself that an action takes too long, unless it never stops computing.
        self._grace_seconds = _GRACE_SECONDS if runtime == "node" else 0.0
        self._seconds_max = seconds_max
        self._frames: dict[int, queue.SimpleQueue[_Frame]] = {0: queue.SimpleQueue()}
        self._ids = itertools.count(1)
        self._env: Mapping[str, str] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, name="convex-emulator-node", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether it can be used no more."""
        return self._process.has_ended

    def close(self) -> None:
        """Ends the process."""
        self._process.close()

    def _read(self) -> None:
        try:
            while True:
                kind, text = self._process.receive(None)
                id, _, rest = text.partition("\n")
                frames = self._frames.get(int(id))
                if frames is not None:
                    frames.put((kind, rest))
        except (WorkerEnded, FailureThrown, OSError, ValueError):
            for frames in list(self._frames.values()):
                frames.put((0, ""))

    def _send(self, kind: int, text: str) -> None:
        with self._lock:
            self._process.send(kind, text)

    # Requests

    def load(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Loads modules and tells what they export.

        Raises:
            ModuleNotLoaded: when a module threw.
        """
        self._env = request["env"]
        self._send(LOAD, json.dumps(request))
        kind, text = self._next(self._frames[0], time.monotonic() + _LOAD_SECONDS_MAX)
        if kind == FAILURE:
            raise ModuleNotLoaded(text)
        exported: list[dict[str, Any]] = json.loads(text)
        return exported

    def retire(self) -> None:
        """Takes no further action; the process ends with the last of those that run."""
        with self._lock:
            self._is_retired = True
            is_idle = len(self._frames) == 1
        if is_idle:
            self.close()

    def invoke(self, request: Mapping[str, Any], arguments: str, answers: ActionAnswers, env: Mapping[str, str]) -> str:
        """Runs an action, with these environment variables, and gives its result as JSON text.

        Raises:
            FailureThrown: when it fails.
            WorkerEnded: when Node does.
        """
        id = next(self._ids)
        frames: queue.SimpleQueue[_Frame] = queue.SimpleQueue()
        with self._lock:
            self._frames[id] = frames
        try:
            sent = {**request, "id": id, "secondsMax": self._seconds_max}
            with self._lock:
                if env != self._env:
                    self._env = env
                    self._process.send(ENVIRONMENT, json.dumps(dict(env)))
                self._process.send(INVOKE, f"{json.dumps(sent)}\n{arguments}")
            return self._serve(frames, answers, time.monotonic() + self._seconds_max)
        finally:
            with self._lock:
                del self._frames[id]
                is_last = self._is_retired and len(self._frames) == 1
            if is_last:
                self.close()

    def _serve(self, frames: queue.SimpleQueue[_Frame], answers: ActionAnswers, deadline: float) -> str:
        while True:
            kind, text = self._next(frames, deadline)
            if kind == LOG:
                level, _, line = text.partition("\n")
                answers.log(level, line)
            elif kind == SYSCALL:
                self._answer(answers, text)
            elif kind == RESULT:
                return text
            else:
                raise FailureThrown(failure_of(text))

    def _next(self, frames: queue.SimpleQueue[_Frame], deadline: float) -> _Frame:
        try:
            frame = frames.get(timeout=max(0.0, deadline + self._grace_seconds - time.monotonic()))
        except queue.Empty:
            # It may compute without end, and let nothing else run.
            self.retire()
            raise FailureThrown(Failure(message=self._too_late)) from None
        if frame[0] == 0:
            raise self._process.died()
        return frame

    @property
    def _too_late(self) -> str:
        # crates/isolate/src/termination.rs; crates/node_executor/src/executor.rs ``EXECUTE_TIMEOUT_RESPONSE_JSON``
        if self._runtime == "isolate":
            return f"Function execution timed out (maximum duration: {self._seconds_max:g}s)"
        return (
            "Function execution unexpectedly timed out. Check your function for infinite loops or other long-running "
            "operations."
        )

    def _answer(self, answers: ActionAnswers, text: str) -> None:
        call, _, rest = text.partition("\n")
        operation, _, request = rest.partition("\0")

        def answer() -> None:
            try:
                kind, reply = REPLY, answers.answer(operation, request)
            except Refusal as refusal:
                kind, reply = REFUSE, refusal.json
            except Exception as error:
                # An action may catch everything, and waits for ever for what is not answered.
                kind, reply = REFUSE, Refusal(f"{type(error).__name__}: {error}").json
            with contextlib.suppress(WorkerEnded, FailureThrown):  # whoever waits for the action is told
                self._send(kind, f"{call} {answers.now_ms()}\n{reply}")

        if operation in _IN_THREADS:
            threading.Thread(target=answer, name="convex-emulator-action", daemon=True).start()
        else:
            answer()

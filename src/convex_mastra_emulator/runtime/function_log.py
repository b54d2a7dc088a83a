"""The log of a deployment: every run of a function, and what actions say while they run.

The journal holds what was called from outside, with arguments and answers, so that it can be called again.  Here stand
the runs themselves, as ``npx convex logs`` shows them: those that actions start among them, each with its own lines and
its own usage.  An action's lines are told one by one when they are logged, all others with the run they belong to.

convex-backend crates/application/src/function_log.rs, crates/common/src/types/functions.rs ``FunctionCaller``,
crates/common/src/knobs.rs ``MAX_UDF_EXECUTION`` (convex-wire.md §5.2, checked 2026-11-21).
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.runtime.paths import FunctionPath
from convex_mastra_emulator.usage import NOTHING_USED, Usage

RUNS_MAX = 1000

Caller = Literal["SyncWorker", "HttpApi", "HttpEndpoint", "Cron", "Scheduler", "Action"]
"""Who asks for a run; ``Tester``, the deployment's dashboard, does not call here."""
ModuleEnvironment = Literal["isolate", "node", "invalid"]
"""Where a function runs: the default runtime, Node, or nowhere."""


@dataclass(slots=True, eq=False)
class Request:
    """What asked for one or several runs.

    Attributes:
        caller: who asked.
        id: how the request is called; None until somebody has to know.
    """

    caller: Caller = "HttpApi"
    id: str | None = None

    def named(self, new_id: Callable[[], str]) -> str:
        """Its name, which it gets now if it has none."""
        if self.id is None:
            self.id = new_id()
        return self.id


def request_id_of(session_id: str, request_number: int) -> str:
    """How a request of a WebSocket is called (crates/common/src/execution_context.rs ``new_for_ws_session``)."""
    return hashlib.sha256(f"{session_id}|{request_number}".encode()).hexdigest()[:16]


class Run:
    """One run of a function.

    Attributes:
        request: what asked for it, and for the action that started it.
        name: the function's path, or method and path of an HTTP action's route.
        kind: ``Query``, ``Mutation``, ``Action`` or ``HttpAction``.
        identity: who called.
        parent: the action that started it; None if none did.
        environment: where it ran.
        began_ns: when it began, by the deployment's clock.
        ended_ns: when it ended.
        duration_ns: how long it took, by the machine's clock.
        log_lines: what it logged.
        usage: what it read and wrote itself.
        error: the text of its failure, with frames; None if it did not fail.
        return_size: bytes of what it returned; None if it failed, and for HTTP actions.
        status: of an HTTP action's response; None if it failed, and for all others.
        id: set when it is first told.
    """

    __slots__ = (
        "_began_at_ns",
        "began_ns",
        "duration_ns",
        "ended_ns",
        "environment",
        "error",
        "id",
        "identity",
        "kind",
        "log_lines",
        "name",
        "parent",
        "request",
        "return_size",
        "status",
        "usage",
    )

    def __init__(
        self,
        request: Request,
        name: FunctionPath | str,
        kind: str,
        identity: Identity,
        began_ns: int,
        parent: Run | None = None,
        environment: ModuleEnvironment = "isolate",
    ) -> None:
        self.request = request
        self.name = name
        self.kind = kind
        self.identity = identity
        self.parent = parent
        self.environment = environment
        self.began_ns = began_ns
        self._began_at_ns = time.perf_counter_ns()
        self.ended_ns = began_ns
        self.duration_ns = 0
        self.log_lines: tuple[str, ...] = ()
        self.usage = NOTHING_USED
        self.error: str | None = None
        self.return_size: int | None = None
        self.status: int | None = None
        self.id: str | None = None

    @property
    def streams_lines(self) -> bool:
        """Whether its lines are told while it runs."""
        return self.kind in ("Action", "HttpAction")

    @property
    def caller(self) -> Caller:
        """Who asked for it: the action that started it, or whoever made the request."""
        return self.request.caller if self.parent is None else "Action"

    def end(self, ended_ns: int) -> None:
        """Notes when it ended."""
        self.ended_ns = ended_ns
        # A library that freezes time may set this clock back, too.
        self.duration_ns = max(0, time.perf_counter_ns() - self._began_at_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line that an action logged while it ran."""

    run: Run
    text: str
    logged_ns: int


Entry = Run | Line


class FunctionLog:
    """The last runs of one deployment.

    Args:
        clock: where the time comes from.
        chance: where the names of requests and runs come from that nobody has named.
        runs_max: how many runs are kept; lines of actions are kept with them.
    """

    def __init__(self, clock: Clock, chance: random.Random, runs_max: int = RUNS_MAX) -> None:
        self._clock = clock
        self._chance = chance
        self._runs_max = runs_max
        self._lock = threading.Lock()
        self._entries: deque[tuple[float, Entry]] = deque()
        self._runs = 0
        self._cursor = 0.0
        self.listeners: list[Callable[[], None]] = []
        """Called, from any thread, when there is a new entry."""

    # What runs functions

    def begin(
        self,
        request: Request,
        name: FunctionPath | str,
        kind: str,
        identity: Identity,
        parent: Run | None = None,
        environment: ModuleEnvironment = "isolate",
    ) -> Run:
        """A run that begins now; it is in the log when it has ended."""
        return Run(request, name, kind, identity, self._clock.now_ns(), parent, environment)

    def end(self, run: Run, log_lines: tuple[str, ...], usage: Usage, error: str | None) -> None:
        """Adds a run that has ended; those of the deployment's own functions are not kept."""
        if isinstance(run.name, FunctionPath) and run.name.is_system:
            return
        now_ns = self._clock.now_ns()
        run.end(now_ns)
        run.log_lines = log_lines
        run.usage = usage
        run.error = error
        if error is not None:
            run.return_size = None  # what it returned came to nothing, as when its commit met a conflict
        self._add(run, now_ns)

    def say(self, run: Run, text: str) -> None:
        """Adds a line of an action that still runs."""
        now_ns = self._clock.now_ns()
        self._add(Line(run, text, now_ns), now_ns)

    def _add(self, entry: Entry, now_ns: int) -> None:
        with self._lock:
            self._cursor = max(now_ns / 1_000_000, math.nextafter(self._cursor, math.inf))
            self._entries.append((self._cursor, entry))
            self._runs += isinstance(entry, Run)
            while self._runs > self._runs_max:
                self._runs -= isinstance(self._entries.popleft()[1], Run)
        for listener in tuple(self.listeners):
            listener()

    # Who reads it

    def after(self, cursor: float) -> tuple[list[Entry], float]:
        """The entries behind a cursor, and the cursor of the last one; none, and the same cursor, if there are none.

        A cursor is a time in milliseconds since the Unix epoch.  What is no longer kept is left out without a word;
        behind a cursor that is no number stands everything.
        """
        with self._lock:
            found = [entry for entry in self._entries if not entry[0] <= cursor]
            for _, entry in found:
                self._name(entry)
        return [entry for _, entry in found], found[-1][0] if found else cursor

    def _name(self, entry: Entry) -> None:
        run: Run | None = entry if isinstance(entry, Run) else entry.run
        while run is not None and run.id is None:
            run.request.named(lambda: f"{self._chance.getrandbits(64):016x}")
            run.id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
            run = run.parent

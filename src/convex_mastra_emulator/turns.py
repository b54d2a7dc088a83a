"""Threads of which one runs at a time, and goes on only when it is told to: how clients are put in an order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from convex_mastra_emulator.errors import EmulatorError

STEP_SECONDS_MAX = 60.0
_END_SECONDS_MAX = 1.0


class _Abandoned(BaseException):
    """Ends a thread that is not going to have another turn."""


class Turn:
    """One thread.

    Attributes:
        result: what its body returned.
        error: what its body raised; None if it did not, or has not ended.
    """

    def __init__(self, body: Callable[[], Any], turns: Turns) -> None:
        self._body = body
        self._turns = turns
        self.may_go = threading.Semaphore(0)
        self.has_ended = False
        self.is_abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="convex-emulator-client", daemon=True)

    def _run(self) -> None:
        try:
            self._turns.enter(self)
            self.result = self._body()
        except _Abandoned:
            pass
        except BaseException as error:
            # It is raised where the order is decided.
            self.error = error
        finally:
            self.has_ended = True
            self._turns.stopped.release()


class Turns:
    """Clients in threads of their own, of which at most one runs.

    Args:
        step_seconds_max: how long a step may take; a client that waits for another one would wait for ever.
    """

    def __init__(self, step_seconds_max: float = STEP_SECONDS_MAX) -> None:
        self.clients: list[Turn] = []
        self.stopped = threading.Semaphore(0)
        """Released whenever the running client waits or has ended."""
        self._current = threading.local()
        self._step_seconds_max = step_seconds_max

    def add(self, body: Callable[[], Any]) -> None:
        """Adds a client that begins with :meth:`start`."""
        self.clients.append(Turn(body, self))

    # Called by whoever decides

    def start(self) -> None:
        """Runs each client to its first step."""
        for turn in self.clients:
            turn.thread.start()
            self._wait_until_it_stops(turn)

    def waiting(self) -> list[int]:
        """Who could go on."""
        return [number for number, turn in enumerate(self.clients) if not turn.has_ended]

    def resume(self, number: int) -> None:
        """Lets a client take its step: it runs until it waits for the next one, or ends."""
        turn = self.clients[number]
        turn.may_go.release()
        self._wait_until_it_stops(turn)

    def _wait_until_it_stops(self, turn: Turn) -> None:
        if not self.stopped.acquire(timeout=self._step_seconds_max):
            raise EmulatorError(
                f"client {self.clients.index(turn) + 1} took more than {self._step_seconds_max:g} seconds for a step; "
                "does it wait for another client? Only one of them runs at a time"
            )

    def abandon(self) -> None:
        """Ends the clients that wait for a turn they will not have."""
        for turn in self.clients:
            if turn.thread.is_alive():
                turn.is_abandoned = True
                turn.may_go.release()
        for turn in self.clients:
            if turn.thread.ident is not None:
                turn.thread.join(_END_SECONDS_MAX)

    # Called by the clients

    def enter(self, turn: Turn) -> None:
        """Says which client this thread is."""
        self._current.turn = turn

    def wait(self) -> None:
        """Waits for the turn of the client whose thread this is; other threads go on."""
        turn: Turn | None = getattr(self._current, "turn", None)
        if turn is None:
            return
        self.stopped.release()
        turn.may_go.acquire()
        if turn.is_abandoned:
            raise _Abandoned

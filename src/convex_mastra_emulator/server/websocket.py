"""A socket of the sync protocol on ASGI: carries texts between a client and its :class:`SyncSession`.

The session runs one step at a time, where ``steps.py`` says; actions run beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from convex_mastra_emulator.emulator import Emulator
from convex_mastra_emulator.protocol.call_report import CallReport
from convex_mastra_emulator.protocol.sync import SyncSession
from convex_mastra_emulator.protocol.sync_outputs import (
    WITHOUT_CLOSE_FRAME,
    Close,
    Output,
    RunAction,
    UpdateLater,
    Wait,
)
from convex_mastra_emulator.server.connections import cut_of
from convex_mastra_emulator.server.pauses import Pauses
from convex_mastra_emulator.server.steps import run_step

# A deployment pings after so long without a message (crates/sync/src/worker.rs).
PING_SECONDS = 15.0
# Beyond so many that run, a deployment takes no other (`OPERATION_QUEUE_BUFFER_SIZE` there).
ACTIONS_MAX = 1_000

OpenSession = Callable[[Callable[[], None]], SyncSession]
"""Makes the session of a new socket, given what to call when its queries may have changed."""


class SyncSocket:
    """One connected client."""

    def __init__(
        self,
        emulator: Emulator,
        socket: WebSocket,
        open_session: OpenSession,
        log_calls: Callable[[list[CallReport], float], None],
        pauses: Pauses,
    ) -> None:
        self._emulator = emulator
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._stale = asyncio.Event()
        self._session = open_session(self._wake)
        self._log_calls = log_calls
        self._pauses = pauses
        self._turn = asyncio.Lock()
        self._actions: set[asyncio.Task[None]] = set()
        self._is_cut = False

    @property
    def _is_open(self) -> bool:
        return not self._is_cut and self._socket.application_state is WebSocketState.CONNECTED

    def _wake(self) -> None:
        """Called from any thread, also after the server has ended."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._stale.set)

    async def run(self) -> None:
        """Serves the client until it goes, or is to go."""
        await self._socket.accept()
        watcher = asyncio.create_task(self._watch())
        try:
            await self._read()
        except WebSocketDisconnect:
            pass
        finally:
            watcher.cancel()
            for action in self._actions:
                action.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
            await run_in_threadpool(self._session.close)

    async def _read(self) -> None:
        while self._is_open:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            async with self._turn:
                text = message.get("text")
                if text is None:
                    outputs = self._session.receive_bytes()
                else:
                    may_wait = self._emulator.waits_for_keys and "Authenticate" in text
                    outputs = await self._step(partial(self._session.receive, text), may_wait=may_wait)
                await self._send_all(outputs)
                await self._send_updates()

    async def _watch(self) -> None:
        """Sends what changed, and a ping when there was nothing to send for a while."""
        while self._is_open:
            try:
                # `wait_for` of Python 3.11 may swallow the cancellation that ends this task.
                async with asyncio.timeout(PING_SECONDS):
                    await self._stale.wait()
            except TimeoutError:
                async with self._turn:
                    await self._send_all([self._session.ping()])
                continue
            self._stale.clear()
            async with self._turn:
                await self._send_updates()

    async def _send_updates(self) -> None:
        # Once: what became stale meanwhile has woken the watcher, and messages of the client come before it.
        if self._session.needs_update and self._is_open:
            await self._send_all(await self._step(self._session.update))

    async def _step(self, step: Callable[[], list[Output]], *, may_wait: bool = False) -> list[Output]:
        """Runs a step of the session and logs what it called."""
        started = time.perf_counter()
        outputs = await run_step(self._emulator, step, may_wait=may_wait)
        reports, self._session.reports = self._session.reports, []
        self._log_calls(reports, (time.perf_counter() - started) * 1000)
        return outputs

    async def _send_all(self, outputs: list[Output]) -> None:
        for output in outputs:
            if not self._is_open:
                return
            if isinstance(output, Close):
                await self._close(output)
            elif isinstance(output, Wait):
                await self._pauses.pause(output.seconds)
            elif isinstance(output, UpdateLater):
                self._loop.call_later(output.seconds, self._stale.set)
            elif isinstance(output, RunAction) and len(self._actions) > ACTIONS_MAX:
                await self._socket.close(1013, "TooManyInflightActionsForSingleClient")
            elif isinstance(output, RunAction):
                task = asyncio.create_task(self._run_action(output))
                self._actions.add(task)
                task.add_done_callback(self._actions.discard)
            else:
                await self._send(output)

    async def _send(self, text: str) -> None:
        sent = self._session.to_send(text)
        if isinstance(sent, Close):
            await self._close(sent)
            return
        with contextlib.suppress(WebSocketDisconnect):
            await self._socket.send_text(sent)

    async def _close(self, close: Close) -> None:
        if close.code != WITHOUT_CLOSE_FRAME:
            await self._socket.close(close.code, close.reason or None)
            return
        self._is_cut = True
        cut = cut_of(self._socket.scope)
        if cut is None:
            # A server that is not ours: the nearest to a cut is to go away.
            await self._socket.close(1001)
        else:
            cut()

    async def _run_action(self, action: RunAction) -> None:
        outputs = await self._step(lambda: list(action.run()), may_wait=True)
        match outputs:
            case [Wait(seconds), *outputs]:
                # Beside the socket as the action itself: nobody else waits for its answer.
                await self._pauses.pause(seconds)
        async with self._turn:
            await self._send_all(outputs)
            self._session.action_ended()
            await self._send_updates()

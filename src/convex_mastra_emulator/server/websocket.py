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
from convex_mastra_emulator.protocol.http import CallReport
from convex_mastra_emulator.protocol.sync import Close, Output, RunAction, SyncSession
from convex_mastra_emulator.server.steps import run_step

# A deployment pings after so long without a message (crates/sync/src/worker.rs).
PING_SECONDS = 15.0

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
    ) -> None:
        self._emulator = emulator
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._stale = asyncio.Event()
        self._session = open_session(self._wake)
        self._log_calls = log_calls
        self._turn = asyncio.Lock()
        self._actions: set[asyncio.Task[None]] = set()

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
        while self._socket.application_state is WebSocketState.CONNECTED:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            async with self._turn:
                text = message.get("text")
                if text is None:
                    outputs = self._session.receive_bytes()
                else:
                    outputs = await self._step(partial(self._session.receive, text))
                await self._send_all(outputs)
                await self._send_updates()

    async def _watch(self) -> None:
        """Sends what changed, and a ping when there was nothing to send for a while."""
        while self._socket.application_state is WebSocketState.CONNECTED:
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
        if self._session.needs_update and self._socket.application_state is WebSocketState.CONNECTED:
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
            if self._socket.application_state is not WebSocketState.CONNECTED:
                return
            if isinstance(output, Close):
                await self._socket.close(output.code, output.reason or None)
            elif isinstance(output, RunAction):
                task = asyncio.create_task(self._run_action(output))
                self._actions.add(task)
                task.add_done_callback(self._actions.discard)
            else:
                with contextlib.suppress(WebSocketDisconnect):
                    await self._socket.send_text(output)

    async def _run_action(self, action: RunAction) -> None:
        outputs = await self._step(lambda: list(action.run()), may_wait=True)
        async with self._turn:
            await self._send_all(outputs)
            await self._send_updates()

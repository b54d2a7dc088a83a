"""Answers that wait until there is something to tell: they hold no thread, no lock, and end when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT
from convex_mastra_emulator.protocol.http_exchange import HttpResponse, Poll
from convex_mastra_emulator.server.pauses import Pauses
from convex_mastra_emulator.values.json_text import write_json

# Whoever asks is to come back: crates/local_backend/src/logs.rs, "Shutting down long poll request".
_STOPPED = write_json({"code": "InternalServerError", "message": INTERNAL_ERROR_TEXT}).encode()


async def polled(response: HttpResponse, poll: Poll, receive: Receive, pauses: Pauses, seconds: float) -> HttpResponse:
    """Waits for what a response is to tell.

    Args:
        response: what is answered if there is nothing to tell.
        poll: tells whether there is.
        receive: says when the client goes away, which ends the wait, too.
        pauses: of the server; their end is answered as a failure.
        seconds: how long to wait.
    """
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(woken.set)

    with poll.watching(wake):
        waiting = asyncio.create_task(_told(poll.body, woken))
        gone = asyncio.create_task(client_gone(receive))
        try:
            first = await pauses.first_of(seconds, waiting, gone)
            if first is waiting:
                return replace(response, body=waiting.result(), poll=None)
            if first is None and pauses.are_over:
                return replace(response, status=500, body=_STOPPED, poll=None)
            return replace(response, poll=None)
        finally:
            waiting.cancel()
            gone.cancel()


async def _told(body: Callable[[], bytes | None], woken: asyncio.Event) -> bytes:
    while True:
        # Cleared before it is looked: what comes meanwhile is looked for again.
        woken.clear()
        # Thousands of long lines are not written in the event loop.
        found = await run_in_threadpool(body)
        if found is not None:
            return found
        await woken.wait()


async def client_gone(receive: Receive) -> None:
    """Waits until the client of a request goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass

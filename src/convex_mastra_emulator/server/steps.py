"""Where a step of the protocol runs: at once in the event loop, or in a worker thread.

Queries and mutations of an idle emulator take microseconds, less than handing them to a thread and back.  When
somebody else holds the emulator, and for actions, which may wait for anything, a thread is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from convex_mastra_emulator.emulator import Emulator

Result = TypeVar("Result")


async def run_step(emulator: Emulator, step: Callable[[], Result], *, may_wait: bool) -> Result:
    """Runs ``step``, which may wait for something else than the emulator only if ``may_wait``."""
    if may_wait or not emulator.lock.acquire(blocking=False):
        return await run_in_threadpool(step)
    try:
        return step()
    finally:
        emulator.lock.release()

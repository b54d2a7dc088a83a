"""Waiting before an answer is sent: it holds no thread and no lock, and ends at once when the server stops."""

from __future__ import annotations

import asyncio


class Pauses:
    """The pauses of one server, all in its event loop."""

    def __init__(self) -> None:
        self._are_over = asyncio.Event()

    def end(self) -> None:
        """Ends those that are under way, and lets none begin; to be called in the event loop."""
        self._are_over.set()

    async def pause(self, seconds: float, until: asyncio.Task[None] | None = None) -> None:
        """Waits.

        Args:
            seconds: how long at most.
            until: what ends the pause earlier.
        """
        over = asyncio.create_task(self._are_over.wait())
        reasons: set[asyncio.Task[None] | asyncio.Task[bool]] = {over} if until is None else {over, until}
        try:
            await asyncio.wait(reasons, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()

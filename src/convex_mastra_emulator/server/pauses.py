"""Waiting before an answer is sent: it holds no thread and no lock, and ends at once when the server stops."""

from __future__ import annotations

import asyncio
from typing import Any


class Pauses:
    """The pauses of one server, all in its event loop."""

    def __init__(self) -> None:
        self._are_over = asyncio.Event()

    def end(self) -> None:
        """Ends those that are under way, and lets none begin; to be called in the event loop."""
        self._are_over.set()

    @property
    def are_over(self) -> bool:
        """Whether they were ended."""
        return self._are_over.is_set()

    async def pause(self, seconds: float, until: asyncio.Task[None] | None = None) -> None:
        """Waits.

        Args:
            seconds: how long at most.
            until: what ends the pause earlier.
        """
        await self.first_of(seconds, *([] if until is None else [until]))

    async def first_of(self, seconds: float, *tasks: asyncio.Task[Any]) -> asyncio.Task[Any] | None:
        """Waits until one of the tasks has ended.

        Returns:
            The first of them that has; None if none has, because the pauses were ended or it took too long.
        """
        over = asyncio.create_task(self._are_over.wait())
        try:
            await asyncio.wait({over, *tasks}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        return next((task for task in tasks if task.done()), None)

"""What every transaction of a deployment holds, as seen from outside."""

from __future__ import annotations

from typing import Protocol


class AbstractLock(Protocol):
    """What may be held."""

    def acquire(self, blocking: bool = True) -> bool:
        """Takes the lock; False if somebody else holds it and ``blocking`` is false."""

    def release(self) -> None:
        """Gives it back."""

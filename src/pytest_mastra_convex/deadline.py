"""A deadline around calls that block: PyPI ``convex.ConvexClient`` waits for ever, with the GIL held.

An alarm's handler runs in the main thread as soon as that client lets Python run, which it does about once a
second (performance.md and user-needs.md N6, measured with convex 0.8.1).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_AT_ONCE_SECONDS = 0.001  # zero would switch the alarm off


class DeadlineExceeded(Exception):
    """A call took longer than the test allows."""


@contextmanager
def deadline(seconds: float, call: str, *, url: str, last_seen: Callable[[], str] | None = None) -> Iterator[None]:
    """Ends the block with :class:`DeadlineExceeded` when it takes too long.

    Args:
        seconds: how long it may take.
        call: what is being called, for the message.
        url: where, for the message.
        last_seen: gives what the server saw last, for the message.

    Raises:
        DeadlineExceeded: naming the URL, the call and what the server saw last.
        RuntimeError: outside of the main thread, where no alarm can ring.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("deadline() works in the main thread only")

    def ring(_signal: int, _frame: FrameType | None) -> None:
        seen = f"; the server saw last: {last_seen()}" if last_seen is not None else ""
        raise DeadlineExceeded(f"{call} at {url} gave no answer within {seconds:g} seconds{seen}")

    previous = signal.signal(signal.SIGALRM, ring)
    started = time.monotonic()
    outer_seconds, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer_seconds:
            # Somebody else's alarm, such as pytest-timeout's, goes on where it was.
            left = outer_seconds - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left, _AT_ONCE_SECONDS), interval)

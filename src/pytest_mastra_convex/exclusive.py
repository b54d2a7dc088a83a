"""One test at a time: a lock that workers of one run and several runs on one machine take turns with.

It knows nothing of other machines: two of them must not run the conformance tests on one deployment at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS_MAX = 600.0
_QUIET_SECONDS = 5.0
_POLL_SECONDS = 0.05


class WaitedTooLong(Exception):
    """Somebody else on this machine does not give the deployment back."""


def lock_file(url: str) -> Path:
    """The file whose lock stands for a deployment."""
    name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"convex-mastra-live-{os.getuid()}-{name}.lock")


@contextmanager
def exclusive(
    url: str,
    report: Callable[[str], None],
    *,
    quiet_seconds: float = _QUIET_SECONDS,
    wait_seconds_max: float = WAIT_SECONDS_MAX,
) -> Iterator[None]:
    """Runs the block while nobody else on this machine runs one for that URL.

    Args:
        url: the deployment's.
        report: is told once when it takes longer.
        quiet_seconds: how long nothing is said.
        wait_seconds_max: how long to wait.

    Raises:
        WaitedTooLong: naming the URL, and what holds the lock.
    """
    # Opened without truncating it: it names the process that holds the lock.
    descriptor = os.open(lock_file(url), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        started = time.monotonic()
        is_quiet = True
        while not _try_lock(file.fileno()):
            waited = time.monotonic() - started
            if waited >= wait_seconds_max:
                raise WaitedTooLong(
                    f"{url}: waited {wait_seconds_max:g} seconds for {_holder(descriptor)}, whose tests use the "
                    "conformance tables of this deployment"
                )
            if is_quiet and waited >= quiet_seconds:
                report(f"waiting for {_holder(descriptor)}, whose tests use the conformance tables of {url} …")
                is_quiet = False
            time.sleep(_POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
        # Closing the file gives the lock back; a process that ends gives it back, too.
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 100, 0).decode(errors="replace") or "another process"

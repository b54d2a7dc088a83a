"""A bar on the terminal while something long runs; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from convex_mastra_emulator.data.rows import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """While this runs, what it gives draws a bar on standard error; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    # Most uses have no terminal, and rich takes a while to import.
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)

"""What was called on a deployment, in order: the last calls, with arguments, outcome and duration.

It is bounded, so a long run costs no more memory than a short one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from convex_mastra_emulator.usage import NOTHING_USED, Usage

ENTRIES_MAX = 1000
_SHOWN_MAX = 300


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One call of a function from outside.

    Attributes:
        kind: ``query``, ``mutation``, ``action``, or ``function`` where the caller did not say.
        path: the function's path, as called.
        arguments: what it was called with.
        value: what it returned; None if it failed.
        error: the developer's text of a failure; None if it did not fail.
        usage: what it read and wrote.
        duration_ns: how long it took, by the machine's clock.
        fault: what faults did to it, such as ``overloaded``; None if none struck.
    """

    kind: str
    path: str
    arguments: Any
    value: Any = None
    error: str | None = None
    usage: Usage = NOTHING_USED
    duration_ns: int = 0
    fault: str | None = None

    def __str__(self) -> str:
        outcome = shown(self.value) if self.error is None else f"failed: {shown(self.error, 1000)}"
        milliseconds = self.duration_ns / 1e6
        fault = "" if self.fault is None else f"  [fault: {self.fault}]"
        return f"{self.kind} {self.path} {shown(self.arguments)} -> {outcome}  [{milliseconds:.2f} ms]{fault}"


def shown(value: Any, size_max: int = _SHOWN_MAX) -> str:
    """A value in one line, cut when it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= size_max else f"{text[:size_max]}… ({len(text):,} characters)"


class Journal:
    """The last calls, oldest first.

    Args:
        entries_max: how many are kept.
    """

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=entries_max)
        self.count = 0
        """How many calls there were, those no longer kept included."""

    def add(self, entry: JournalEntry) -> None:
        """Keeps an entry, and drops the oldest when there are too many."""
        self.count += 1
        self._entries.append(entry)

    def clear(self) -> None:
        """Forgets everything."""
        self.count = 0
        self._entries.clear()

    def lines(self) -> list[str]:
        """One line per call that is kept; the first says how many are not."""
        dropped = self.count - len(self._entries)
        first = [f"({dropped:,} earlier calls are no longer kept)"] if dropped else []
        return [*first, *map(str, self._entries)]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(tuple(self._entries))

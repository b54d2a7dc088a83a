"""What was called on a deployment, in order: the last calls, with arguments, outcome and duration.

It is bounded, so a long run costs no more memory than a short one.  The calls can be made again on another deployment,
and kept in a file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convex_mastra_emulator.clock import ManualClock
from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.runtime.identity import Identity
from convex_mastra_emulator.usage import NOTHING_USED, Usage

if TYPE_CHECKING:
    from convex_mastra_emulator.runtime.journal_replay import Replayed

ENTRIES_MAX = 1000
CALLS_FROM_OUTSIDE = ("query", "mutation", "action")
_SHOWN_MAX = 300


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One call of a function.

    Attributes:
        kind: ``query``, ``mutation``, ``action``, ``function`` where the caller did not say and there is none, or
            ``scheduled`` for what the deployment ran by itself.
        path: the function's path, as called.
        arguments: what it was called with.
        value: what it returned; None if it failed.
        error: the developer's text of a failure; None if it did not fail.
        usage: what it read and wrote.
        duration_ns: how long it took, by the machine's clock.
        fault: what faults did to it, such as ``overloaded``; None if none struck.
        identity: who called; None where only the deployment knows.
        timestamp_ns: when it read and wrote, by the deployment's clock; 0 if it never began.
    """

    kind: str
    path: str
    arguments: Any
    value: Any = None
    error: str | None = None
    usage: Usage = NOTHING_USED
    duration_ns: int = 0
    fault: str | None = None
    identity: Identity | None = None
    timestamp_ns: int = 0

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

    @property
    def dropped(self) -> int:
        """How many calls are no longer kept."""
        return self.count - len(self._entries)

    def replay(self, on: Deployment, *, partial: bool = False, clock: ManualClock | None = None) -> list[Replayed]:
        """Makes the calls that came from outside again, in order, with their arguments and identities.

        An id the first deployment returned, when it is an argument later, becomes the one that ``on`` returned in its
        place; so do cursors, and creation times that are no whole milliseconds.  Functions that were scheduled are
        not called: ``on`` runs them.

        Args:
            on: the deployment to call, such as an empty emulator, or one at a URL.
            partial: whether to go on when calls are no longer kept or cannot be made again, without them.
            clock: the manual clock of ``on``; it is moved on as time went by between the calls.

        Returns:
            The calls, each with what came of it now; after one that differs, others may follow from it.

        Raises:
            JournalNotReplayable: without ``partial``, when there are such calls; nothing was called then.
        """
        from convex_mastra_emulator.runtime.journal_replay import JournalNotReplayable, replay

        if self.dropped and not partial:
            raise JournalNotReplayable(
                f"{self.dropped:,} earlier calls are no longer kept, so that the others would find other data; "
                "partial=True makes those that are left"
            )
        return replay(tuple(self._entries), on, partial=partial, clock=clock)

    def save(self, path: Path | str) -> Path:
        """Writes the calls to a file of JSON lines, whole, with all arguments and answers in them.

        Returns:
            The file.
        """
        from convex_mastra_emulator.runtime.journal_file import write_journal

        write_journal(Path(path), tuple(self._entries), self.count)
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> Journal:
        """The journal that :meth:`save` wrote.

        Raises:
            MalformedJournal: naming the line and the field.
            OSError: if the file cannot be read.
        """
        from convex_mastra_emulator.runtime.journal_file import read_journal

        entries, count = read_journal(Path(path))
        journal = cls(max(ENTRIES_MAX, len(entries)))
        journal._entries.extend(entries)
        journal.count = count
        return journal

    def lines(self) -> list[str]:
        """One line per call that is kept; the first says how many are not."""
        first = [f"({self.dropped:,} earlier calls are no longer kept)"] if self.dropped else []
        return [*first, *map(str, self._entries)]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(tuple(self._entries))

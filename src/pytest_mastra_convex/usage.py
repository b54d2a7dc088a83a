"""What the calls of a test read and wrote, and assertions about it."""

from __future__ import annotations

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.journal import JournalEntry
from convex_mastra_emulator.usage import Usage


class UsageOfTest:
    """The usage of the calls a test has made.

    Args:
        emulator: whose calls are looked at.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    @property
    def calls(self) -> list[JournalEntry]:
        """The calls so far, oldest first."""
        return list(self._emulator.journal)

    @property
    def last(self) -> Usage:
        """What the last call used."""
        return self._emulator.usage

    def assert_reads(
        self, *, documents_max: int | None = None, size_max: int | None = None, ranges_max: int | None = None
    ) -> None:
        """Fails if any call so far read more than that.

        Args:
            documents_max: documents read, those a filter dropped included.
            size_max: bytes read.
            ranges_max: index ranges read.

        Raises:
            AssertionError: naming the call and the numbers.
        """
        __tracebackhide__ = True
        for entry in self._emulator.journal:
            for what, used, allowed in (
                ("documents", entry.usage.documents_read, documents_max),
                ("bytes", entry.usage.read_size, size_max),
                ("index ranges", entry.usage.read_ranges, ranges_max),
            ):
                if allowed is not None and used > allowed:
                    raise AssertionError(f"{used:,} {what} read, at most {allowed:,} expected, by: {entry}")

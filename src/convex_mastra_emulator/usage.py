"""The allowance of one transaction: how much it has read and written, and when that is too much.

Reads count where they happen, also when a filter drops the row; a check that fails still counts.

convex-backend crates/database/src/reads.rs and writes.rs (convex-engine.md §5.6, checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convex_mastra_emulator.errors import LimitReached
from convex_mastra_emulator.limits import Limits

READ_HELP = (
    "Consider using smaller limits in your queries, paginating your queries, "
    "or using indexed queries with a selective index range expressions."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call used.  Sizes are bytes of Convex' size formula."""

    documents_read: int = 0
    read_size: int = 0
    read_ranges: int = 0
    documents_written: int = 0
    written_size: int = 0
    largest_document: tuple[str, int] | None = None
    """The id and size of the largest document written."""
    deepest_document: tuple[str, int] | None = None
    """The id and nesting depth of the most deeply nested document written."""


NOTHING_USED = Usage()


class Meter:
    """Counts for one transaction; nested calls share it."""

    __slots__ = (
        "deepest_document",
        "documents_read",
        "documents_written",
        "largest_document",
        "limits",
        "read_size",
        "written_size",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.documents_read = 0
        self.read_size = 0
        self.documents_written = 0
        self.written_size = 0
        self.largest_document: tuple[str, int] | None = None
        self.deepest_document: tuple[str, int] | None = None

    def read(self, size: int) -> None:
        """Counts one consumed document.

        Raises:
            LimitReached: ``TooManyDocumentsRead`` or ``TooManyBytesRead``.
        """
        self.documents_read += 1
        self.read_size += size
        if self.documents_read > self.limits.documents_read_max:
            raise LimitReached(
                "Too many documents read in a single function execution "
                f"(limit: {self.limits.documents_read_max}). {READ_HELP}",
                code="TooManyDocumentsRead",
            )
        if self.read_size > self.limits.read_size_max:
            raise LimitReached(
                "Too many bytes read in a single function execution "
                f"(limit: {self.limits.read_size_max} bytes). {READ_HELP}",
                code="TooManyBytesRead",
            )

    def counter_of(self, table: str) -> Callable[[int], None]:
        """What counts the documents read from a table: those of system tables are free."""
        return _uncounted if table.startswith("_") else self.read

    def write(self, size: int) -> None:
        """Counts one new version of a document (0 bytes for a delete).

        Raises:
            LimitReached: ``TooManyWrites`` or ``TooManyBytesWritten``.
        """
        self.documents_written += 1
        self.written_size += size
        if self.documents_written > self.limits.documents_written_max:
            raise LimitReached(
                f"Too many writes in a single function execution (limit: {self.limits.documents_written_max})",
                code="TooManyWrites",
            )
        if self.written_size > self.limits.written_size_max:
            raise LimitReached(
                "Too many bytes written in a single function execution "
                f"(limit: {_printed_size(self.limits.written_size_max)})",
                code="TooManyBytesWritten",
            )

    def note_document(self, document_id: str, size: int, nesting: int) -> None:
        """Remembers the largest and the deepest document written, for the warnings of §10.8."""
        if self.largest_document is None or size > self.largest_document[1]:
            self.largest_document = document_id, size
        if self.deepest_document is None or nesting > self.deepest_document[1]:
            self.deepest_document = document_id, nesting

    def written(self) -> tuple[int, int]:
        """The write counters, for :meth:`restore_written`."""
        return self.documents_written, self.written_size

    def restore_written(self, counters: tuple[int, int]) -> None:
        """Puts the write counters back; reads of a call that was rolled back stay counted."""
        self.documents_written, self.written_size = counters


def _uncounted(_size: int) -> None:
    """Counts nothing."""


def _printed_size(size: int) -> str:
    """``16 MiB`` for 16,777,216: the first unit that divides exactly or to one decimal (crates/common/src/fmt.rs)."""
    for unit, scale in (("GiB", 1 << 30), ("GB", 10**9), ("MiB", 1 << 20), ("MB", 10**6), ("KiB", 1024), ("KB", 1000)):
        if size >= scale and (size * 10) % scale == 0:
            tenths = size * 10 // scale
            return f"{tenths // 10} {unit}" if tenths % 10 == 0 else f"{tenths / 10} {unit}"
    return f"{size} bytes"

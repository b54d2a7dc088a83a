"""What the calls of a test read and wrote, and assertions about it that say what to change."""

from __future__ import annotations

from collections.abc import Iterator

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.journal import JournalEntry
from convex_mastra_emulator.usage import QueryUsage, Usage

_QUERIES_SHOWN_MAX = 10


class UsageOfTest:
    """The usage of the calls a test has made.

    The assertions look at every call since the test began, those of scheduled functions included; with
    ``only_last=True`` at the last one.

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
        self,
        *,
        documents_max: int | None = None,
        bytes_max: int | None = None,
        ranges_max: int | None = None,
        only_last: bool = False,
    ) -> None:
        """Fails if a call read more than that.

        Args:
            documents_max: documents read, those a filter dropped included.
            bytes_max: their bytes.
            ranges_max: index ranges read.
            only_last: whether only the last call is looked at.

        Raises:
            AssertionError: naming the call, the numbers, its queries, and what would help.
        """
        __tracebackhide__ = True
        for entry in self._looked_at(only_last=only_last):
            for what, used, allowed in (
                ("documents", entry.usage.documents_read, documents_max),
                ("bytes", entry.usage.read_size, bytes_max),
                ("index ranges", entry.usage.read_ranges, ranges_max),
            ):
                if allowed is not None and used > allowed:
                    raise AssertionError(
                        f"{used:,} {what} read, at most {allowed:,} expected, by: {entry}{_told(entry.usage)}"
                    )

    def assert_writes(
        self, *, documents_max: int | None = None, bytes_max: int | None = None, only_last: bool = False
    ) -> None:
        """Fails if a call wrote more than that.

        Args:
            documents_max: documents written.
            bytes_max: their bytes.
            only_last: whether only the last call is looked at.

        Raises:
            AssertionError: naming the call and the numbers.
        """
        __tracebackhide__ = True
        for entry in self._looked_at(only_last=only_last):
            for what, used, allowed in (
                ("documents", entry.usage.documents_written, documents_max),
                ("bytes", entry.usage.written_size, bytes_max),
            ):
                if allowed is not None and used > allowed:
                    largest = entry.usage.largest_document
                    shown = f"\n  largest document: {largest[0]}, {largest[1]:,} bytes" if largest else ""
                    raise AssertionError(f"{used:,} {what} written, at most {allowed:,} expected, by: {entry}{shown}")

    def assert_no_table_scan(self, *, only_last: bool = False) -> None:
        """Fails if a query read a table to its end, or left it to a filter what to keep, without a range of an index.

        How many rows the table has does not matter: what is small in a test is not in production.
        :class:`~convex_mastra_emulator.usage.QueryUsage` says what exactly a table scan is.

        Raises:
            AssertionError: naming the call, the query, and what would help.
        """
        __tracebackhide__ = True
        for entry in self._looked_at(only_last=only_last):
            for query in entry.usage.queries:
                if query.is_table_scan:
                    raise AssertionError(f"table scan by: {entry}\n  {_line(query)}")
            _check_all_told(entry)

    def assert_index_used(self, table: str, index: str, *, only_last: bool = False) -> None:
        """Fails unless a query of the table used the index: an ordered one with a range, or one of a search.

        Raises:
            AssertionError: naming the queries of the table there were.
        """
        __tracebackhide__ = True
        entries = self._looked_at(only_last=only_last)
        queries = [query for entry in entries for query in entry.usage.queries if query.table == table]
        if any(query.index == index and (query.has_range or query.kind != "database") for query in queries):
            return
        for entry in entries:
            _check_all_told(entry)
        shown = "".join(f"\n  {_line(query)}" for query in queries[:_QUERIES_SHOWN_MAX])
        more = len(queries) - _QUERIES_SHOWN_MAX
        shown += f"\n  … and {more:,} more" if more > 0 else ""
        raise AssertionError(
            f"no query used a range of the index {index} of {table}; {'there were:' if queries else 'there were none'}"
            f"{shown}"
        )

    def _looked_at(self, *, only_last: bool) -> list[JournalEntry]:
        __tracebackhide__ = True
        journal = self._emulator.journal
        entries = list(journal)
        if only_last:
            if not entries:
                raise AssertionError("there was no call yet")
            return entries[-1:]
        if journal.dropped:
            raise AssertionError(
                f"the first {journal.dropped:,} calls of the test are no longer kept and cannot be looked at; "
                "use only_last=True, or convex_emulator.journal.clear() after what prepares the test"
            )
        return entries


def _check_all_told(entry: JournalEntry) -> None:
    __tracebackhide__ = True
    if entry.usage.queries_dropped:
        raise AssertionError(
            f"{entry.usage.queries_dropped:,} queries are not told one by one, and may be anything, of: {entry}"
        )


def _told(usage: Usage) -> str:
    """A line for each query that read something, those that read most first."""
    queries = sorted((query for query in usage.queries if query.rows_read), key=lambda query: -query.rows_read)
    lines = [_line(query) for query in queries[:_QUERIES_SHOWN_MAX]]
    if len(queries) > _QUERIES_SHOWN_MAX:
        lines.append(f"… and {len(queries) - _QUERIES_SHOWN_MAX:,} more queries")
    if usage.gets:
        lines.append(f"db.get: {usage.gets:,} times")
    return "".join(f"\n  {line}" for line in lines)


def _line(query: QueryUsage) -> str:
    what = {"text": "text search of ", "vector": "vector search of "}.get(query.kind, "")
    how = "a range of " if query.has_range and not what else ""
    read = f"{query.rows_read:,} read, {query.rows_returned:,} returned, {query.bytes_read:,} bytes"
    return f"{what}{query.table} through {how}{query.index}: {read}{''.join(_advice(query))}"


def _advice(query: QueryUsage) -> Iterator[str]:
    """What would make a query read less."""
    if query.kind == "vector" or not (query.is_table_scan or query.rows_read > query.rows_returned):
        return
    fields = ", ".join(query.filtered_by)
    if query.kind == "text":
        yield f"; {fields} could be filter fields of the search index" if fields else ""
    elif query.has_range:
        yield f"; an index that goes on with [{fields}] would read what is returned" if fields else ""
    elif fields:
        yield f"; an index on [{fields}] with a range would read what is returned"
    else:
        yield "; a range of an index, take(n) or paginate would bound it"

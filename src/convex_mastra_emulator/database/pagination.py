"""Pages of a query, and cursors that are bound to it.

A cursor says after which key, or at the end, of which query a reader stands; it is signed, and of no use to
another query.  A page that the transaction's allowance cuts short is no error but ``SplitRequired``.

convex-backend crates/isolate/src/environment/udf/async_syscall.rs ``query_page``,
crates/database/src/query/index_range.rs (convex-engine.md §5.3, checked 2026-11-21).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.query import AllowanceUsed, PageAllowance, Query, QueryStream, index_of
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import INTERNAL_ERROR_TEXT, DeploymentError, ErrorKind, InvalidQuery, LimitReached

SPLIT_REQUIRED = "SplitRequired"
SPLIT_RECOMMENDED = "SplitRecommended"
# SOFT_MAX_PAGE_LEN of the first file; the other soft limits are three quarters of the hard ones (the second).
_PAGE_LENGTH_SOFT_MAX = 6144

_VERSION = b"\x01"
_FINGERPRINT_SIZE = 32
_SIGNATURE_SIZE = 16
_AFTER, _END = b"\x00", b"\x01"


class InvalidCursor(InvalidQuery):
    """A cursor of another query; functions and clients see it as a ``ConvexError`` with this data."""

    data: ClassVar = {"isConvexSystemError": True, "paginationError": "InvalidCursor"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What a page is to hold, already checked for its types."""

    page_size: int
    cursor: str | None = None
    end_cursor: str | None = None
    rows_read_max: int | None = None
    read_size_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; ``is_done`` only when the query's end was reached, not when the page was just filled."""

    documents: list[StoredDocument]
    is_done: bool
    continue_cursor: str
    split_cursor: str | None
    page_status: str | None


@dataclass(frozen=True, slots=True)
class _Position:
    """After which key the reader stands; None is the end."""

    key: bytes | None
    fingerprint: bytes


class CursorCodec:
    """Writes and reads cursors: deterministic, signed with the deployment's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, key: bytes | None, fingerprint: bytes) -> str:
        """The cursor after ``key`` (None: at the end) of the query with that fingerprint."""
        body = fingerprint + (_END if key is None else _AFTER + key)
        return (_VERSION + self._signature(body) + body).hex()

    def read(self, cursor: str) -> _Position:
        """What a cursor says.

        Raises:
            InvalidQuery: ``InvalidCursor``, ``Failed to parse cursor``.
        """
        try:
            data = bytes.fromhex(cursor)
        except ValueError:
            raise _unreadable() from None
        signature, body = data[1 : 1 + _SIGNATURE_SIZE], data[1 + _SIGNATURE_SIZE :]
        if data[:1] != _VERSION or not hmac.compare_digest(signature, self._signature(body)):
            raise _unreadable()
        fingerprint, tag, key = body[:_FINGERPRINT_SIZE], body[_FINGERPRINT_SIZE:][:1], body[_FINGERPRINT_SIZE + 1 :]
        return _Position(None if tag == _END else key, fingerprint)

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE_SIZE]


def _unreadable() -> InvalidQuery:
    return InvalidQuery("Failed to parse cursor", code="InvalidCursor")


def read_page(transaction: Transaction, query: Query, options: PageOptions, cursors: CursorCodec) -> Page:
    """Reads one page.

    Raises:
        InvalidQuery: for sizes out of bounds, and when the query cannot be run.
        InvalidCursor: for the cursor of another query.
    """
    _check_sizes(options, transaction.limits.page_size_max)
    start = None if options.cursor is None else cursors.read(options.cursor)
    end = None if options.end_cursor is None else cursors.read(options.end_cursor)
    index = index_of(query, transaction.store.table(query.table))
    fingerprint = query.fingerprint("" if index is None else index.printed_fields)
    for position in (end, start):
        if position is not None and position.fingerprint != fingerprint:
            raise InvalidCursor(
                "InvalidCursor: Tried to run a query starting from a cursor, "
                "but it looks like this cursor is from a different query.",
                code="InvalidCursor",
            )
    reader = _PageReader(transaction, transaction.query(query), options, start, end)
    return reader.read(lambda key: cursors.write(key, fingerprint))


def _check_sizes(options: PageOptions, page_size_max: int) -> None:
    if options.page_size == 0:
        raise InvalidQuery("Must request at least 1 document while paginating", code="NoDocumentsForPagination")
    if options.page_size > page_size_max:
        raise InvalidQuery(f"Requested too many items: {options.page_size}", code="PageSizeTooLarge")
    if options.rows_read_max == 0 or options.read_size_max == 0:
        raise InvalidQuery("maximumRowsRead and maximumBytesRead must be greater than 0", code="InvalidPaginationLimit")


class _PageReader:
    """Reads the rows of one page and notes where it stands."""

    def __init__(
        self,
        transaction: Transaction,
        stream: QueryStream,
        options: PageOptions,
        start: _Position | None,
        end: _Position | None,
    ) -> None:
        self._transaction = transaction
        self._limits = transaction.limits
        self._stream = stream
        self._options = options
        self._is_search = stream.rows.is_search
        self._end = end
        self._is_over = start is not None and start.key is None
        self._start_key = None if start is None else start.key
        # With an end the whole interval must be processed, whatever it costs.
        self._allowance = PageAllowance(
            rows_max=options.rows_read_max if end is None else None,
            size_max=options.read_size_max if end is None else None,
        )
        stream.begin_page()
        stream.rows.restrict(after=self._start_key, through=None if end is None else end.key, allowance=self._allowance)

    def read(self, write_cursor: Callable[[bytes | None], str]) -> Page:
        """The page; ``write_cursor`` makes the text of a position."""
        documents, status = ([], None) if self._is_over else self._rows()
        if status is None and (self._is_approaching_limit() or len(documents) > _PAGE_LENGTH_SOFT_MAX):
            status = SPLIT_RECOMMENDED
        keys = self._allowance.keys
        position = self._end.key if self._end is not None else self._position()
        return Page(
            documents=documents,
            is_done=position is None,
            continue_cursor=write_cursor(position),
            # A search cannot be split: it would not become cheaper.
            split_cursor=write_cursor(keys[len(keys) // 2]) if len(keys) > 2 and not self._is_search else None,
            page_status=status,
        )

    def _rows(self) -> tuple[list[StoredDocument], str | None]:
        documents: list[StoredDocument] = []
        size = self._options.page_size
        while self._end is not None or len(documents) < size:
            try:
                row = self._stream.next(size if self._end is not None else size - len(documents))
            except AllowanceUsed:
                return documents, SPLIT_REQUIRED
            except LimitReached as error:
                if self._position() is None:
                    # Without a row there is no cursor to go on from: the deployment fails here, too.
                    self._transaction.fatal_error = DeploymentError(
                        INTERNAL_ERROR_TEXT, code="InternalServerError", kind=ErrorKind.INTERNAL
                    )
                    raise self._transaction.fatal_error from error
                return documents, SPLIT_REQUIRED
            if row is None:
                self._is_over = True
                break
            documents.append(row)
        return documents, None

    def _position(self) -> bytes | None:
        """After which key the reader stands; None before the first row and at the end."""
        if self._is_over:
            return None
        return self._allowance.keys[-1] if self._allowance.keys else self._start_key

    def _is_approaching_limit(self) -> bool:
        if self._is_search:
            return (
                self._allowance.rows_fetched > self._limits.search_results_max * 3 // 4
                or self._allowance.read_size > self._limits.read_size_max * 3 // 4
            )
        rows_max = min(self._options.rows_read_max or self._limits.documents_read_max, self._limits.documents_read_max)
        size_max = min(self._options.read_size_max or self._limits.read_size_max, self._limits.read_size_max)
        return self._allowance.rows_fetched > rows_max * 3 // 4 or self._allowance.read_size > size_max * 3 // 4

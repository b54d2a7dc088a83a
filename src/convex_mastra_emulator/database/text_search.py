"""A search for words: its rules in the order in which a deployment checks them, and the stream of its results.

A deployment searches when the first result is asked for, so a query nobody reads is never refused.  Each result is
fetched with a get, which counts a document, its bytes and a read range.

convex-backend crates/database/src/query/search_query.rs, crates/search/src/lib.rs (convex-engine.md §9, checked
2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from convex_mastra_emulator.database.documents import StoredDocument
from convex_mastra_emulator.database.index import BY_CREATION_TIME
from convex_mastra_emulator.database.query import PREFETCH, PageAllowance, Query, index_not_found
from convex_mastra_emulator.database.read_set import Interval
from convex_mastra_emulator.database.store import Table, index_staged
from convex_mastra_emulator.database.text_index import Condition, Path, TextIndex, TextMatch
from convex_mastra_emulator.database.text_tokens import tokens
from convex_mastra_emulator.errors import InvalidQuery
from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.values.codec import encode
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.order import sort_key
from convex_mastra_emulator.values.types import Value, undefined

if TYPE_CHECKING:
    from convex_mastra_emulator.database.transaction import Transaction


class SearchExpression(NamedTuple):
    """One condition of a search: ``search`` for words in a field, or ``eq`` for the value of a filter field."""

    operation: str
    path: Path
    value: Value

    def to_json(self) -> Any:
        """The form npm convex sends, which a cursor's fingerprint is taken of."""
        value = {"$undefined": None} if self.value is undefined else encode(self.value)
        return {"type": self.operation, "fieldPath": ".".join(self.path), "value": value}


class SearchStream:
    """The results of a search, best first, read one by one.

    A subscription is woken by every write to the table, a deployment's only by documents that hold one of the words.

    Args:
        transaction: whose pending writes are found and whose allowance is used.
        query: only its source is looked at.
    """

    is_search: ClassVar = True

    def __init__(self, transaction: Transaction, query: Query) -> None:
        self._transaction = transaction
        self._query = query
        self._after: bytes | None = None
        self._through: bytes | None = None
        self._allowance: PageAllowance | None = None
        self._matches: list[TextMatch] | None = None
        self._position = 0
        self.read_size = 0

    @property
    def rows_read(self) -> int:
        """How many results were fetched so far."""
        return self._position

    def restrict(self, *, after: bytes | None, through: bytes | None, allowance: PageAllowance) -> None:
        """Makes this the stream of one page; what a page allows is not looked at, only counted.

        Args:
            after: the key behind which to begin.
            through: the last key to read.
            allowance: keeps count.
        """
        self._after, self._through, self._allowance = after, through, allowance

    def next(self, hint: int = PREFETCH) -> StoredDocument | None:
        """The next result, or None at the end.

        Raises:
            InvalidQuery: when the search cannot be run, and when more results are asked for than it can have.
            LimitReached: when the transaction may not read any more.
        """
        if self._matches is None:
            self._matches = self._found()
        limit = self._transaction.limits.search_results_max
        if self._position == limit:
            # Raised also when there is no further result.
            raise InvalidQuery(
                f"Search query scanned too many documents (fetched {limit}). Consider using a smaller limit, "
                "paginating the query, or using a filter field to limit the number of documents "
                "pulled from the search index.",
                code="SearchQueryScannedTooManyDocumentsError",
            )
        if self._position == len(self._matches):
            return None
        match = self._matches[self._position]
        self._position += 1
        document = self._transaction.look_up(self._query.table, match.document_id)
        assert document is not None
        self.read_size += document.size
        if self._allowance is not None:
            self._allowance.keys.append(match.key)
            self._allowance.rows_fetched += 1
            self._allowance.read_size += document.size
        return document

    def take(self, count: int) -> list[StoredDocument]:
        """The first ``count`` results or all there are.

        Raises:
            InvalidQuery: as :meth:`next`.
            LimitReached: when the transaction may not read any more.
        """
        return list(islice(iter(self.next, None), count))

    def _found(self) -> list[TextMatch]:
        transaction, query = self._transaction, self._query
        found = text_search(transaction, query)
        if self._after is not None:
            found = [match for match in found if match.key > self._after]
        if self._through is not None:
            found = [match for match in found if match.key <= self._through]
        return found


def text_search(transaction: Transaction, query: Query) -> list[TextMatch]:
    """What a search finds, best first, at most as many as a deployment loads.

    Raises:
        InvalidQuery: with the deployment's text and code.
    """
    assert query.search is not None
    assert query.index_name is not None
    table = transaction.store.table(query.table)
    if table is None:
        raise index_not_found(query.table, query.index_name)
    printed_index = f"{query.table}.{query.index_name}"
    if not _first_text(printed_index, query.search):
        return []
    index = _index(table, query.index_name)
    words, conditions = _compiled(printed_index, index, query.search, transaction.limits)
    transaction.read_set.watch(query.table, BY_CREATION_TIME, Interval(b"", None))
    return index.search(words, conditions, transaction.limits.search_results_max) if words else []


def _first_text(printed_index: str, expressions: Sequence[SearchExpression]) -> Value:
    for expression in expressions:
        if expression.operation == "search":
            return expression.value
    raise InvalidQuery(
        f"Search query against {printed_index} does not contain any search filters. "
        'You must include a search filter like `q.search("field", searchText)`.',
        code="MissingSearchFilterError",
    )


def _index(table: Table, name: str) -> TextIndex:
    index = table.text_indexes.get(name)
    if index is None:
        if name in table.indexes or name in table.vector_indexes:
            raise InvalidQuery(f"Index {table.name}.{name} is not a search index", code="IndexNotASearchIndexError")
        raise index_not_found(table.name, name)
    if index.definition.staged:
        raise index_staged(table.name, name)
    return index


def _compiled(
    printed_index: str, index: TextIndex, expressions: Sequence[SearchExpression], limits: Limits
) -> tuple[list[str], list[Condition]]:
    text: str | None = None
    conditions: list[Condition] = []
    for operation, path, value in expressions:
        printed_field = quoted(".".join(path))
        if operation == "search":
            _check_search_field(printed_index, index, path)
            if text is not None:
                raise InvalidQuery(
                    f"Search query against {printed_index} contains multiple search filters against {printed_field}. "
                    "Only one is allowed.",
                    code="DuplicateSearchFiltersError",
                )
            text = value
        elif path not in index.filter_paths:
            raise InvalidQuery(
                f"Search query against {printed_index} contains an equality filter on {printed_field} "
                "but that field isn't indexed for filtering in `filterFields`.",
                code="IncorrectFilterFieldError",
            )
        else:
            conditions.append((path, sort_key(value)))
    if len(conditions) > limits.search_conditions_max:
        raise InvalidQuery(
            f"Search query against {printed_index} has too many filter conditions. "
            f"Max: {limits.search_conditions_max} Actual: {len(conditions)}",
            code="TooManyFilterConditionsInSearchQueryError",
        )
    return list(islice(tokens(text or ""), limits.search_words_max)), conditions


def _check_search_field(printed_index: str, index: TextIndex, path: Path) -> None:
    if path != index.search_path:
        raise InvalidQuery(
            f"Search query against {printed_index} contains a search filter against {quoted('.'.join(path))}, "
            f"which doesn't match the indexed `searchField` {quoted(index.definition.search_field)}.",
            code="IncorrectSearchField",
        )

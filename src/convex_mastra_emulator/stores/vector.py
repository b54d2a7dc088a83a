"""``ConvexVector``: vectors in one table for all indexes, searched by the client.

Meant for development and small data, as in Mastra: every query reads all rows of an index in pages of 256, filters
them, and compares each with the query vector.

npm @mastra/convex 1.5.2 ``ConvexVector`` (mastra-adapter.md §10, checked 2026-11-21).
"""

from __future__ import annotations

import math
import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from numbers import Real
from typing import Any, Literal, TypedDict

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.filters import Filter, is_empty, matches
from convex_mastra_emulator.stores.json_text import to_json_value
from convex_mastra_emulator.stores.storage_client import (
    DEFAULT_STORAGE_FUNCTION,
    UNSET,
    Record,
    StorageClient,
    given,
)
from convex_mastra_emulator.stores.times import now, to_iso

Vector = Sequence[float]
Metric = Literal["cosine", "euclidean", "dotproduct"]

_INDEXES_TABLE = "mastra_vector_indexes"
_PAGE_SIZE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """One vector that was found.

    Attributes:
        id: the vector's id.
        score: cosine similarity, 1 at best.
        metadata: as it is stored; None if there is none.
        vector: the embedding, if it was asked for.
    """

    id: str
    score: float
    metadata: dict[str, Any] | None = None
    vector: list[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """What an index holds: vectors of how many dimensions, and how many of them."""

    dimension: int
    count: int
    metric: Metric = "cosine"


class VectorUpdate(TypedDict, total=False):
    """What to change of a vector; metadata is merged with what is stored."""

    vector: Vector
    metadata: Mapping[str, Any]


class ConvexVector:
    """Vectors on a deployment that runs ``storage:handle``.

    Args:
        deployment: where it is deployed.
        id: the store's name inside an application.
        storage_function: the path of ``storage:handle``.
        faithful: whether filters have the gaps of 1.5.2 (``$eq`` never holds, only the first operator of a field
            counts) or hold what Mastra documents.
        clock: gives the time that is written as ``createdAt`` of an index.
        new_id: makes ids for vectors that are given none.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        id: str = "convex-vector",
        storage_function: str = DEFAULT_STORAGE_FUNCTION,
        faithful: bool = False,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.id = id
        self.faithful = faithful
        self._client = StorageClient(deployment, storage_function=storage_function, clock=clock, new_id=new_id)

    # Indexes

    def create_index(self, index_name: str, *, dimension: int, metric: Metric = "cosine") -> None:
        """Writes down that there is an index; nothing about it is checked, neither here nor by later calls.

        Args:
            index_name: its name; ``indexes`` is none to take, the table behind it is the one of all indexes.
            dimension: how many numbers a vector has.
            metric: has no effect, the metric is always cosine.
        """
        record = {
            "id": index_name,
            "indexName": index_name,
            "dimension": dimension,
            "metric": "cosine",
            "createdAt": to_iso(self._client.clock()),
        }
        self._client.call("insert", _INDEXES_TABLE, record=record)

    def delete_index(self, index_name: str) -> None:
        """Deletes an index and its vectors; none of that name is no error."""
        self._client.call("deleteMany", _INDEXES_TABLE, ids=[index_name])
        self.truncate_index(index_name)

    def truncate_index(self, index_name: str) -> None:
        """Deletes the vectors of an index."""
        self._client.until_done("clearTable", _table(index_name))

    def list_indexes(self) -> list[str]:
        """The names of all indexes, oldest first."""
        return [row["id"] for row in self._client.call("queryTable", _INDEXES_TABLE)]

    def describe_index(self, index_name: str) -> IndexStats:
        """What an index holds; reads all of its vectors to count them.

        Raises:
            StorageError: when there is none of that name.
        """
        index = self._client.load(_INDEXES_TABLE, id=index_name)
        if not index:
            raise StorageError(f"Index {index_name} not found")
        return IndexStats(dimension=int(index["dimension"]), count=len(self._rows(index_name)))

    # Writes

    def upsert(
        self,
        index_name: str,
        *,
        vectors: Sequence[Vector],
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Writes vectors in one request, and gives their ids.

        A vector of the same id is replaced, and loses its metadata when none is given.  A vector beyond the end of
        ``ids`` is not written.

        Raises:
            StorageError: for what the table's schema refuses: NaN, infinities, anything but lists of numbers.  The
                good vectors of the batches so far, 25 each, stay.
        """
        vector_ids = [self._client.new_id() for _ in vectors] if ids is None else list(ids)
        records = [
            given(
                id=_at(vector_ids, position),
                embedding=embedding_as_json(vector),
                metadata=UNSET if metadata is None else to_json_value(_at(metadata, position)),
            )
            for position, vector in enumerate(vectors)
        ]
        self._client.call("batchInsert", _table(index_name), records=records)
        return vector_ids

    def update_vector(
        self, index_name: str, *, update: VectorUpdate, id: str | None = None, filter: Filter | None = None
    ) -> None:
        """Changes one vector, or all that meet a filter, one request each; no such vector is no error.

        Raises:
            StorageError: unless exactly one of ``id`` and ``filter`` is given, and the filter has a condition.
        """
        if id and filter is not None:
            raise StorageError("ConvexVector.updateVector: id and filter are mutually exclusive")
        if filter is not None:
            if is_empty(filter):
                raise StorageError("ConvexVector.updateVector: cannot update with empty filter")
            for row in self._matching(index_name, filter):
                self._insert(index_name, _updated(row, update))
            return
        if not id:
            raise StorageError("ConvexVector.updateVector: Either id or filter must be provided")
        existing = self._client.load(_table(index_name), id=id)
        if existing:
            self._insert(index_name, _updated(existing, update))

    def delete_vector(self, index_name: str, *, id: str) -> None:
        """Deletes one vector; none of that id is no error."""
        self._client.call("deleteMany", _table(index_name), ids=[id])

    def delete_vectors(
        self, index_name: str, *, ids: Sequence[str] | None = None, filter: Filter | None = None
    ) -> None:
        """Deletes vectors in one request: those of these ids, or those that meet a filter.

        Raises:
            StorageError: unless exactly one of ``ids`` and ``filter`` is given, and it is not empty.
        """
        if ids is not None and filter is not None:
            raise StorageError("ConvexVector.deleteVectors: ids and filter are mutually exclusive")
        if ids is None and filter is None:
            raise StorageError("ConvexVector.deleteVectors: Either filter or ids must be provided")
        if filter is not None and is_empty(filter):
            raise StorageError("ConvexVector.deleteVectors: cannot delete with empty filter")
        if ids is not None and len(ids) == 0:
            raise StorageError("ConvexVector.deleteVectors: cannot delete with empty ids array")
        doomed = list(ids or ()) if filter is None else [row["id"] for row in self._matching(index_name, filter)]
        if doomed:
            self._client.call("deleteMany", _table(index_name), ids=doomed)

    # Search

    def query(
        self,
        index_name: str,
        *,
        query_vector: Vector | None = None,
        top_k: int = 10,
        filter: Filter | None = None,
        include_vector: bool = False,
    ) -> list[QueryResult]:
        """The nearest vectors, best first, equally good ones in the order in which they were written.

        Args:
            index_name: one that does not exist holds no vectors.
            query_vector: compared by cosine; a vector of another length, or one of zeros, scores -1.
            top_k: how many at most.
            filter: what the metadata must meet (:mod:`~convex_mastra_emulator.stores.filters`).
            include_vector: whether results carry their vector.

        Raises:
            MastraError: ``MASTRA_VECTOR_CONVEX_QUERY_MISSING_VECTOR`` without a query vector.
            StorageError: when a page of rows has no valid cursor to the next one.
        """
        if query_vector is None:
            raise MastraError(
                "queryVector is required for Convex queries. Metadata-only queries are not supported by this vector "
                "store.",
                id="MASTRA_VECTOR_CONVEX_QUERY_MISSING_VECTOR",
                domain="STORAGE",
                category="USER",
                details={"indexName": index_name},
            )
        rows = self._rows(index_name) if is_empty(filter) else self._matching(index_name, filter)
        score = _scorer(query_vector)
        scored = [(score(row["embedding"]), row) for row in rows]
        found = sorted(
            ((value, row) for value, row in scored if math.isfinite(value)), key=operator.itemgetter(0), reverse=True
        )
        return [
            QueryResult(
                id=row["id"],
                score=value,
                metadata=row.get("metadata"),
                vector=row["embedding"] if include_vector else None,
            )
            for value, row in found[:top_k]
        ]

    # Rows

    def _insert(self, index_name: str, record: Record) -> None:
        self._client.call("insert", _table(index_name), record=record)

    def _matching(self, index_name: str, filter: Filter | None) -> list[Record]:
        rows = self._rows(index_name)
        return [row for row in rows if matches(row.get("metadata"), filter, faithful=self.faithful)]

    def _rows(self, index_name: str) -> list[Record]:
        rows: list[Record] = []
        cursor: str | None = None
        while True:
            page = self._client.call_raw("queryTable", _table(index_name), pageSize=_PAGE_SIZE, cursor=cursor)
            rows += page.result
            if not page.has_more:
                return rows
            # A cursor that does not move would ask for the same page for ever.
            if not page.continuation_cursor or page.continuation_cursor == cursor:
                raise StorageError("ConvexVector: paginated vector query did not return a valid continuation cursor")
            cursor = page.continuation_cursor


def _table(index_name: str) -> str:
    return f"mastra_vector_{index_name}"


def _at(items: Sequence[Any], position: int) -> Any:
    return items[position] if position < len(items) else UNSET


def embedding_as_json(vector: Any) -> Any:
    """A vector as it arrives when it travels as JSON; what is no vector stays, for the deployment to refuse."""
    if isinstance(vector, (str, bytes, Mapping)) or not hasattr(vector, "__iter__"):
        return vector
    return [_number_as_json(number) for number in vector]


def _number_as_json(number: Any) -> Any:
    if type(number) is not float:
        if type(number) is bool or not isinstance(number, Real):
            return number
        number = float(number)  # numpy's numbers are numbers too
    return number if math.isfinite(number) else None


def _updated(row: Record, update: VectorUpdate) -> Record:
    """The row with the update in it, system fields included: the handler drops them."""
    vector, metadata = update.get("vector"), update.get("metadata")
    changes: Record = {}
    if vector is not None:
        changes["embedding"] = embedding_as_json(vector)
    if metadata is not None:
        changes["metadata"] = {**(row.get("metadata") or {}), **to_json_value(metadata)}
    return {**row, **changes}


def _scorer(query_vector: Vector) -> Callable[[Sequence[float]], float]:
    """Cosine similarity with a vector, added up from left to right as JavaScript does: other orders round otherwise."""
    query = list(map(float, query_vector))
    query_length = _length(query)

    def score(vector: Sequence[float]) -> float:
        length = _length(vector) if len(vector) == len(query) else 0.0
        if length == 0 or query_length == 0:
            return -1.0
        return reduce(operator.add, map(operator.mul, query, vector), 0.0) / (query_length * length)

    return score


def _length(vector: Sequence[float]) -> float:
    return math.sqrt(reduce(operator.add, map(operator.mul, vector, vector), 0.0))

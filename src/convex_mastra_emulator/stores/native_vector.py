"""``ConvexNativeVector``: vectors in tables of their own, searched by the deployment's vector indexes.

Searching takes two requests: an action that finds ids and scores, and a query that reads what belongs to them.

npm @mastra/convex 1.5.2 ``ConvexNativeVector`` (mastra-adapter.md §11, checked 2026-11-21).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.stores.errors import MastraError, StorageError
from convex_mastra_emulator.stores.filters import Filter
from convex_mastra_emulator.stores.json_text import to_json_value
from convex_mastra_emulator.stores.storage_client import UNSET, given
from convex_mastra_emulator.stores.vector import (
    IndexStats,
    Metric,
    QueryResult,
    Vector,
    VectorUpdate,
    embedding_as_json,
)

DEFAULT_QUERY_FUNCTION = "mastra/nativeVector:query"
DEFAULT_READ_FUNCTION = "mastra/nativeVector:read"
DEFAULT_WRITE_FUNCTION = "mastra/nativeVector:write"

_RESULTS_MAX = 256
_UPSERT_BATCH_SIZE = 100

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeVectorIndex:
    """A table with a vector index, as the deployment's schema declares it.

    Attributes:
        table_name: the table.
        dimension: how many numbers a vector has.
        vector_index_name: its vector index.
        id_field: the field that holds a vector's id.
        id_index_name: the index over that field.
        vector_field: the field that holds the vector.
        metadata_field: the field that holds the metadata.
        filter_fields: metadata fields that are copied to fields of their own, by which searches can be filtered.
    """

    table_name: str
    dimension: int
    vector_index_name: str = "by_embedding"
    id_field: str = "id"
    id_index_name: str = "by_record_id"
    vector_field: str = "embedding"
    metadata_field: str = "metadata"
    filter_fields: Sequence[str] = ()

    def _config(self) -> dict[str, Any]:
        """What every request carries."""
        return {
            "tableName": self.table_name,
            "vectorIndexName": self.vector_index_name,
            "dimension": self.dimension,
            "idField": self.id_field,
            "idIndexName": self.id_index_name,
            "vectorField": self.vector_field,
            "metadataField": self.metadata_field,
            "filterFields": list(self.filter_fields),
        }


class ConvexNativeVector:
    """Vectors on a deployment that exports Mastra's native vector functions.

    Args:
        deployment: where they are deployed.
        indexes: the indexes of the deployment's schema, by the name they are called in methods.
        id: the store's name inside an application.
        query_function: the path of the action that searches.
        read_function: the path of the query that reads.
        write_function: the path of the mutation that writes.
        describe_count_limit: up to how many rows :meth:`describe_index` counts.
        new_id: makes ids for vectors that are given none.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        indexes: Mapping[str, NativeVectorIndex],
        id: str = "convex-native-vector",
        query_function: str = DEFAULT_QUERY_FUNCTION,
        read_function: str = DEFAULT_READ_FUNCTION,
        write_function: str = DEFAULT_WRITE_FUNCTION,
        describe_count_limit: int = 10_000,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.id = id
        self._deployment = deployment
        self._indexes = dict(indexes)
        self._query_function = query_function
        self._read_function = read_function
        self._write_function = write_function
        self._describe_count_limit = describe_count_limit
        self._new_id = new_id

    # Indexes

    def create_index(self, index_name: str, *, dimension: int, metric: Metric = "cosine") -> None:
        """Checks that an index is configured as asked; the deployment's schema makes it.

        Raises:
            StorageError: if it is not.
        """
        index = self._index(index_name)
        if index.dimension != dimension:
            raise StorageError(
                f'ConvexNativeVector.createIndex: deployed Convex index "{index_name}" has {index.dimension} '
                f"dimensions, but {dimension} were requested"
            )
        if metric != "cosine":
            raise StorageError(
                "ConvexNativeVector.createIndex: Convex native vector search currently supports cosine only"
            )

    def list_indexes(self) -> list[str]:
        """The names of the configured indexes."""
        return list(self._indexes)

    def describe_index(self, index_name: str) -> IndexStats:
        """What an index holds; its count ends, with a warning in the log, at ``describe_count_limit``.

        Raises:
            StorageError: for an index that is not configured.
        """
        index = self._index(index_name)
        limit = self._describe_count_limit
        result = self._read(op="describe", config=index._config(), countLimit=limit)
        if result["countIsLimited"]:
            _logger.warning(
                'ConvexNativeVector.describeIndex: count for "%s" reached %s; reported count is capped.',
                index_name,
                limit,
            )
        return IndexStats(dimension=index.dimension, count=int(result["count"]))

    def delete_index(self, index_name: str) -> NoReturn:
        """Refuses: the deployment's schema holds the indexes.

        Raises:
            StorageError: always.
        """
        self._index(index_name)
        raise StorageError(
            "ConvexNativeVector.deleteIndex: Convex native vector indexes are managed in convex/schema.ts."
        )

    # Writes

    def upsert(
        self,
        index_name: str,
        *,
        vectors: Sequence[Vector],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        ids: Sequence[str] | None = None,
        delete_filter: Filter | None = None,
    ) -> list[str]:
        """Writes vectors, a hundred per request, and gives their ids.

        A vector of the same id is replaced; it keeps its metadata when none is given.

        Raises:
            StorageError: for lists of different lengths, ids given twice, metadata that is no mapping, and for
                ``delete_filter``, which Convex does not support.
            FunctionError: for what the deployment refuses; the batches before stay.
        """
        if delete_filter is not None:
            raise StorageError(
                "ConvexNativeVector.upsert: deleteFilter is not supported. Delete by IDs before upserting."
            )
        index = self._index(index_name)
        _check_lengths(len(vectors), ids=ids, metadata=metadata)
        if metadata is not None and not all(isinstance(entry, Mapping) for entry in metadata):
            raise StorageError("ConvexNativeVector.upsert: metadata entries must be objects when provided")
        vector_ids = [self._new_id() for _ in vectors] if ids is None else list(ids)
        if len(set(vector_ids)) != len(vector_ids):
            raise StorageError("ConvexNativeVector.upsert: ids must be unique")
        for start in range(0, len(vectors), _UPSERT_BATCH_SIZE):
            batch = slice(start, start + _UPSERT_BATCH_SIZE)
            self._write(
                op="upsert",
                config=index._config(),
                ids=vector_ids[batch],
                vectors=list(map(embedding_as_json, vectors[batch])),
                metadata=UNSET if metadata is None else to_json_value(list(metadata[batch])),
            )
        return vector_ids

    def update_vector(
        self, index_name: str, *, update: VectorUpdate, id: str | None = None, filter: Filter | None = None
    ) -> None:
        """Changes one vector, merging its metadata; none of that id is no error.

        Raises:
            StorageError: for ``filter``, which Convex does not support, and for metadata that is no mapping.
            FunctionError: without an id.
        """
        if filter is not None:
            raise StorageError(
                "ConvexNativeVector.updateVector: filter-based updates are not supported. Update by ID instead."
            )
        vector, metadata = update.get("vector"), update.get("metadata")
        if metadata is not None and not isinstance(metadata, Mapping):
            raise StorageError("ConvexNativeVector.updateVector: metadata must be an object when provided")
        self._write(
            op="updateById",
            config=self._index(index_name)._config(),
            id=UNSET if id is None else id,
            vector=UNSET if vector is None else embedding_as_json(vector),
            metadata=UNSET if metadata is None else to_json_value(metadata),
        )

    def delete_vector(self, index_name: str, *, id: str) -> None:
        """Deletes one vector; none of that id is no error."""
        self._write(op="deleteByIds", config=self._index(index_name)._config(), ids=[id])

    def delete_vectors(
        self, index_name: str, *, ids: Sequence[str] | None = None, filter: Filter | None = None
    ) -> None:
        """Deletes vectors in one request.

        Raises:
            StorageError: for ``filter``, which Convex does not support, and without ids.
        """
        if filter is not None:
            raise StorageError(
                "ConvexNativeVector.deleteVectors: filter-based deletes are not supported. Delete by IDs instead."
            )
        if not ids:
            raise StorageError("ConvexNativeVector.deleteVectors: ids are required")
        self._write(op="deleteByIds", config=self._index(index_name)._config(), ids=list(ids))

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
        """The nearest vectors, best first.

        Args:
            index_name: a configured index.
            query_vector: as many numbers as the index has dimensions.
            top_k: how many at most, 1 to 256.
            filter: one field of ``filter_fields`` and the value it must equal, flat or under ``metadata``, the value
                bare or as ``{"$eq": value}``; or ``{"$or": [...]}`` of such, which a deployment refuses because an
                argument's field may not start with ``$``.
            include_vector: whether results carry their vector.

        Raises:
            MastraError: ``MASTRA_VECTOR_CONVEX_NATIVE_QUERY_MISSING_VECTOR`` without a query vector.
            StorageError: for a ``top_k`` or a filter that cannot be, and for an index that is not configured.
            FunctionError: for what the deployment refuses.
        """
        if query_vector is None:
            raise MastraError(
                "queryVector is required for Convex native vector queries.",
                id="MASTRA_VECTOR_CONVEX_NATIVE_QUERY_MISSING_VECTOR",
                domain="STORAGE",
                category="USER",
                details={"indexName": index_name},
            )
        _check_top_k(top_k)
        index = self._index(index_name)
        search = given(
            config=index._config(),
            vector=embedding_as_json(query_vector),
            limit=top_k,
            filter=_native_filter(filter, index),
        )
        found = self._deployment.action(self._query_function, search)
        if not found:
            return []
        ids = [result["id"] for result in found]
        documents = self._read(op="getByConvexIds", config=index._config(), ids=ids, includeVector=include_vector)
        scores = {result["id"]: result["score"] for result in found}
        return [_query_result(document, scores, index, include_vector) for document in documents if document]

    # Requests

    def _index(self, index_name: str) -> NativeVectorIndex:
        if index_name not in self._indexes:
            raise StorageError(f'ConvexNativeVector: index "{index_name}" is not configured')
        return self._indexes[index_name]

    def _read(self, **arguments: Any) -> Any:
        return self._deployment.query(self._read_function, given(**arguments))

    def _write(self, **arguments: Any) -> None:
        self._deployment.mutation(self._write_function, given(**arguments))


def _check_lengths(count: int, **lists: Sequence[Any] | None) -> None:
    for name, items in lists.items():
        if items is not None and len(items) != count:
            raise StorageError(
                f"ConvexNativeVector.upsert: {name} length ({len(items)}) must match vectors length ({count})"
            )


def _check_top_k(top_k: Any) -> None:
    is_number = isinstance(top_k, (int, float)) and not isinstance(top_k, bool)
    if not is_number or top_k != top_k // 1 or not 1 <= top_k <= _RESULTS_MAX:
        raise StorageError(f"ConvexNativeVector.query: topK must be an integer between 1 and {_RESULTS_MAX}")


def _query_result(
    document: Mapping[str, Any], scores: Mapping[str, float], index: NativeVectorIndex, include_vector: bool
) -> QueryResult:
    return QueryResult(
        id=str(document[index.id_field]),
        score=scores.get(document["_id"], 0.0),
        metadata=document.get(index.metadata_field),
        vector=document.get(index.vector_field) if include_vector else None,
    )


# Filters


def _native_filter(filter: Filter | None, index: NativeVectorIndex) -> Any:
    if not filter:
        return UNSET
    branches = filter.get("$or")
    if isinstance(branches, (list, tuple)):
        return {"$or": [_clause(branch, index) for branch in branches]}
    metadata = filter.get("metadata")
    return _clause(metadata if isinstance(metadata, Mapping) else filter, index)


def _clause(filter: Any, index: NativeVectorIndex) -> dict[str, Any]:
    """One field and its value."""
    entries = list(filter.items()) if isinstance(filter, Mapping) else []
    if len(entries) != 1:
        raise StorageError(
            "ConvexNativeVector.query: native Convex filters support one equality field or $or of equality fields"
        )
    [(field, value)] = entries
    if field not in index.filter_fields:
        raise StorageError(
            f'ConvexNativeVector.query: field "{field}" is not configured as a Convex vector filter field'
        )
    if isinstance(value, Mapping) and "$eq" in value:
        value = value["$eq"]
    if value is not None and not isinstance(value, (str, int, float, bool)):
        raise StorageError(
            "ConvexNativeVector.query: native Convex filters support string, number, boolean, and null values"
        )
    return {"field": field, "value": to_json_value(value)}

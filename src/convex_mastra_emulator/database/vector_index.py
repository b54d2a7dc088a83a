"""A vector index: which documents are in it, their vectors, and the filter fields they can be found by.

A document is in the index exactly if its vector field is an array of Float64 of the right length; a write is
never refused because of it.  The index is brought up to date when it is next searched, so nothing is computed
for a table that is only written to.

convex-backend crates/vector/src/qdrant_index.rs (convex-engine.md §8.2 and §8.4, checked 2026-11-21).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from convex_mastra_emulator.database.documents import StoredDocument, field_at
from convex_mastra_emulator.schema.definition import VectorIndexDefinition, fields_at
from convex_mastra_emulator.schema.validators import ArrayValidator, Float64Validator
from convex_mastra_emulator.values.ids import decode_id
from convex_mastra_emulator.values.names import parse_field_path
from convex_mastra_emulator.values.order import sort_key
from convex_mastra_emulator.values.size import is_float_list

if TYPE_CHECKING:
    from convex_mastra_emulator.database.store import Table
    from convex_mastra_emulator.database.vector_matrix import VectorMatrix

Path = tuple[str, ...]


class VectorIndex:
    """The vector index ``definition`` of ``table``."""

    def __init__(self, definition: VectorIndexDefinition, table: Table) -> None:
        self.definition = definition
        self.filter_paths = tuple(map(parse_field_path, definition.filter_fields))
        self._vector_path = parse_field_path(definition.vector_field)
        self._dimensions = int(definition.dimensions)
        self._table = table
        self._is_guaranteed = _holds_floats_only(table, self._vector_path)
        self._stale: dict[str, None] = {}
        self._matrix: VectorMatrix | None = None
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._internal_ids: list[bytes] = []
        self._filter_keys: dict[str, tuple[tuple[Path, bytes], ...]] = {}
        self._postings: dict[tuple[Path, bytes], set[int]] = {}

    def touch(self, document_id: str) -> None:
        """Remembers that a document changed."""
        self._stale[document_id] = None

    def search(
        self, vector: list[float], limit: int, conditions: Mapping[Path, set[bytes]]
    ) -> list[tuple[str, float | None]]:
        """Ids and scores of the best documents; a score that is no number is None, as JavaScript sees it.

        Args:
            vector: as many numbers as the index has dimensions.
            limit: how many results at most.
            conditions: sort keys of allowed values by field; one match suffices; empty means no filter.
        """
        import numpy as np

        from convex_mastra_emulator.database.vector_matrix import best, normalised

        matrix = self._up_to_date()
        query = normalised(vector)
        rows: Sequence[int]
        if conditions or len(self._rows) < matrix.row_count:
            rows = sorted(self._matching(conditions) if conditions else self._rows.values())
            scores = matrix.scores_of(np.array(rows, dtype=np.intp), query)
        else:
            rows = range(matrix.row_count)
            scores = matrix.scores(query)
        found = best(scores, lambda position: self._internal_ids[rows[position]], limit)
        return [(self._ids[rows[position]], _as_number(float(scores[position]))) for position in found]

    def _matching(self, conditions: Mapping[Path, set[bytes]]) -> set[int]:
        rows: set[int] = set()
        for path, keys in conditions.items():
            for key in keys:
                rows |= self._postings.get((path, key), set())
        return rows

    def _up_to_date(self) -> VectorMatrix:
        if self._matrix is None:
            from convex_mastra_emulator.database.vector_matrix import VectorMatrix

            self._matrix = VectorMatrix(self._dimensions)
        for document_id in self._stale:
            self._refresh(self._matrix, document_id)
        self._stale.clear()
        return self._matrix

    def _refresh(self, matrix: VectorMatrix, document_id: str) -> None:
        document = self._table.documents.get(document_id)
        vector = self._vector_of(document)
        row = self._rows.get(document_id)
        if vector is None or document is None:
            if row is not None:
                self._forget(matrix, document_id, row)
            return
        if row is None:
            row = self._rows[document_id] = matrix.add(vector)
            self._name_row(row, document_id)
        else:
            matrix.set(row, vector)
        self._post(document_id, row, document)

    def _vector_of(self, document: StoredDocument | None) -> list[float] | None:
        if document is None:
            return None
        vector = field_at(document.value, self._vector_path)
        if type(vector) is not list or len(vector) != self._dimensions:
            return None
        return vector if self._is_guaranteed or is_float_list(vector) else None

    def _name_row(self, row: int, document_id: str) -> None:
        _, internal_id = decode_id(document_id)
        if row == len(self._ids):
            self._ids.append(document_id)
            self._internal_ids.append(internal_id)
        else:
            self._ids[row] = document_id
            self._internal_ids[row] = internal_id

    def _forget(self, matrix: VectorMatrix, document_id: str, row: int) -> None:
        self._unpost(document_id, row)
        del self._rows[document_id]
        matrix.free(row)

    def _post(self, document_id: str, row: int, document: StoredDocument) -> None:
        keys = tuple((path, sort_key(field_at(document.value, path))) for path in self.filter_paths)
        if self._filter_keys.get(document_id) == keys:
            return
        self._unpost(document_id, row)
        self._filter_keys[document_id] = keys
        for posting in keys:
            self._postings.setdefault(posting, set()).add(row)

    def _unpost(self, document_id: str, row: int) -> None:
        for posting in self._filter_keys.pop(document_id, ()):
            rows = self._postings[posting]
            rows.discard(row)
            if not rows:
                del self._postings[posting]


def _holds_floats_only(table: Table, path: Path) -> bool:
    """Whether the table's validator lets nothing but arrays of Float64 stand at ``path``."""
    if table.validator is None:
        return False
    fields = list(fields_at(table.validator, path))
    return bool(fields) and all(field.validator == ArrayValidator(Float64Validator()) for field in fields)


def _as_number(score: float) -> float | None:
    return score if math.isfinite(score) else None

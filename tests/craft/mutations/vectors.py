"""Faults in vector indexes and in searching them."""

from tests.craft.mutations.fault import Fault

_INDEX = "database/vector_index.py"
_MATRIX = "database/vector_matrix.py"
_SEARCH = "database/vector_search.py"

FAULTS = (
    Fault(
        "the worst match comes first",
        _MATRIX,
        "        reverse=True,\n",
        "",
        "everybody who asks for the nearest documents",
        ("vector_search",),
    ),
    Fault(
        "scores grow with a vector's length",
        _MATRIX,
        "[row % SEGMENT_ROWS] = normalised(vector)",
        "[row % SEGMENT_ROWS] = np.asarray(vector, dtype=np.float32)",
        "whoever stores vectors that are not of length one",
        ("vector_search",),
    ),
    Fault(
        "very small vectors are stretched",
        _MATRIX,
        "if squared < _EPSILON:",
        "if squared == 0:",
        "whoever stores vectors close to zero",
        ("vector_search",),
    ),
    Fault(
        "256 results are too many",
        _SEARCH,
        "if limit > limits.vector_results_max:",
        "if limit >= limits.vector_results_max:",
        "whoever asks for as many as there may be",
        ("vector_search",),
    ),
    Fault(
        "eleven results come by default",
        "limits.py",
        "vector_results_default: int = 10",
        "vector_results_default: int = 11",
        "whoever leaves the limit out",
        ("vector_search",),
    ),
    Fault(
        "64 conditions are too many",
        _SEARCH,
        "if count > limits.vector_conditions_max:",
        "if count >= limits.vector_conditions_max:",
        "whoever filters by many ids",
        ("vector_filters",),
    ),
    Fault(
        "a filter may name any field",
        _SEARCH,
        "if path not in index.filter_paths:",
        "if False:",
        "whoever filters by a field that is not declared, and finds nothing",
        ("vector_filters",),
    ),
    Fault(
        "of alternatives only the last one counts",
        _INDEX,
        "rows |= self._postings.get((path, key), set())",
        "rows = self._postings.get((path, key), set())",
        "whoever searches in several groups",
        ("vector_filters",),
    ),
    Fault(
        "a changed vector is found at its old place",
        _INDEX,
        "            matrix.set(row, vector)\n",
        "            pass\n",
        "whoever embeds a document again",
        ("vector_changes",),
    ),
    Fault(
        "a changed filter field is found by its old value",
        _INDEX,
        "if self._filter_keys.get(document_id) == keys:",
        "if document_id in self._filter_keys:",
        "whoever moves a document to another group",
        ("vector_changes",),
    ),
    Fault(
        "a deleted document is still found",
        _INDEX,
        "            if row is not None:\n                self._forget(matrix, document_id, row)\n            return",
        "            return",
        "whoever deletes a document and finds it in an answer",
        ("vector_indexing",),
    ),
    Fault(
        "a query that is too short is searched",
        _SEARCH,
        "if len(query.vector) != index.definition.dimensions:",
        "if len(query.vector) > index.definition.dimensions:",
        "whoever changes the embedding model",
        ("vector_search",),
    ),
    Fault(
        "the limit comes before the filter",
        _INDEX,
        "found = best(scores, lambda position: self._internal_ids[rows[position]], limit)",
        "found = best(scores, lambda position: self._internal_ids[rows[position]], max(limit - len(conditions), 1))",
        "whoever filters and gets fewer results than there are",
        ("vector_filters", "vector_search"),
    ),
    Fault(
        "a null group is a missing one",
        _INDEX,
        "keys = tuple((path, sort_key(field_at(document.value, path))) for path in self.filter_paths)",
        "keys = tuple((path, sort_key(field_at(document.value, path) or None)) for path in self.filter_paths)",
        "whoever searches what belongs to nobody",
        ("vector_filters",),
    ),
)

"""Requests to `mastra/nativeVector:write`, `:read` and `:query` (the search)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from convex_mastra_emulator.limits import DEFAULT_LIMITS
from convex_mastra_emulator.values.codec import decode
from pytest_mastra_convex.comparison import Answer, assert_same_ranking
from tests.differential.pair import Call, Pair, Row, Side, Step, without_system_fields
from tests.differential.storage_strategies import in_turn, mostly, sequences
from tests.differential.value_strategies import (
    BYTES,
    INFINITY,
    INT64_ONE,
    NEGATIVE_ZERO,
    NOT_A_NUMBER,
    junk,
    objects,
    values,
)

TABLES = ("docs_vectors", "notes_vectors")
WRITE, READ, QUERY = "mastra/nativeVector:write", "mastra/nativeVector:read", "mastra/nativeVector:query"

_DOCS: Row = {"tableName": "docs_vectors", "vectorIndexName": "by_embedding"}
_NOTES: Row = {"tableName": "notes_vectors", "vectorIndexName": "by_embedding", "filterFields": ["label", "tenant"]}
_NAMED = {"idField": "id", "idIndexName": "by_record_id", "vectorField": "embedding", "metadataField": "metadata"}
# None with filter fields that the table does not have: a row without them could not be updated in convex-test
# (divergence "removal-of-an-unknown-field").
_ODD_CONFIGS: tuple[Any, ...] = (
    {**_NOTES, **_NAMED, "dimension": 3.0},
    {**_NOTES, "filterFields": ["tenant"]},
    {**_DOCS, "idIndexName": "by_nothing"},
    {**_DOCS, "unknown": 1.0},
    {"tableName": "docs_vectors"},
    {**_DOCS, "dimension": "3"},
    # Not null: convex-test cannot say what it is no object for.
    "docs_vectors",
)
_configs = mostly(st.sampled_from((_NOTES, _NOTES, _DOCS)), st.sampled_from(_ODD_CONFIGS))

_ids = mostly(st.sampled_from(("a", "b", "c", "d")), st.sampled_from(("", "ä", "zz")))
_id_lists = st.lists(_ids, max_size=4)
# Not longer and not shorter than the index's vectors, and nothing but finite numbers: convex-test would give a score
# to what a deployment leaves out of the index.
_vectors = st.lists(st.sampled_from((0.0, 1.0, 2.0, -1.0, 0.5)), min_size=3, max_size=3)
_odd_vectors = st.sampled_from((["1"], [None], [INT64_ONE], "text", None))
_labels = st.sampled_from(("x", "y", 1.0, 0.0, NEGATIVE_ZERO, True, None, "1"))
_metadata = mostly(
    st.fixed_dictionaries({}, optional={"label": _labels | values, "tenant": _labels, "other": values}),
    objects | st.sampled_from((None, "text", [], BYTES, 1.0)),
)


@st.composite
def _upserts(draw: st.DrawFn) -> Step:
    ids = draw(mostly(st.lists(_ids, max_size=4, unique=True), _id_lists))
    args: Row = {"op": "upsert", "config": draw(_configs), "ids": ids, "vectors": [draw(_vectors) for _ in ids]}
    if draw(st.booleans()):
        args["metadata"] = [draw(_metadata) for _ in ids]
    spoil = draw(st.integers(0, 19))
    if spoil == 19:
        args.pop(draw(st.sampled_from(("ids", "vectors", "op", "config"))))
    elif spoil == 18:
        args["vectors"] = draw(st.lists(_vectors, max_size=3))
    elif spoil == 17:
        args["metadata"] = draw(st.lists(_metadata, max_size=3) | _metadata)
    elif spoil == 16:
        args["vectors"] = draw(st.lists(_odd_vectors, max_size=2) | junk)
    elif spoil == 15:
        args[draw(st.sampled_from(("extra", "id", "vector")))] = draw(junk)
    return Call(WRITE, args)


def _batch(count: int) -> Step:
    """More rows than a handler writes at a time."""
    ids = [f"m{number}" for number in range(count)]
    vectors = [[1.0, number * 0.5, -1.0] for number in range(count)]
    return Call(WRITE, {"op": "upsert", "config": _NOTES, "ids": ids, "vectors": vectors})


_updates = st.builds(
    lambda config, update: Call(WRITE, {"op": "updateById", "config": config, **update}),
    _configs,
    st.fixed_dictionaries({}, optional={"id": _ids, "vector": mostly(_vectors, _odd_vectors), "metadata": _metadata}),
)
# The same id twice deletes a row twice, which is refused.
_deletions = st.builds(
    lambda config, rest: Call(WRITE, {"op": "deleteByIds", "config": config, **rest}),
    _configs,
    mostly(st.fixed_dictionaries({"ids": _id_lists}), st.sampled_from(({}, {"ids": None}, {"ids": ["a", 1.0]}))),
)
_lists_by_id = st.builds(
    lambda config, rest: Call(READ, {"op": "listByIds", "config": config, **rest}, "query"),
    _configs,
    mostly(st.fixed_dictionaries({"ids": _id_lists}), st.sampled_from(({}, {"ids": "a"}, {"extra": 1.0}))),
)
_counts = mostly(
    st.sampled_from((1.0, 3.0, 100.0)), st.sampled_from((0.0, -5.0, 1.5, NOT_A_NUMBER, INFINITY, None, "3"))
)
_descriptions = st.builds(
    lambda config, rest: Call(READ, {"op": "describe", "config": config, **rest}, "query"),
    _configs,
    st.fixed_dictionaries({}, optional={"countLimit": _counts}),
)
_unknown = st.sampled_from(
    (
        Call(WRITE, {"op": "clear", "config": _DOCS}),
        Call(READ, {"op": "count", "config": _DOCS}, "query"),
        Call(READ, {"op": "getByConvexIds", "config": _DOCS}, "query"),
        Call(QUERY, {"config": _DOCS}, "action"),
        Call(QUERY, {"config": _DOCS, "vector": [1.0, 0.0, 0.0], "limit": 1.0, "unknown": 1.0}, "action"),
        Call(
            QUERY,
            {"config": {**_DOCS, "vectorIndexName": "by_nothing"}, "vector": [1.0, 0.0, 0.0], "limit": 1.0},
            "action",
        ),
    )
)


@dataclass(frozen=True)
class Search:
    """A search, then its rows by the ids it found, as `ConvexNativeVector.query` does it."""

    args: Row
    include_vector: bool | None

    def play(self, pair: Pair) -> None:
        assert_same_ranking(str(self), *pair.on_both(self._search), limit=self.args["limit"])

    def _search(self, side: Side) -> Answer:
        found = side.call("action", QUERY, self.args)
        if found.error is not None:
            return found
        read: Row = {"op": "getByConvexIds", "config": self.args["config"], "ids": [row["id"] for row in found.value]}
        if self.include_vector is not None:
            read["includeVector"] = self.include_vector
        rows = side.call("query", READ, read)
        if rows.error is not None:
            return rows
        # Rows of one score may come in another order, so ids would get their names in another order.
        records = map(without_system_fields, rows.value)
        # Numbers, also where the encoded form has none: a negative zero.
        scores = [decode(row["score"], DEFAULT_LIMITS) for row in found.value]
        return Answer(value=[{**record, "score": score} for record, score in zip(records, scores, strict=True)])


@st.composite
def _searches(draw: st.DrawFn) -> Step:
    config = draw(st.sampled_from((_NOTES, _NOTES, _DOCS)))
    limit = draw(mostly(st.sampled_from((1.0, 3.0, 10.0, 256.0)), st.sampled_from((0.0, 257.0, 1.5, -1.0, "5", None))))
    args: Row = {"config": config, "vector": draw(mostly(_vectors, st.just([]))), "limit": limit}
    if config is _NOTES and draw(st.booleans()):
        args["filter"] = draw(
            mostly(
                st.fixed_dictionaries({"field": st.sampled_from(("label", "tenant")), "value": _labels}),
                st.sampled_from(({}, {"field": "label"}, {"field": "label", "value": []}, None, "x")),
            )
        )
    return Search(args, draw(st.sampled_from((None, True, False))))


@st.composite
def native_vector_sequences(draw: st.DrawFn) -> list[Step]:
    """Writes, reads and searches in both tables."""
    rows: Row = {"ids": ["a", "b", "c"], "vectors": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]}
    metadata = [{"label": "x"}, {"label": "y", "tenant": 1.0}, {"other": None}]
    first = [Call(WRITE, {"op": "upsert", "config": _NOTES, **rows, "metadata": metadata}), _first_docs(rows)]
    batch = st.integers(24, 60).map(_batch)
    step = in_turn(
        st.one_of(_searches(), _upserts(), _searches(), _updates, _deletions, _lists_by_id),
        _descriptions,
        _unknown,
        batch,
    )
    return draw(sequences(step, *first))


def _first_docs(rows: Row) -> Step:
    return Call(WRITE, {"op": "upsert", "config": _DOCS, **rows})

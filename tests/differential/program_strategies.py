"""Random documents in the table `playground`, and random programs on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_mastra_convex.comparison import Answer, assert_same_answer, without_last_empty_page
from tests.differential.pair import Pair, Row, Side, Step
from tests.differential.programs import Program
from tests.differential.storage_strategies import mostly
from tests.differential.value_strategies import (
    BYTES,
    INFINITY,
    INT64_LARGE,
    INT64_ONE,
    NEGATIVE_ZERO,
    NOT_A_NUMBER,
    leaves,
    values,
)

TABLE = "playground"
UNDEFINED = {"$undefined": None}
_INDEXES = {"by_a": ("a",), "by_a_b": ("a", "b"), "by_nested": ("nested.x",)}

# One of each kind and its neighbours in the order of all values.
_sorted_values: tuple[Any, ...] = (
    None,
    INT64_ONE,
    INT64_LARGE,
    {"$integer": "//////////8="},
    {"$float": "AAAAAAAA8P8="},
    -1.5,
    NEGATIVE_ZERO,
    0.0,
    1.0,
    1.5,
    INFINITY,
    NOT_A_NUMBER,
    False,
    True,
    "",
    "a",
    "b",
    "\ufffd",
    "😀",
    {"$bytes": ""},
    BYTES,
    [],
    [None],
    [1.0],
    [1.0, None],
    {},
    {"a": 1.0},
    {"b": None},
)
# No empty field names: an object that begins with one is found where `{}` is looked for (divergence "index-prefixes").
_field_values = st.one_of(
    st.sampled_from(_sorted_values),
    st.sampled_from(_sorted_values),
    values.filter(lambda value: '"":' not in json.dumps(value)),
)
_bounds = mostly(_field_values, st.just(UNDEFINED))
_documents = st.fixed_dictionaries(
    {},
    optional={
        "a": _field_values,
        "b": st.sampled_from((1.0, 2.0, "x", None)) | _field_values,
        "c": leaves,
        "nested": mostly(st.fixed_dictionaries({}, optional={"x": _field_values}), _field_values),
    },
)


@st.composite
def _ranges(draw: st.DrawFn, index: str) -> list[Row]:
    """Equalities on the first fields of an index, then at most one bound on each side of the next one."""
    fields = _INDEXES[index]
    count = draw(st.integers(0, len(fields)))
    bounds: list[Row] = [{"op": "eq", "field": field, "value": draw(_bounds)} for field in fields[:count]]
    if count < len(fields):
        for operations in (("gt", "gte"), ("lt", "lte")):
            if draw(st.booleans()):
                bounds.append({"op": draw(st.sampled_from(operations)), "field": fields[count], "value": draw(_bounds)})
    return bounds


_operands = st.one_of(
    st.sampled_from(("a", "b", "c", "nested", "nested.x", "missing")).map(lambda field: {"field": field}),
    _bounds.map(lambda value: {"value": value}),
)
# Comparisons by order and operands that are no booleans are left out: convex-test does them as JavaScript does
# (divergences "filter-comparison" and "filter-truthiness").
_comparisons = st.builds(
    lambda op, left, right: {"op": op, "left": left, "right": right},
    st.sampled_from(("eq", "neq")),
    st.sampled_from(("a", "b", "nested.x")).map(lambda field: {"field": field}) | _operands,
    _operands,
)
_filters: st.SearchStrategy[Row] = st.recursive(
    _comparisons,
    lambda inner: st.one_of(
        st.builds(
            lambda op, args: {"op": op, "args": args}, st.sampled_from(("and", "or")), st.lists(inner, max_size=3)
        ),
        inner.map(lambda arg: {"op": "not", "arg": arg}),
    ),
    max_leaves=4,
)


@st.composite
def _queries(draw: st.DrawFn) -> Row:
    query: Row = {"op": "query", "table": TABLE}
    index = draw(st.sampled_from((None, *_INDEXES)))
    if index is not None:
        query |= {"index": index, "range": draw(_ranges(index))}
    if draw(st.booleans()):
        query["order"] = draw(st.sampled_from(("asc", "desc")))
    if draw(st.booleans()):
        query["filter"] = draw(_filters)
    return query


_endings: st.SearchStrategy[Row] = st.one_of(
    st.just({}),
    st.sampled_from((0, 1, 2, 5)).map(lambda count: {"take": count}),
    st.sampled_from(({"first": True}, {"unique": True}, {"take": -1}, {"take": 1.5})),
)


@dataclass(frozen=True)
class Run:
    """A program, played as one mutation."""

    program: Program

    def play(self, pair: Pair) -> None:
        emulated, expected = pair.on_both(lambda side: Answer(value=side.program(self.program)))
        for step, answer, expected_answer in zip(self.program, emulated.value, expected.value, strict=True):
            assert_same_answer(str(step), _answer_of(step, answer), _answer_of(step, expected_answer))


def _answer_of(step: Row, answer: Row) -> Answer:
    # The id of a new document is the deployment's own.
    is_id = step["op"] == "insert" and "value" in answer
    return Answer(value="an id" if is_id else answer.get("value"), error=answer.get("error"))


@dataclass(frozen=True)
class ReadPages:
    """A query, read page by page to its end, each page in a mutation of its own."""

    query: Row
    page_size: int
    pages_max: int = 80

    def play(self, pair: Pair) -> None:
        emulated, expected = pair.on_both(self._read)
        assert_same_answer(f"pages of {self.query}", *without_last_empty_page(emulated, expected))

    def _read(self, side: Side) -> Answer:
        pages: list[Any] = []
        cursor = None
        for _ in range(self.pages_max):
            options = {"cursor": cursor, "numItems": self.page_size}
            (answer,) = side.program([{**self.query, "paginate": options}])
            if "error" in answer:
                return Answer(error=answer["error"])
            pages.append(answer["value"]["page"])
            cursor = answer["value"]["continueCursor"]
            if answer["value"]["isDone"]:
                return Answer(value=pages)
        raise AssertionError(f"no end after {self.pages_max} pages")


@st.composite
def _writes(draw: st.DrawFn, inserted: int) -> Row:
    """A write to one of the documents inserted by the first steps."""
    target = {"$ref": draw(st.integers(0, inserted - 1))}
    op = draw(st.sampled_from(("patch", "patch", "replace", "delete", "get")))
    if op == "patch":
        changes = st.dictionaries(st.sampled_from(("a", "b", "c", "nested")), _bounds, max_size=3)
        return {"op": op, "id": target, "value": draw(changes)}
    return {"op": op, "id": target, **({"value": draw(_documents)} if op == "replace" else {})}


@st.composite
def program_sequences(draw: st.DrawFn) -> list[Step]:
    """Documents, then queries before and after some of them are changed, then pages."""
    documents = draw(st.lists(_documents, min_size=1, max_size=10))
    inserts = [{"op": "insert", "table": TABLE, "value": document} for document in documents]
    reads = st.builds(lambda query, ending: {**query, **ending}, _queries(), _endings)
    steps = draw(st.lists(st.one_of(reads, reads, _writes(len(inserts))), min_size=2, max_size=12))
    pages = draw(st.lists(st.builds(ReadPages, _queries(), st.sampled_from((1, 2, 3, 20))), max_size=2))
    return [Run([*inserts, *steps]), *pages]

"""Programs of every kind of step, whose answers do not depend on where they run.

Where convex-test is known to differ from a deployment (`divergences.toml`) there is no program: that is for the
conformance tests to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from convex_mastra_emulator import ConvexInt64, undefined
from pytest_mastra_convex.probe import (
    Step,
    add,
    and_,
    call_query,
    counter,
    counter_text,
    delete,
    div,
    eq,
    field,
    fields,
    get,
    gt,
    gte,
    insert,
    literal,
    lt,
    lte,
    mod,
    mul,
    neq,
    nested,
    normalize_id,
    not_,
    now,
    or_,
    outer,
    parallel,
    patch,
    query,
    ref,
    repeat,
    repeat_list,
    replace,
    run_action,
    run_mutation,
    run_query,
    sub,
    throw,
    throw_convex,
    uncaught,
    vector_search,
)

THINGS, TYPED = "conformance_things", "conformance_typed"
VECTORS, LOOSE = "conformance_vectors", "conformance_loose_vectors"
TEXTS = "conformance_texts"

Kind: TypeAlias = Literal["query", "mutation", "action"]
Program: TypeAlias = tuple[Kind, list[Step]]

_NUMBERS = insert(THINGS, {"a": counter(), "b": 1, "key": counter_text("k-")}, times=6)
_MIXED: list[Any] = [
    {},
    {"a": None},
    {"a": ConvexInt64(2)},
    {"a": 2},
    {"a": float("nan")},
    {"a": -0.0},
    {"a": 0},
    {"a": False},
    {"a": "x"},
    {"a": b"\x01"},
    {"a": [1]},
    {"a": {"b": 1}},
]
_mixed = [insert(THINGS, row) for row in _MIXED]
_points = [
    insert(VECTORS, {"embedding": [1, 0, 0], "name": "x", "group": "a", "rank": 1}),
    insert(VECTORS, {"embedding": [0, 1, 0], "name": "y", "group": "b", "rank": ConvexInt64(1)}),
    insert(VECTORS, {"embedding": [0.5, 0.5, 0.5], "name": "xyz"}),
]

# By the name of a function and of a field: a value that matches the validator, and one that does not; convex-test does
# not look into records.
_ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "String": ("x", 1),
    "Number": (1, ConvexInt64(1)),
    "Int64": (ConvexInt64(1), 1),
    "Boolean": (False, None),
    "Null": (None, False),
    "Bytes": (b"\x01", "AQ=="),
    "Array": (["x"], ["x", 1]),
    "Object": ({"a": "x", "b": 1}, {"a": "x", "c": 1}),
    "Record": ({"x y": 1},),
    "Union": (1, None),
    "Literal": ("yes", "no"),
    "Optional": (undefined, None),
    "Any": ([{"a": b"\x01"}], undefined),
}
_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "text": ("x", None),
    "number": (float("nan"), ConvexInt64(1)),
    "int64": (ConvexInt64(1), 1),
    "flag": (True, "true"),
    "nothing": (None, False),
    "bytes": (b"", "AQ=="),
    "list": ([], [1]),
    "shape": ({"a": "x"}, {"b": 1}),
    "map": ({"x": 1},),
    "either": ("x", True),
    "exactly": ("yes", "Yes"),
    "whatever": (undefined, {"a": [1]}),
}


def _filtered(condition: Any) -> Step:
    return query(THINGS, filter=condition, select=["a"])


def _ranged(*bounds: Any, order: str = "asc") -> Step:
    return query(THINGS, index="by_a_b", range=bounds, order=order, select=["a"])


def _found(*search: Any, **options: Any) -> Step:
    return vector_search(VECTORS, "by_embedding", *search, **options)


PROGRAMS: Mapping[str, Program] = {
    "empty": ("query", []),
    "insert and get": ("mutation", [insert(THINGS, {"a": 1, "b": "x"}), get(ref(0)), get(ref(0), table=THINGS)]),
    "every type": (
        "mutation",
        [insert(THINGS, {"v": [row.get("a") for row in _MIXED]}), get(ref(0)), query(THINGS, select=["v"])],
    ),
    "patch": ("mutation", [insert(THINGS, {"a": 1, "b": 2}), patch(ref(0), {"b": 3, "c": []}), get(ref(0))]),
    "patch away": ("mutation", [insert(THINGS, {"a": 1, "b": 2}), patch(ref(0), {"b": undefined}), get(ref(0))]),
    "replace": ("mutation", [insert(THINGS, {"a": 1, "b": 2}), replace(ref(0), {"c": 3}), get(ref(0))]),
    "delete": ("mutation", [insert(THINGS, {"a": 1}), delete(ref(0)), get(ref(0)), query(THINGS)]),
    "write after delete": (
        "mutation",
        [insert(THINGS, {}), delete(ref(0)), patch(ref(0), {"a": 1}), replace(ref(0), {}), delete(ref(0))],
    ),
    "undefined in a value": (
        "mutation",
        [insert(THINGS, {"a": undefined, "b": {"c": undefined}}), query(THINGS)],
    ),
    "names of fields": (
        "mutation",
        [insert(THINGS, {name: 1}) for name in ("$a", "$ref", "a b", "ä", "")] + [query(THINGS)],
    ),
    "no arguments": (
        "mutation",
        [get(undefined), get(None), get(5), get(True), patch(undefined, {}), delete(undefined)],
    ),
    "forms": (
        "mutation",
        [
            insert(THINGS, {"a": repeat("äb", 3), "b": repeat_list({"c": [1]}, 2), "c": nested(4), "d": fields(3)}),
            get(ref(0)),
            insert(THINGS, {"a": ref(1, "b", 1, "c")}),
            get(ref(2)),
        ],
    ),
    "a reference to a failed step": ("mutation", [get(5), get(ref(0)), insert(THINGS, {"a": ref(0)})]),
    "times": ("mutation", [_NUMBERS, query(THINGS), query(THINGS, count=True, times=2)]),
    "times until an error": (
        "mutation",
        [insert(THINGS, {}), {**delete(ref(0)), "times": 2}, {**get(5), "times": 2}, query(THINGS)],
    ),
    "normalizeId": (
        "mutation",
        [insert(THINGS, {}), normalize_id(THINGS, ref(0)), normalize_id(TYPED, ref(0)), normalize_id(THINGS, "")],
    ),
    "ends": (
        "mutation",
        [
            _NUMBERS,
            query(THINGS, take=2),
            query(THINGS, take=0),
            query(THINGS, first=True, order="desc"),
            query(THINGS, unique=True, filter=eq(field("a"), 3)),
            query(THINGS, unique=True, filter=eq(field("a"), 30)),
            query(THINGS, count=True),
            query(THINGS, read=2),
            query(THINGS, read=0),
            query(THINGS, read=100, select=["a"]),
        ],
    ),
    "odd numbers to take": ("query", [query(THINGS, take=n) for n in (-1, 0.5, "1", None, float("nan"))]),
    "unique of several": ("mutation", [_NUMBERS, query(THINGS, unique=True)]),
    "select": ("mutation", [_NUMBERS, query(THINGS, select=["key", "none"]), query(THINGS, first=True, select=[])]),
    "ranges": (
        "mutation",
        [
            _NUMBERS,
            _ranged(),
            _ranged(eq("a", 2)),
            _ranged(gt("a", 1), lte("a", 4), order="desc"),
            _ranged(gte("a", 5)),
            _ranged(eq("a", 2), lt("b", 1)),
            _ranged(eq("a", undefined)),
        ],
    ),
    "ranges over every type": (
        "mutation",
        [*_mixed, _ranged(), _ranged(gt("a", None)), _ranged(lt("a", 0)), _ranged(gte("a", "x"), order="desc")],
    ),
    "nested index": (
        "mutation",
        [
            insert(THINGS, {"nested": {"value": 2}}),
            insert(THINGS, {"nested": 1}),
            insert(THINGS, {"nested": {"value": 1}}),
            query(THINGS, index="by_nested", select=["nested"]),
            query(THINGS, index="by_nested", range=[gt("nested.value", 1)], select=["nested"]),
        ],
    ),
    "comparisons": (
        "mutation",
        [
            _NUMBERS,
            *(_filtered(compare(field("a"), 3)) for compare in (eq, neq, lt, lte, gt, gte)),
            _filtered(eq(literal("x"), "x")),
        ],
    ),
    "equality of every type": (
        "mutation",
        [*_mixed, *(_filtered(eq(field("a"), row.get("a", undefined))) for row in _MIXED)],
    ),
    "connectives": (
        "mutation",
        [
            _NUMBERS,
            _filtered(and_(gt(field("a"), 1), lt(field("a"), 4))),
            _filtered(or_(eq(field("a"), 1), eq(field("key"), literal("k-4")))),
            _filtered(not_(gt(field("a"), 1))),
            _filtered(and_()),
            _filtered(or_()),
            _filtered([gt(field("a"), 1), lt(field("a"), 4)]),
        ],
    ),
    "arithmetic": (
        "mutation",
        [_NUMBERS, *(_filtered(gt(op(field("a"), 2), 1)) for op in (add, sub, mul, div, mod))],
    ),
    "a page": (
        "mutation",
        [_NUMBERS, query(THINGS, index="by_a_b", paginate={"numItems": 2, "cursor": None}, select=["a"])],
    ),
    "a number of items that is none": ("query", [query(THINGS, paginate={"numItems": "1", "cursor": None})]),
    "nested calls": (
        "mutation",
        [
            insert(THINGS, {"a": b"\x01"}),
            run_query(get(outer(0)), get(5), query(THINGS, select=["a"])),
            run_mutation(insert(THINGS, {"a": 2}), insert(THINGS, {"b": outer(1, 2, "value", 0, "a")})),
            query(THINGS, select=["a", "b"]),
        ],
    ),
    "a nested mutation that throws": (
        "mutation",
        [
            insert(THINGS, {"a": 1}),
            run_mutation(insert(THINGS, {"a": 2}), throw("no")),
            run_mutation(insert(THINGS, {"a": 3}), throw_convex({"code": 7, "text": "ä"})),
            query(THINGS, select=["a"]),
        ],
    ),
    "internal functions": (
        "action",
        [run(run_query(), internal=True) for run in (run_query, run_mutation, run_action)],
    ),
    "calls from an action": (
        "action",
        [
            run_mutation(insert(THINGS, {"a": 1})),
            run_query(get(outer(0, 0, "value"))),
            run_action(run_mutation(insert(THINGS, {"a": 2})), run_query(query(THINGS, count=True))),
            run_mutation(insert(THINGS, {"a": 3}), throw("no")),
            run_query(query(THINGS, select=["a"])),
        ],
    ),
    "calls by path": (
        "query",
        [
            call_query("conformance/typed:takesString", {"value": "x"}),
            call_query("conformance/typed:takesWhatever", {"a": b"\x01", "b": ConvexInt64(1)}),
            call_query("conformance/typed:returnsUndefined"),
        ],
    ),
    "arguments": (
        "query",
        [
            call_query(f"conformance/typed:takes{name}", {"value": value})
            for name, values in _ARGUMENTS.items()
            for value in values
        ],
    ),
    "arguments too many and too few": (
        "query",
        [call_query("conformance/typed:takesNothing", {"a": 1}), call_query("conformance/typed:takesString")],
    ),
    "returned values": (
        "query",
        [
            call_query(f"conformance/typed:returns{name}", {"value": value})
            for name, value in (("String", "x"), ("Number", 1), ("Null", None), ("Object", {"a": "x"}))
        ],
    ),
    "fields with validators": (
        "mutation",
        [
            *(insert(TYPED, {"name": "x", name: value}) for name, values in _FIELDS.items() for value in values),
            insert(TYPED, {}),
            insert(TYPED, {"name": "x", "other": 1}),
            query(TYPED),
        ],
    ),
    "parallel": (
        "mutation",
        [_NUMBERS, parallel(get(ref(0)), get(5), query(THINGS, count=True), parallel(now())), get(ref(0))],
    ),
    "now": ("mutation", [now(), insert(THINGS, {"a": ref(0)}), query(THINGS, select=["a"])]),
    "vectors": (
        "action",
        [
            run_mutation(*_points),
            _found([1, 0, 0]),
            _found([0, 1, 0], limit=1),
            _found([1, 0, 0], filter=eq("group", "a")),
            _found([1, 0, 0], filter=or_(eq("group", "b"), eq("rank", 1))),
            _found([1, 0, 0], filter=eq("rank", ConvexInt64(1))),
            _found([]),
        ],
    ),
    "vectors of a table without validators": (
        "action",
        [
            run_mutation(*(insert(LOOSE, {"embedding": v}) for v in ([0, 1], [1, 1]))),
            vector_search(LOOSE, "by_embedding", [0, 1]),
        ],
    ),
    "a text search": (
        "mutation",
        [
            insert(TEXTS, {"name": "one", "body": "a fox", "group": 1}),
            insert(TEXTS, {"name": "two", "body": "a dog"}),
            query(TEXTS, search={"index": "by_body", "field": "body", "text": "FO"}),
            query(TEXTS, search={"index": "by_body", "field": "body", "text": "dog", "eq": [eq("group", 1)]}),
            query(TEXTS, search={"index": "by_body", "field": "body", "text": "dog", "eq": [eq("group", undefined)]}),
            query(TEXTS, search={"index": "by_body", "field": "body", "text": "fox"}, order="asc"),
        ],
    ),
    "throw": ("mutation", [insert(THINGS, {}), throw("enough")]),
    "throw an object": ("action", [now(), throw_convex({"code": 7, "bytes": b"\x01"})]),
    "throw a text": ("query", [throw_convex("ä")]),
    "uncaught": ("mutation", [insert(THINGS, {}), uncaught(get(5))]),
    "uncaught beside others": ("mutation", [parallel(insert(THINGS, {}), uncaught(get(5)), now())]),
    "an unknown step": ("query", [{"op": "upsert"}]),
    "an unknown step inside": ("action", [run_action(run_query({"op": "upsert"})), now()]),
    "a step that lacks something": ("mutation", [{"op": "insert", "table": THINGS}]),
    "a step that says too much": ("query", [{"op": "now", "level": "log"}]),
    "a write in a query": ("query", [insert(THINGS, {})]),
    "a database in an action": ("action", [query(THINGS)]),
    "a reference to nothing": ("query", [now(), get(ref(0, "a"))]),
    "two ends": ("query", [query(THINGS, first=True, count=True)]),
    "a search and an index": (
        "query",
        [query(TEXTS, index="by_name", search={"index": "by_body", "field": "body", "text": "fox"})],
    ),
    "a search without an index": ("query", [{"op": "query", "table": TEXTS, "search": {}}]),
    "a range without an index": ("query", [query(THINGS, range=[eq("a", 1)])]),
}
"""By name: the kind of function, and the steps it runs."""

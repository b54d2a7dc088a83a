"""Index ranges: convex-engine.md §4.2 to §4.5."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock, undefined
from convex_mastra_emulator.errors import DeploymentError, InvalidArgument, InvalidQuery, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v

Range = Callable[[Any], Any]

SCHEMA = define_schema(
    {
        "rows": define_table(v.any())
        .index("by_a", ["a"])
        .index("by_a_b", ["a", "b"])
        .index("by_nested", ["m.k"])
        .index("by_staged", ["c"], staged=True)
        .vector_index("by_embedding", vector_field="e", dimensions=3)
        .search_index("search_text", search_field="text"),
    }
)

# In the order of §2; the name of a row tells its value.
MIXED: list[tuple[str, Any]] = [
    ("missing", undefined),
    ("null", None),
    ("-1n", ConvexInt64(-1)),
    ("9n", ConvexInt64(9)),
    ("-5", -5.0),
    ("-0", -0.0),
    ("0", 0.0),
    ("5", 5.0),
    ("nan", float("nan")),
    ("false", False),
    ("true", True),
    ("text", "5"),
    ("astral", "\U0001f600"),
    ("bytes", b"\0"),
    ("array", [1.0]),
    ("object", {"k": 1.0}),
]
NAMES = [name for name, _ in MIXED]


@pytest.fixture
def rows() -> Iterator[Emulator]:
    """The table `rows`: every kind of value under `a`, written in another order than theirs."""
    with Emulator(SCHEMA, seed=2, clock=ManualClock()) as emulator:
        shuffled = MIXED[::-2] + MIXED[::2]
        emulator.run(lambda ctx: [ctx.db.insert("rows", {"name": name, "a": value}) for name, value in shuffled])
        yield emulator


def names(emulator: Emulator, index_range: Range | None, *, index: str = "by_a", order: str = "asc") -> list[str]:
    found = emulator.run(lambda ctx: ctx.db.query("rows").with_index(index, index_range).order(order).collect())
    return [row["name"] for row in found]


def from_to(first: str, last: str) -> list[str]:
    return NAMES[NAMES.index(first) : NAMES.index(last) + 1]


@pytest.mark.parametrize(
    ("index_range", "found"),
    [
        (None, NAMES),
        (lambda q: q, NAMES),
        (lambda q: q.eq("a", 5), ["5"]),
        (lambda q: q.eq("a", undefined), ["missing"]),
        (lambda q: q.eq("a", None), ["null"]),
        (lambda q: q.eq("a", ConvexInt64(5)), []),
        (lambda q: q.eq("a", 0.0), ["0"]),
        (lambda q: q.eq("a", -0.0), ["-0"]),
        (lambda q: q.eq("a", float("nan")), ["nan"]),
        (lambda q: q.eq("a", [1]), ["array"]),
        (lambda q: q.eq("a", {"k": 1}), ["object"]),
        (lambda q: q.eq("a", 1), []),
        (lambda q: q.gt("a", 5), from_to("nan", "object")),
        (lambda q: q.gte("a", 5), from_to("5", "object")),
        (lambda q: q.lt("a", 5), from_to("missing", "0")),
        (lambda q: q.lte("a", 5), from_to("missing", "5")),
        (lambda q: q.gt("a", undefined), from_to("null", "object")),
        (lambda q: q.gte("a", undefined), NAMES),
        (lambda q: q.lt("a", undefined), []),
        (lambda q: q.lte("a", undefined), ["missing"]),
        (lambda q: q.gt("a", "5"), from_to("astral", "object")),
        (lambda q: q.gt("a", "\ufffd").lt("a", b""), ["astral"]),
        (lambda q: q.gte("a", -5).lt("a", 5), from_to("-5", "0")),
        (lambda q: q.lt("a", 5).gte("a", -5), from_to("-5", "0")),
        (lambda q: q.gt("a", False).lte("a", "5"), ["true", "text"]),
        (lambda q: q.gt("a", 5).lt("a", -5), []),
        (lambda q: q.gt("a", 5).lt("a", 5), []),
        (lambda q: q.gte("a", 5).lte("a", 5), ["5"]),
    ],
)
def test_bounds_go_by_the_total_order_across_types(rows: Emulator, index_range: Range | None, found: list[str]) -> None:
    assert names(rows, index_range) == found
    assert names(rows, index_range, order="desc") == found[::-1]


# Sort keys of texts and of objects with an empty key are prefixes of others', and a deployment's interval of an
# equality is all keys with that prefix (crates/common/src/query.rs, interval/key.rs): the one place where `eq`
# finds more than what is equal.
def test_equality_finds_text_that_goes_on_with_a_null_character() -> None:
    with Emulator(SCHEMA, seed=3, clock=ManualClock()) as emulator:
        emulator.run(lambda ctx: [ctx.db.insert("rows", {"name": t, "a": t}) for t in ("x", "x\0y", "xy")])

        assert names(emulator, lambda q: q.eq("a", "x")) == ["x", "x\0y"]
        assert names(emulator, lambda q: q.gt("a", "x")) == ["xy"]


@pytest.fixture
def pairs() -> Iterator[Emulator]:
    """The table `rows` with a = 0 to 2 and b = 0 to 2."""
    with Emulator(SCHEMA, seed=4, clock=ManualClock()) as emulator:
        emulator.run(
            lambda ctx: [
                ctx.db.insert("rows", {"name": f"{a}{b}", "a": a, "b": b, "m": {"k": b}})
                for b in (2, 0, 1)
                for a in (1, 2, 0)
            ]
        )
        yield emulator


@pytest.mark.parametrize(
    ("index_range", "found"),
    [
        (lambda q: q.eq("a", 1), ["10", "11", "12"]),
        (lambda q: q.eq("a", 1).eq("b", 2), ["12"]),
        (lambda q: q.eq("b", 2).eq("a", 1), ["12"]),
        (lambda q: q.gt("b", 0).eq("a", 1), ["11", "12"]),
        (lambda q: q.eq("a", 1).lte("b", 1), ["10", "11"]),
        (lambda q: q.gte("a", 2), ["20", "21", "22"]),
        (lambda q: q.eq("a", 1).eq("b", undefined), []),
        (lambda q: q.eq("a", 1).eq("b", 1).gt("_creationTime", 0), ["11"]),
        (lambda q: q.eq("a", 1).eq("b", 1).lt("_creationTime", 0), []),
    ],
)
def test_range_over_several_fields(pairs: Emulator, index_range: Range, found: list[str]) -> None:
    assert names(pairs, index_range, index="by_a_b") == found


def test_nested_field_is_indexed_by_its_path(pairs: Emulator) -> None:
    assert sorted(names(pairs, lambda q: q.eq("m.k", 1), index="by_nested")) == ["01", "11", "21"]


def test_equal_keys_come_in_order_of_creation(pairs: Emulator) -> None:
    assert names(pairs, lambda q: q.eq("m.k", 2), index="by_nested") == ["12", "22", "02"]
    assert names(pairs, lambda q: q.eq("m.k", 2), index="by_nested", order="desc") == ["02", "22", "12"]


# `_creationTime` is a Float64: a bigint bound compares by type.
def test_int64_bound_on_the_creation_time_is_below_every_time(pairs: Emulator) -> None:
    def above(q: Any) -> Any:
        return q.gt("_creationTime", ConvexInt64(0))

    def below(q: Any) -> Any:
        return q.lt("_creationTime", ConvexInt64(0))

    assert len(names(pairs, above, index="by_creation_time")) == 9
    assert names(pairs, below, index="by_creation_time") == []


def test_creation_time_is_found_exactly(pairs: Emulator) -> None:
    row = pairs.run(lambda ctx: ctx.db.query("rows").first())

    found = names(pairs, lambda q: q.eq("_creationTime", row["_creationTime"]), index="by_creation_time")

    assert found == [row["name"]]


def test_id_is_found_through_the_index_by_id(pairs: Emulator) -> None:
    row = pairs.run(lambda ctx: ctx.db.query("rows").first())

    assert names(pairs, lambda q: q.eq("_id", row["_id"]), index="by_id") == [row["name"]]


def test_id_may_end_a_range(pairs: Emulator) -> None:
    row = pairs.run(lambda ctx: ctx.db.query("rows").with_index("by_a", lambda q: q.eq("a", 1)).first())
    time = row["_creationTime"]

    def whole_key(q: Any) -> Any:
        return q.eq("a", 1).eq("_creationTime", time).gte("_id", row["_id"])

    assert names(pairs, whole_key) == [row["name"]]


# `_id` is compared as text: no rows and no error.
def test_text_that_is_no_id_finds_nothing(pairs: Emulator) -> None:
    assert names(pairs, lambda q: q.eq("_id", "garbage"), index="by_id") == []


# Errors of ranges; `{v}` and lists are printed as the deployment prints them.

IN_ORDER = "Tried to query index rows.{index} but the query didn't use the index fields in order.\n"
MORE = "For more information see https://docs.convex.dev/using/indexes."


@pytest.mark.parametrize(
    ("index", "index_range", "code", "text"),
    [
        (
            "by_a",
            lambda q: q.eq("a", 1).eq("a", 2),
            "AlreadyDefinedBound",
            'Already defined equality bound in index range. Can\'t add "a" == 1.0.',
        ),
        (
            "by_a",
            lambda q: q.gt("a", 1).gte("a", 2),
            "AlreadyDefinedBound",
            'Already defined lower bound in index range. Can\'t add "a" >= 2.0.',
        ),
        (
            "by_a",
            lambda q: q.gte("a", 1).gt("a", "x"),
            "AlreadyDefinedBound",
            'Already defined lower bound in index range. Can\'t add "a" > "x".',
        ),
        (
            "by_a",
            lambda q: q.lte("a", 1).lt("a", None),
            "AlreadyDefinedBound",
            'Already defined upper bound in index range. Can\'t add "a" < null.',
        ),
        (
            "by_a",
            lambda q: q.lt("a", 1).lte("a", undefined),
            "AlreadyDefinedBound",
            'Already defined upper bound in index range. Can\'t add "a" <= undefined.',
        ),
        (
            "by_a",
            lambda q: q.eq("a", 1).gt("a", 2),
            "AlreadyDefinedBound",
            'Already defined inequality bound in index range. Can\'t add "a" == 1.0.',
        ),
        (
            "by_a_b",
            lambda q: q.gt("a", 1).lt("b", 2),
            "BoundsOnMultipleFields",
            "Upper and lower bounds in `range` can only be applied to a single index field. "
            'This query against index rows.by_a_b attempted to set a range bound on both "a" and "b". '
            "Consider using `filter` instead. See https://docs.convex.dev/using/indexes for more info.",
        ),
        (
            "by_a",
            lambda q: q.eq("b", 1),
            "FieldNotInIndex",
            'The index range included a comparison with "b", but rows.by_a with fields ["a", "_creationTime"] '
            f"doesn't index this field. {MORE}",
        ),
        (
            "by_nested",
            lambda q: q.gt("m", 1),
            "FieldNotInIndex",
            'The index range included a comparison with "m", but rows.by_nested with fields ["m.k", "_creationTime"] '
            f"doesn't index this field. {MORE}",
        ),
        (
            "by_a_b",
            lambda q: q.eq("b", 1),
            "InvalidIndexRange",
            IN_ORDER.format(index="by_a_b") + 'Index fields: ["a", "b", "_creationTime"]\n'
            f'Query fields: ["b"]\nFirst incorrect field: "b"\n{MORE}',
        ),
        (
            "by_a_b",
            lambda q: q.gt("a", 1).eq("b", 2),
            "InvalidIndexRange",
            IN_ORDER.format(index="by_a_b") + 'Index fields: ["a", "b", "_creationTime"]\n'
            f'Query fields: ["b", "a"]\nFirst incorrect field: "b"\n{MORE}',
        ),
        (
            "by_a_b",
            lambda q: q.eq("_creationTime", 1).eq("a", 1),
            "InvalidIndexRange",
            IN_ORDER.format(index="by_a_b") + 'Index fields: ["a", "b", "_creationTime"]\n'
            f'Query fields: ["a", "_creationTime"]\nFirst incorrect field: "_creationTime"\n{MORE}',
        ),
        (
            "by_creation_time",
            lambda q: q.eq("_id", "x"),
            "InvalidIndexRange",
            IN_ORDER.format(index="by_creation_time") + 'Index fields: ["_creationTime"]\n'
            f'Query fields: ["_id"]\nFirst incorrect field: "_id"\n{MORE}',
        ),
        (
            "by_id",
            lambda q: q.eq("_creationTime", 1),
            "FieldNotInIndex",
            'The index range included a comparison with "_creationTime", but rows.by_id with fields [] '
            f"doesn't index this field. {MORE}",
        ),
    ],
)
def test_range_that_does_not_fit_its_index(
    pairs: Emulator, index: str, index_range: Range, code: str, text: str
) -> None:
    with pytest.raises(InvalidQuery, match=f"^{re.escape(text)}$") as caught:
        names(pairs, index_range, index=index)

    assert caught.value.code == code


# Errors of tables and indexes


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_scan_of_a_table_that_does_not_exist_is_empty(rows: Emulator, order: str) -> None:
    assert rows.run(lambda ctx: ctx.db.query("nope").order(order).collect()) == []


@pytest.mark.parametrize(
    ("table", "index", "code", "text"),
    [
        ("nope", "by_a", "IndexNotFoundError", "Index nope.by_a not found."),
        ("nope", "by_id", "IndexNotFoundError", "Index nope.by_id not found."),
        ("nope", "by_creation_time", "IndexNotFoundError", "Index nope.by_creation_time not found."),
        ("rows", "by_z", "IndexNotFoundError", "Index rows.by_z not found."),
        (
            "rows",
            "by_staged",
            "IndexStagedError",
            "Index rows.by_staged is currently staged and not available to query until it is enabled.",
        ),
        ("rows", "by_embedding", "IndexNotADatabaseIndex", "Index rows.by_embedding is not a database index"),
        ("rows", "search_text", "IndexNotADatabaseIndex", "Index rows.search_text is not a database index"),
    ],
)
def test_index_that_cannot_be_queried(rows: Emulator, table: str, index: str, code: str, text: str) -> None:
    with pytest.raises(InvalidQuery, match=f"^{re.escape(text)}$") as caught:
        rows.run(lambda ctx: ctx.db.query(table).with_index(index).collect())

    assert caught.value.code == code


def test_built_in_indexes_can_be_named(rows: Emulator) -> None:
    assert len(names(rows, None, index="by_id")) == len(MIXED)
    assert len(names(rows, None, index="by_creation_time")) == len(MIXED)


def test_missing_index_is_reported_before_a_bad_range(rows: Emulator) -> None:
    with pytest.raises(InvalidQuery, match=r"^Index rows\.by_z not found\.$"):
        names(rows, lambda q: q.eq("a", 1).eq("a", 2), index="by_z")


def test_missing_index_is_reported_even_if_nothing_is_taken(rows: Emulator) -> None:
    with pytest.raises(InvalidQuery, match=r"^Index rows\.by_z not found\.$"):
        rows.run(lambda ctx: ctx.db.query("rows").with_index("by_z").take(0))


# Building a query raises nothing: the error comes when it is run.
def test_query_of_a_missing_index_can_be_built(rows: Emulator) -> None:
    def build_only(ctx: Any) -> None:
        ctx.db.query("rows").with_index("by_z", lambda q: q.eq("a", 1).eq("a", 2)).filter(lambda q: True)

    rows.run(build_only)


# Malformed expressions, which fail while the query is read

BAD_PATHS: list[tuple[str, str]] = [
    ("a b", "Identifier a b has invalid character ' ': "),
    ("", 'Empty path ""'),
    ("0", "Invalid first character '0' in 0: "),
]


@pytest.mark.parametrize(("path", "cause"), BAD_PATHS)
def test_field_path_of_a_range_that_is_none(rows: Emulator, path: str, cause: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{re.escape(f'Invalid argument `query` for `queryStream`: {cause}')}"):
        names(rows, lambda q: q.eq(path, 1))


@pytest.mark.parametrize(("path", "cause"), BAD_PATHS)
def test_field_path_of_a_filter_that_is_none(rows: Emulator, path: str, cause: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{re.escape(f'Invalid argument `query` for `queryStream`: {cause}')}"):
        rows.run(lambda ctx: ctx.db.query("rows").filter(lambda q: q.eq(q.field(path), 1)).collect())


def test_malformed_range_of_a_page_names_query_page(rows: Emulator) -> None:
    page = {"numItems": 1, "cursor": None}
    with pytest.raises(InvalidArgument, match=r"^Invalid argument `query` for `queryPage`: Identifier a b has "):
        rows.run(lambda ctx: ctx.db.query("rows").with_index("by_a", lambda q: q.eq("a b", 1)).paginate(page))


# The deployment reads the name of an index as that of a table, and says so.
def test_index_name_that_is_no_identifier(rows: Emulator) -> None:
    text = (
        'Invalid argument `query` for `queryStream`: Invalid table name: "by-a". '
        "Identifiers must start with a letter and can only contain letters, digits, and underscores."
    )
    with pytest.raises(InvalidArgument, match=f"^{re.escape(text)}$"):
        names(rows, None, index="by-a")


def test_table_name_that_is_no_identifier(rows: Emulator) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid argument `query` for `queryStream`: "):
        rows.run(lambda ctx: ctx.db.query("a-b").collect())


def test_order_that_is_none(rows: Emulator) -> None:
    with pytest.raises(InvalidArgument, match='expected "asc" or "desc"'):
        rows.run(lambda ctx: ctx.db.query("rows").order("up").collect())


def test_range_builder_can_be_used_once(rows: Emulator) -> None:
    def forgets_to_chain(q: Any) -> Any:
        q.eq("a", 1)
        return q.eq("b", 1)

    text = (
        "IndexRangeBuilder has already been used! Chain your method calls like `q => q.eq(...).eq(...)`. "
        "See https://docs.convex.dev/using/indexes"
    )
    with pytest.raises(ThrownError, match=f"^{re.escape(text)}$"):
        names(rows, forgets_to_chain, index="by_a_b")


@pytest.mark.parametrize("method", ["eq", "gt", "gte", "lt", "lte"])
def test_value_that_is_none_is_refused_in_a_range(rows: Emulator, method: str) -> None:
    with pytest.raises(DeploymentError, match="is not a supported Convex type"):
        names(rows, lambda q: getattr(q, method)("a", {1, 2}))

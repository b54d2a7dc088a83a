"""Running queries: convex-engine.md §4.4 and §5.2; reuse as in npm convex 1.48.0 (server/impl/query_impl.ts)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, ManualClock
from convex_mastra_emulator.database.expression import Comparison, Expression, FieldReference, Literal
from convex_mastra_emulator.database.query import Query, RowStream
from convex_mastra_emulator.database.store import Store
from convex_mastra_emulator.database.transaction import Transaction
from convex_mastra_emulator.errors import DeploymentError, LimitReached, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.values.ids import IdSource

# JavaScript has one kind of number.
TWO: Any = 2.0

CHAINED_ONCE = "A query can only be chained once and can't be chained after iteration begins."
CHAINED = "This query has been chained with another operator and can't be reused."
CLOSED = "This query is closed and can't emit any more values."
ITERATED = "Iteration can only begin on a query once."

SCHEMA = define_schema({"rows": define_table(v.any()).index("by_n", ["n"])})

Body = Callable[[Any], Any]


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1, clock=ManualClock()) as emulator:
        yield emulator


def insert_rows(emulator: Emulator, count: int) -> None:
    """Rows with n = 0, 1, 2, … in order of creation."""
    emulator.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in range(count)])


def numbers(rows: Any) -> list[int]:
    return [int(row["n"]) for row in rows]


# Terminals


def test_scan_is_in_order_of_creation(deployment: Emulator) -> None:
    insert_rows(deployment, 5)

    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").collect())) == [0, 1, 2, 3, 4]
    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").order("asc").collect())) == [0, 1, 2, 3, 4]
    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").order("desc").collect())) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(("count", "taken"), [(0, []), (1, [0]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (9, range(5))])
def test_take_takes_at_most_so_many(deployment: Emulator, count: int, taken: list[int]) -> None:
    insert_rows(deployment, 5)

    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").take(count))) == list(taken)


@pytest.mark.parametrize("count", [-1, 1.5, float("nan"), float("inf"), "1", None, True])
def test_take_of_something_else_is_a_type_error(deployment: Emulator, count: Any) -> None:
    with pytest.raises(TypeError, match=r"^Arg 1 `n` to `take` must be a non-negative integer$"):
        deployment.run(lambda ctx: ctx.db.query("rows").take(count))


def test_take_of_a_whole_float_is_allowed(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    assert len(deployment.run(lambda ctx: ctx.db.query("rows").take(TWO))) == 2


def test_first_is_the_first_or_null(deployment: Emulator) -> None:
    assert deployment.run(lambda ctx: ctx.db.query("rows").first()) is None
    insert_rows(deployment, 3)

    assert deployment.run(lambda ctx: ctx.db.query("rows").first())["n"] == 0
    assert deployment.run(lambda ctx: ctx.db.query("rows").order("desc").first())["n"] == 2


def test_unique_is_the_only_one_or_null(deployment: Emulator) -> None:
    assert deployment.run(lambda ctx: ctx.db.query("rows").unique()) is None
    insert_rows(deployment, 1)

    assert deployment.run(lambda ctx: ctx.db.query("rows").unique())["n"] == 0


@pytest.mark.parametrize("count", [2, 5])
def test_unique_of_several_names_exactly_two(deployment: Emulator, count: int) -> None:
    insert_rows(deployment, count)
    first, second = deployment.run(lambda ctx: [row["_id"] for row in ctx.db.query("rows").take(2)])

    text = f"unique() query returned more than one result from table rows:\n [{first}, {second}, ...]"
    with pytest.raises(ThrownError, match=f"^{re.escape(text)}$"):
        deployment.run(lambda ctx: ctx.db.query("rows").unique())


def test_unique_over_an_index_names_the_table(deployment: Emulator) -> None:
    insert_rows(deployment, 2)

    with pytest.raises(ThrownError, match=r"more than one result from table rows:\n \["):
        deployment.run(lambda ctx: ctx.db.query("rows").with_index("by_n").unique())


def test_fields_come_in_byte_order_at_every_level(deployment: Emulator) -> None:
    deployment.run(lambda ctx: ctx.db.insert("rows", {"b": {"z": 1, "Y": 2}, "a": 1, "Z": 1}))

    document = deployment.run(lambda ctx: ctx.db.query("rows").first())

    assert list(document) == ["Z", "_creationTime", "_id", "a", "b"]
    assert list(document["b"]) == ["Y", "z"]


# Operators in the order of their calls


def test_filters_are_all_applied(deployment: Emulator) -> None:
    insert_rows(deployment, 10)

    def body(ctx: Any) -> list[int]:
        query = ctx.db.query("rows").filter(lambda q: q.gte(q.field("n"), 3)).filter(lambda q: q.lt(q.field("n"), 6))
        return numbers(query.collect())

    assert deployment.run(body) == [3, 4, 5]


def test_take_after_a_filter_counts_what_passes(deployment: Emulator) -> None:
    insert_rows(deployment, 10)

    def body(ctx: Any) -> list[int]:
        return numbers(ctx.db.query("rows").filter(lambda q: q.eq(q.mod(q.field("n"), 2), 1)).take(3))

    assert deployment.run(body) == [1, 3, 5]


def test_order_after_a_filter_turns_the_source(deployment: Emulator) -> None:
    insert_rows(deployment, 4)

    def body(ctx: Any) -> list[int]:
        return numbers(ctx.db.query("rows").filter(lambda q: q.gt(q.field("n"), 0)).order("desc").collect())

    assert deployment.run(body) == [3, 2, 1]


def with_filters(ctx: Any, count: int) -> Any:
    query = ctx.db.query("rows").full_table_scan()
    for _ in range(count):
        query = query.filter(lambda q: True)
    return query


def test_256_operators_are_allowed(deployment: Emulator) -> None:
    insert_rows(deployment, 1)

    assert len(deployment.run(lambda ctx: with_filters(ctx, 256).collect())) == 1
    assert len(deployment.run(lambda ctx: with_filters(ctx, 255).take(5))) == 1


def test_257th_filter_is_refused_by_the_builder(deployment: Emulator) -> None:
    with pytest.raises(ThrownError, match=r"^Can't construct query with more than 256 operators$"):
        deployment.run(lambda ctx: with_filters(ctx, 257))


# `take` is an operator too, which only the deployment counts.
def test_take_after_256_filters_is_refused_by_the_deployment(deployment: Emulator) -> None:
    text = r"^Invalid argument `query` for `queryStream`: Query has too many operators: 257$"
    with pytest.raises(DeploymentError, match=text) as caught:
        deployment.run(lambda ctx: with_filters(ctx, 256).take(5))

    assert caught.value.code == "InvalidArgument"


# Reuse


def test_first_query_object_can_be_used_any_number_of_times(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    def body(ctx: Any) -> list[int]:
        table = ctx.db.query("rows")
        return [len(table.collect()), len(table.order("desc").collect()), len(table.take(1)), len(list(table))]

    assert deployment.run(body) == [3, 3, 1, 3]


def test_order_can_be_given_once(deployment: Emulator) -> None:
    with pytest.raises(ThrownError, match=r"^Queries may only specify order at most once$"):
        deployment.run(lambda ctx: ctx.db.query("rows").order("asc").order("asc"))


USES: dict[str, Body] = {
    "collect": lambda query: query.collect(),
    "take": lambda query: query.take(1),
    "first": lambda query: query.first(),
    "unique": lambda query: query.unique(),
    "paginate": lambda query: query.paginate({"numItems": 1, "cursor": None}),
    "filter": lambda query: query.filter(lambda q: True),
    "order": lambda query: query.order("desc"),
    "iterate": lambda query: next(iter(query)),
}


# `take(n)` is `limit(n).collect()` and `paginate` takes the query over: both chain, as filter and order do.
@pytest.mark.parametrize(
    ("before", "use"),
    [
        ("filter", "filter"),
        ("order", "filter"),
        ("collect", "order"),
        ("iterate", "filter"),
        ("filter", "take"),
        ("collect", "take"),
        ("collect", "first"),
        ("take", "unique"),
        ("iterate", "paginate"),
        ("collect", "paginate"),
    ],
)
def test_used_query_cannot_be_chained(deployment: Emulator, before: str, use: str) -> None:
    insert_rows(deployment, 1)

    def body(ctx: Any) -> None:
        query = ctx.db.query("rows").with_index("by_n")
        _kept = USES[before](query)
        with pytest.raises(ThrownError, match=f"^{re.escape(CHAINED_ONCE)}$"):
            USES[use](query)

    deployment.run(body)


@pytest.mark.parametrize(
    ("before", "text"),
    [("filter", CHAINED), ("order", CHAINED), ("take", CHAINED), ("paginate", CHAINED), ("collect", CLOSED)],
)
@pytest.mark.parametrize("use", ["collect", "iterate"])
def test_used_query_cannot_be_read(deployment: Emulator, before: str, text: str, use: str) -> None:
    insert_rows(deployment, 1)

    def body(ctx: Any) -> None:
        query = ctx.db.query("rows").with_index("by_n")
        USES[before](query)
        with pytest.raises(ThrownError, match=f"^{re.escape(text)}$"):
            USES[use](query)

    deployment.run(body)


def test_iteration_can_begin_once(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    def body(ctx: Any) -> None:
        query = ctx.db.query("rows").with_index("by_n")
        iterator = iter(query)
        next(iterator)
        with pytest.raises(ThrownError, match=f"^{re.escape(ITERATED)}$"):
            next(iter(query))

    deployment.run(body)


# `break` in a loop returns the iterator, which closes the query.
def test_query_left_in_the_middle_is_closed(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    def body(ctx: Any) -> None:
        query = ctx.db.query("rows").with_index("by_n")
        for _ in query:
            break
        with pytest.raises(ThrownError, match=f"^{re.escape(CLOSED)}$"):
            query.collect()

    deployment.run(body)


def test_query_read_to_its_end_is_closed(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    def body(ctx: Any) -> None:
        query = ctx.db.query("rows").with_index("by_n")
        assert len(list(query)) == 3
        with pytest.raises(ThrownError, match=f"^{re.escape(CLOSED)}$"):
            query.collect()

    deployment.run(body)


# Laziness: rows are fetched in batches of 100, and a batch that reaches the end is the last


def test_writes_during_a_loop_over_few_rows_are_not_seen(deployment: Emulator) -> None:
    insert_rows(deployment, 99)

    def body(ctx: Any) -> list[int]:
        seen: list[Any] = []
        for row in ctx.db.query("rows").with_index("by_n"):
            if not seen:
                ctx.db.insert("rows", {"n": 1000})
                ctx.db.delete(ctx.db.query("rows").with_index("by_n", lambda q: q.eq("n", 50)).first()["_id"])
            seen.append(row)
        return numbers(seen)

    assert deployment.run(body) == list(range(99))


def test_writes_behind_the_last_row_fetched_are_seen(deployment: Emulator) -> None:
    insert_rows(deployment, 150)

    def body(ctx: Any) -> list[int]:
        seen: list[Any] = []
        for row in ctx.db.query("rows").with_index("by_n"):
            if not seen:
                ctx.db.insert("rows", {"n": 99.5})
                ctx.db.insert("rows", {"n": 1000})
                ctx.db.delete(ctx.db.query("rows").with_index("by_n", lambda q: q.eq("n", 120)).first()["_id"])
            seen.append(row)
        return [row["n"] for row in seen]

    expected = [*range(100), 99.5, *range(100, 120), *range(121, 150), 1000]
    assert deployment.run(body) == expected


def test_inserts_inside_the_batch_that_was_fetched_are_not_seen(deployment: Emulator) -> None:
    insert_rows(deployment, 150)

    def body(ctx: Any) -> list[float]:
        seen: list[Any] = []
        for row in ctx.db.query("rows").with_index("by_n"):
            if not seen:
                ctx.db.insert("rows", {"n": 98.5})
            seen.append(row["n"])
        return seen

    assert 98.5 not in deployment.run(body)


def test_rows_fetched_come_out_in_the_version_that_was_fetched(deployment: Emulator) -> None:
    insert_rows(deployment, 3)

    def body(ctx: Any) -> list[Any]:
        seen: list[Any] = []
        rows = ctx.db.query("rows").collect()
        for row in ctx.db.query("rows"):
            if not seen:
                ctx.db.delete(rows[1]["_id"])
                ctx.db.patch(rows[2]["_id"], {"n": 7})
            seen.append(row)
        return [numbers(seen), numbers(ctx.db.query("rows").collect())]

    assert deployment.run(body) == [[0, 1, 2], [0, 7]]


def test_descending_loop_sees_what_lies_before_the_last_row_fetched(deployment: Emulator) -> None:
    insert_rows(deployment, 150)

    def body(ctx: Any) -> list[float]:
        seen: list[Any] = []
        for row in ctx.db.query("rows").with_index("by_n").order("desc"):
            if not seen:
                ctx.db.insert("rows", {"n": -5})
                ctx.db.insert("rows", {"n": 140.5})
            seen.append(row["n"])
        return seen

    assert deployment.run(body) == [float(n) for n in [*range(149, -1, -1), -5]]


def test_query_begun_after_a_write_sees_it(deployment: Emulator) -> None:
    def body(ctx: Any) -> int:
        query = ctx.db.query("rows").with_index("by_n")
        ctx.db.insert("rows", {"n": 1})
        return len(query.collect())

    assert deployment.run(body) == 1


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201, 250])
def test_batches_lose_and_repeat_nothing(deployment: Emulator, count: int) -> None:
    insert_rows(deployment, count)

    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").collect())) == list(range(count))
    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows"))) == list(range(count))
    assert deployment.run(lambda ctx: numbers(ctx.db.query("rows").order("desc"))) == list(range(count))[::-1]


def test_collect_over_the_limit_returns_nothing_and_can_be_caught() -> None:
    with Emulator(SCHEMA, limits=Limits(documents_read_max=3), seed=1, clock=ManualClock()) as emulator:
        insert_rows(emulator, 5)

        def body(ctx: Any) -> str:
            with pytest.raises(LimitReached, match="Too many documents read"):
                ctx.db.query("rows").collect()
            return "caught"

        assert emulator.run(body) == "caught"


# Operators in other orders than Python's builder can write, as they come over the wire


def above(n: float) -> Expression:
    return Comparison("gt", FieldReference(("n",)), Literal(n))


@pytest.mark.parametrize(
    ("operators", "found"),
    [
        ((3,), [0, 1, 2]),
        ((above(1.0), 2), [2, 3]),
        ((3, above(1.0)), [2]),
        ((4, above(0.0), 2), [1, 2]),
        ((2, 4), [0, 1]),
        ((4, 2), [0, 1]),
        ((0, above(0.0)), []),
    ],
)
def test_filters_and_limits_apply_in_their_order(
    transaction: Transaction, operators: tuple[Expression | int, ...], found: list[int]
) -> None:
    rows = transaction.query(Query("rows", "by_n", operators=operators)).collect()

    assert numbers(row.value for row in rows) == found


# What a query has read, which subscriptions and conflicts depend on


@pytest.fixture
def transaction() -> Transaction:
    """Rows n = 0 to 4, read by nobody yet."""
    store = Store(SCHEMA)
    ids = IdSource(1)
    writing = Transaction(store, Limits(), 10**18, ids)
    for n in range(5):
        writing.insert("rows", {"n": n})
    return Transaction(store, Limits(), 10**18 + 1, ids)


def keys_read(transaction: Transaction, index: str) -> list[int]:
    """The n of the rows whose key in that index was read."""
    table = transaction.store.table("rows")
    assert table is not None
    keys = list(table.indexes[index].keys(b"", None))
    return [n for n, key in enumerate(keys) if transaction.read_set.contains("rows", index, key)]


def test_row_that_was_consumed_was_read_and_none_behind_it(transaction: Transaction) -> None:
    rows = RowStream(transaction, Query("rows", "by_n"))
    rows.next()
    rows.next()

    assert keys_read(transaction, "by_n") == [0, 1]


def test_row_consumed_in_descending_order_was_read_and_none_before_it(transaction: Transaction) -> None:
    rows = RowStream(transaction, Query("rows", "by_n", descending=True))
    rows.next()
    rows.next()

    assert keys_read(transaction, "by_n") == [3, 4]


def test_range_read_to_its_end_was_read_where_no_row_is(transaction: Transaction) -> None:
    transaction.query(Query("rows", "by_n")).collect()

    assert transaction.read_set.contains("rows", "by_n", b"\x01")
    assert transaction.read_set.contains("rows", "by_n", b"\x15")


def test_scan_of_a_missing_table_was_read(transaction: Transaction) -> None:
    transaction.query(Query("nope")).collect()

    assert transaction.read_set.contains("nope", "by_creation_time", b"\x0d")


def test_document_that_was_not_found_was_read(transaction: Transaction) -> None:
    transaction.get("j5700000000000000000000000001qv0")

    assert transaction.read_set.contains("rows", "by_id", b"\x10j5700000000000000000000000001qv0\0")

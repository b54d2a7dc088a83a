"""What a call tells about its queries: index, rows read against rows returned, and whether one scans a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, EmulatorError, Limits, action, mutation, query
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.usage import QUERIES_KEPT_MAX, QueryUsage, Usage

SCHEMA = define_schema(
    {
        "notes": define_table({"topic": v.string(), "n": v.float64(), "body": v.string(), "at": v.array(v.float64())})
        .index("by_topic", ["topic"])
        .search_index("by_body", search_field="body")
        .vector_index("by_at", vector_field="at", dimensions=2)
    }
)
ALL = "by_creation_time"


def fill(ctx: MutationContext) -> None:
    for number in range(10):
        topic = "even" if number % 2 == 0 else "odd"
        ctx.db.insert("notes", {"topic": topic, "n": float(number), "body": f"note {number}", "at": [1.0, number]})


@pytest.fixture
def notes() -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1) as emulator:
        emulator.run(fill)
        yield emulator


def usage_of(emulator: Emulator, body: Callable[[Any], Any]) -> Usage:
    emulator.define("test:run", query(lambda ctx, args: body(ctx) and None))
    emulator.query("test:run")
    return emulator.usage


def only_query_of(emulator: Emulator, body: Callable[[Any], Any]) -> QueryUsage:
    [found] = usage_of(emulator, body).queries
    return found


def topic(name: str) -> Callable[[Any], Any]:
    return lambda q: q.eq("topic", name)


def test_query_of_a_range_reads_what_it_returns(notes: Emulator) -> None:
    found = only_query_of(notes, lambda ctx: ctx.db.query("notes").with_index("by_topic", topic("even")).collect())

    assert found[:4] == ("notes", "by_topic", 5, 5)
    assert found.bytes_read == notes.usage.read_size > 0
    assert (found.has_range, found.is_table_scan, found.kind, found.filtered_by) == (True, False, "database", ())


# The question a slow call raises: what was read for nothing, and by which field it could have been found.
def test_rows_a_filter_drops_are_read_and_not_returned(notes: Emulator) -> None:
    found = only_query_of(
        notes, lambda ctx: ctx.db.query("notes").filter(lambda q: q.lt(q.field("n"), 3.0)).order("desc").collect()
    )

    assert (found.index, found.rows_read, found.rows_returned) == (ALL, 10, 3)
    assert found.filtered_by == ("n",)


SCANS: dict[str, Callable[[Any], Any]] = {
    "collect": lambda table: table.collect(),
    "collect of an index without a range": lambda table: table.with_index("by_topic").collect(),
    "iteration to the end": list,
    "filter and collect": lambda table: table.filter(lambda q: q.eq(q.field("n"), 3.0)).collect(),
    "filter that drops nothing": lambda table: table.filter(lambda q: q.gte(q.field("n"), 0.0)).collect(),
    "filter and first": lambda table: table.filter(lambda q: q.eq(q.field("n"), 0.0)).first(),
    "filter and page": lambda table: table.filter(lambda q: q.eq(q.field("n"), 3.0)).paginate(
        {"numItems": 2.0, "cursor": None}
    ),
}
NO_SCANS: dict[str, Callable[[Any], Any]] = {
    "take": lambda table: table.take(3),
    "take of more than there is": lambda table: table.take(100),
    "first": lambda table: table.first(),
    "page": lambda table: table.paginate({"numItems": 3.0, "cursor": None}),
    "page of all": lambda table: table.paginate({"numItems": 100.0, "cursor": None}),
    "iteration that stops": lambda table: next(iter(table)),
    "range": lambda table: table.with_index("by_topic", topic("odd")).collect(),
    "range with a filter": lambda table: (
        table.with_index("by_topic", topic("odd")).filter(lambda q: q.eq(q.field("n"), 3.0)).collect()
    ),
    "search": lambda table: table.with_search_index("by_body", lambda q: q.search("body", "note")).collect(),
    "search with a filter": lambda table: (
        table.with_search_index("by_body", lambda q: q.search("body", "note"))
        .filter(lambda q: q.eq(q.field("n"), 3.0))
        .collect()
    ),
}


@pytest.mark.parametrize("read", SCANS.values(), ids=SCANS)
def test_table_scans(notes: Emulator, read: Callable[[Any], Any]) -> None:
    assert only_query_of(notes, lambda ctx: read(ctx.db.query("notes"))).is_table_scan


@pytest.mark.parametrize("read", NO_SCANS.values(), ids=NO_SCANS)
def test_no_table_scans(notes: Emulator, read: Callable[[Any], Any]) -> None:
    assert not only_query_of(notes, lambda ctx: read(ctx.db.query("notes"))).is_table_scan


# A table is empty in most tests and large in production: the query is the same.
@pytest.mark.parametrize("table", ["notes", "never_written"])
def test_scan_of_an_empty_table_is_one(table: str) -> None:
    emulator = Emulator(SCHEMA)

    found = only_query_of(emulator, lambda ctx: ctx.db.query(table).collect())

    assert (found.table, found.rows_read, found.is_table_scan) == (table, 0, True)


# The whole query of the table is what has to change; that it also ran into a limit must not hide it.
def test_scan_that_reaches_a_limit_is_still_told() -> None:
    emulator = Emulator(SCHEMA, limits=Limits(documents_read_max=4))
    emulator.run(fill)

    with pytest.raises(EmulatorError, match="Too many documents read"):
        usage_of(emulator, lambda ctx: ctx.db.query("notes").collect())

    [found] = emulator.usage.queries
    assert (found.rows_read, found.rows_returned, found.is_table_scan) == (5, 0, True)


# Tables of the deployment itself have no indexes anybody could use.
def test_query_of_a_system_table_is_free_and_no_scan(notes: Emulator) -> None:
    notes.define("test:later", mutation(lambda ctx, args: None))
    notes.run(lambda ctx: ctx.scheduler.run_after(10, "test:later"))

    found = only_query_of(notes, lambda ctx: ctx.db.system.query("_scheduled_functions").collect())

    assert found[:5] == ("_scheduled_functions", ALL, 1, 1, 0)
    assert not found.is_table_scan
    assert notes.usage.documents_read == 0


def test_iteration_counts_what_was_asked_for(notes: Emulator) -> None:
    found = only_query_of(notes, lambda ctx: [row for row, _ in zip(ctx.db.query("notes"), range(3), strict=False)])

    # `zip` takes a fourth row before it sees that there are three numbers.
    assert (found.rows_read, found.rows_returned) == (4, 4)


def test_page_counts_what_it_read(notes: Emulator) -> None:
    found = only_query_of(notes, lambda ctx: ctx.db.query("notes").paginate({"numItems": 4.0, "cursor": None}))

    assert (found.rows_read, found.rows_returned, found.bytes_read) == (4, 4, notes.usage.read_size)


def test_text_search_is_told_by_its_kind(notes: Emulator) -> None:
    found = only_query_of(
        notes, lambda ctx: ctx.db.query("notes").with_search_index("by_body", lambda q: q.search("body", "3")).take(5)
    )

    assert (found.kind, found.index, found.rows_read, found.rows_returned) == ("text", "by_body", 1, 1)
    assert found.bytes_read == notes.usage.read_size
    assert notes.usage.gets == 0


def test_gets_are_counted_apart(notes: Emulator) -> None:
    note = notes.run(lambda ctx: ctx.db.query("notes").take(1)[0]["_id"])
    gone = notes.run(lambda ctx: ctx.db.insert("notes", {"topic": "x", "n": 1.0, "body": "", "at": []}))
    notes.run(lambda ctx: ctx.db.delete(gone))

    usage = usage_of(notes, lambda ctx: [ctx.db.get(note), ctx.db.get(gone), ctx.db.get("notes", note)])

    assert (usage.gets, usage.documents_read, usage.queries) == (3, 2, ())


def test_queries_of_nested_calls_belong_to_the_call(notes: Emulator) -> None:
    notes.define("test:inner", query(lambda ctx, args: len(ctx.db.query("notes").take(2))))

    usage = usage_of(notes, lambda ctx: [ctx.run_query("test:inner"), ctx.run_query("test:inner")])

    assert [found.rows_read for found in usage.queries] == [2, 2]


def queries_of_so_many(emulator: Emulator, count: int) -> tuple[int, int]:
    usage = usage_of(emulator, lambda ctx: [ctx.db.query("notes").first() for _ in range(count)])
    return len(usage.queries), usage.queries_dropped


def test_queries_are_kept_up_to_a_number_and_counted_beyond(notes: Emulator) -> None:
    assert queries_of_so_many(notes, QUERIES_KEPT_MAX) == (QUERIES_KEPT_MAX, 0)
    assert queries_of_so_many(notes, QUERIES_KEPT_MAX + 1) == (QUERIES_KEPT_MAX, 1)


def run_in_action(emulator: Emulator, body: Callable[[Any], Any]) -> Usage:
    emulator.define("test:act", action(lambda ctx, args: body(ctx) and None))
    emulator.action("test:act")
    return emulator.usage


def define_counting(emulator: Emulator) -> None:
    emulator.define("test:count", query(lambda ctx, args: len(ctx.db.query("notes").collect())))
    emulator.define("test:add", mutation(lambda ctx, args: ctx.db.insert("notes", args)))


# An action has no transaction; what it costs is what those it starts cost.
def test_usage_of_an_action_is_that_of_its_transactions(notes: Emulator) -> None:
    define_counting(notes)
    note = {"topic": "x", "n": 1.0, "body": "b", "at": []}

    usage = run_in_action(
        notes,
        lambda ctx: [ctx.run_query("test:count"), ctx.run_mutation("test:add", note), ctx.run_query("test:count")],
    )

    assert (usage.documents_read, usage.documents_written) == (21, 1)
    assert [(found.rows_read, found.is_table_scan) for found in usage.queries] == [(10, True), (11, True)]
    assert usage.largest_document is not None


def test_usage_of_an_action_holds_that_of_actions_it_calls_and_of_calls_that_fail(notes: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.db.query("notes").take(2)
        raise ValueError("no")

    def call_both(ctx: Any, args: Any) -> None:
        with pytest.raises(EmulatorError, match="no"):
            ctx.run_query("test:fail")
        ctx.run_query("test:count")

    define_counting(notes)
    notes.define("test:fail", query(fail))
    notes.define("test:both", action(call_both))

    usage = run_in_action(notes, lambda ctx: [ctx.run_action("test:both")])

    assert usage.documents_read == 12


# Each transaction has the allowance to itself, as on a deployment: together they may be above it.
def test_limits_hold_for_each_transaction_of_an_action_alone() -> None:
    emulator = Emulator(SCHEMA, limits=Limits(documents_read_max=10))
    emulator.run(fill)
    define_counting(emulator)

    usage = run_in_action(emulator, lambda ctx: [ctx.run_query("test:count") for _ in range(3)])

    assert usage.documents_read == 30


def test_vector_search_is_told_by_its_kind(notes: Emulator) -> None:
    usage = run_in_action(notes, lambda ctx: ctx.vector_search("notes", "by_at", vector=[1.0, 0.0], limit=4))

    assert usage.queries == (QueryUsage("notes", "by_at", rows_returned=4, kind="vector"),)
    assert usage.documents_read == 0


def test_queries_of_an_action_are_kept_up_to_the_same_number(notes: Emulator) -> None:
    notes.define(
        "test:many", query(lambda ctx, args: [None for _ in range(600) if ctx.db.query("notes").first()] and None)
    )

    usage = run_in_action(notes, lambda ctx: [ctx.run_query("test:many") for _ in range(2)])

    assert (len(usage.queries), usage.queries_dropped, usage.documents_read) == (1000, 200, 1200)

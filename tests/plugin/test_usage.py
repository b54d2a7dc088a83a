"""`convex_usage`: what calls read and wrote, and failures that say which query of which call, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, action, mutation, query
from convex_mastra_emulator.journal import ENTRIES_MAX
from convex_mastra_emulator.runtime.context import MutationContext
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.usage import QUERIES_KEPT_MAX
from pytest_mastra_convex.usage import UsageOfTest

SCHEMA = define_schema(
    {
        "notes": define_table({"topic": v.string(), "n": v.float64(), "body": v.string(), "at": v.array(v.float64())})
        .index("by_topic", ["topic"])
        .search_index("by_body", search_field="body", filter_fields=["topic"])
        .vector_index("by_at", vector_field="at", dimensions=2)
    }
)


def of_topic(table: Any, topic: str) -> Any:
    return table.with_index("by_topic", lambda q: q.eq("topic", topic))


def fill(ctx: MutationContext) -> None:
    for number in range(10):
        row = {"topic": "even" if number % 2 == 0 else "odd", "n": float(number), "body": "word", "at": [1.0, 0.0]}
        ctx.db.insert("notes", row)


FUNCTIONS = {
    "notes:all": query(lambda ctx, args: len(ctx.db.query("notes").collect())),
    "notes:even": query(lambda ctx, args: len(of_topic(ctx.db.query("notes"), "even").collect())),
    "notes:unranged": query(lambda ctx, args: len(ctx.db.query("notes").with_index("by_topic").take(2))),
    "notes:filtered": query(
        lambda ctx, args: len(ctx.db.query("notes").filter(lambda q: q.eq(q.field("n"), args["n"])).collect())
    ),
    "notes:inRange": query(
        lambda ctx, args: len(
            of_topic(ctx.db.query("notes"), "even").filter(lambda q: q.eq(q.field("n"), 2.0)).collect()
        )
    ),
    "notes:found": query(
        lambda ctx, args: len(
            ctx.db.query("notes")
            .with_search_index("by_body", lambda q: q.search("body", "word"))
            .filter(lambda q: q.eq(q.field("n"), 1.0))
            .collect()
        )
    ),
    "notes:near": action(lambda ctx, args: len(ctx.vector_search("notes", "by_at", vector=[1.0, 0.0]))),
    "notes:add": mutation(lambda ctx, args: [ctx.db.insert("notes", args) for _ in range(2)] and None),
    "notes:many": query(lambda ctx, args: [ctx.db.query("notes").first() for _ in range(int(args["count"]))] and None),
}


@pytest.fixture
def convex() -> Iterator[Emulator]:
    with Emulator(SCHEMA, seed=1) as emulator:
        emulator.run(fill)
        for path, function in FUNCTIONS.items():
            emulator.define(path, function)
        yield emulator


@pytest.fixture
def usage(convex: Emulator) -> UsageOfTest:
    return UsageOfTest(convex)


def text_of(caught: pytest.ExceptionInfo[AssertionError]) -> str:
    return str(caught.value)


def test_last_and_calls(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:all")
    convex.query("notes:even")

    assert usage.last.documents_read == 5
    assert [entry.path for entry in usage.calls] == ["notes:all", "notes:even"]


def test_reads_up_to_a_number_pass_and_beyond_fail(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:even")
    size = usage.last.read_size

    usage.assert_reads(documents_max=5, bytes_max=size, ranges_max=1)

    with pytest.raises(AssertionError, match=r"^5 documents read, at most 4 expected, by: query notes:even \{\} -> 5"):
        usage.assert_reads(documents_max=4)
    with pytest.raises(AssertionError, match=rf"^{size:,} bytes read, at most {size - 1:,} expected"):
        usage.assert_reads(bytes_max=size - 1)
    with pytest.raises(AssertionError, match=r"^1 index ranges read, at most 0 expected"):
        usage.assert_reads(ranges_max=0)


# Whoever sees the failure should not have to look for the query.
def test_too_many_reads_show_the_queries_and_what_would_help(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:filtered", {"n": 3})
    size = usage.last.read_size

    with pytest.raises(AssertionError) as caught:
        usage.assert_reads(documents_max=3)

    assert text_of(caught).splitlines()[1:] == [
        f"  notes through by_creation_time: 10 read, 1 returned, {size:,} bytes; "
        "an index on [n] with a range would read what is returned"
    ]


def test_writes_up_to_a_number_pass_and_beyond_fail(convex: Emulator, usage: UsageOfTest) -> None:
    convex.mutation("notes:add", {"topic": "x", "n": 1, "body": "b", "at": []})
    size = usage.last.written_size

    usage.assert_writes(documents_max=2, bytes_max=size)

    with pytest.raises(AssertionError, match=r"^2 documents written, at most 1 expected, by: mutation notes:add"):
        usage.assert_writes(documents_max=1)
    with pytest.raises(AssertionError, match=rf"^{size:,} bytes written, at most {size - 1:,} expected"):
        usage.assert_writes(bytes_max=size - 1)


def test_any_call_counts_or_only_the_last(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:all")
    convex.query("notes:even")

    usage.assert_reads(documents_max=5, only_last=True)
    usage.assert_no_table_scan(only_last=True)
    with pytest.raises(AssertionError, match="query notes:all"):
        usage.assert_reads(documents_max=5)
    with pytest.raises(AssertionError, match="query notes:all"):
        usage.assert_no_table_scan()


def test_no_table_scan(convex: Emulator, usage: UsageOfTest) -> None:
    for path in ("notes:even", "notes:inRange", "notes:unranged", "notes:found"):
        convex.query(path)
    convex.action("notes:near")

    usage.assert_no_table_scan()


def test_table_scan_is_shown_with_what_would_help(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:all")

    with pytest.raises(AssertionError) as caught:
        usage.assert_no_table_scan()

    first, second = text_of(caught).splitlines()
    assert first.startswith("table scan by: query notes:all {} -> 10")
    assert "notes through by_creation_time: 10 read, 10 returned" in second
    assert second.endswith("; a range of an index, take(n) or paginate would bound it")


# In the test the table is empty, in production it holds a million rows.
def test_scan_of_an_empty_table_fails() -> None:
    emulator = Emulator(SCHEMA)
    emulator.define("notes:all", FUNCTIONS["notes:all"])
    emulator.query("notes:all")

    with pytest.raises(AssertionError, match="0 read, 0 returned"):
        UsageOfTest(emulator).assert_no_table_scan()


def test_scan_inside_an_action_fails(convex: Emulator, usage: UsageOfTest) -> None:
    convex.define("notes:act", action(lambda ctx, args: ctx.run_query("notes:all")))
    convex.action("notes:act")

    with pytest.raises(AssertionError, match=r"^table scan by: action notes:act"):
        usage.assert_no_table_scan()


def test_filter_behind_a_range_and_behind_a_search_have_advice_of_their_own(
    convex: Emulator, usage: UsageOfTest
) -> None:
    convex.query("notes:inRange")
    with pytest.raises(AssertionError, match=r"a range of by_topic: 5 read, 1 .*; an index that goes on with \[n\]"):
        usage.assert_reads(documents_max=1)

    convex.query("notes:found")
    with pytest.raises(AssertionError, match=r"text search of notes through by_body: 10 read.*; n could be filter"):
        usage.assert_reads(documents_max=1, only_last=True)


def test_index_that_was_used(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:even")
    convex.query("notes:found")
    convex.action("notes:near")

    for index in ("by_topic", "by_body", "by_at"):
        usage.assert_index_used("notes", index)


# Order by an index is not what an index is for: without a range it is read from its beginning.
def test_index_without_a_range_does_not_count(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:unranged")

    with pytest.raises(AssertionError) as caught:
        usage.assert_index_used("notes", "by_topic")

    assert text_of(caught).startswith(
        "no query used a range of the index by_topic of notes; there were:\n  notes through"
    )


def test_index_of_a_table_nobody_asked_for(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:all")

    with pytest.raises(AssertionError, match=r"of other; there were none$"):
        usage.assert_index_used("other", "by_x")
    with pytest.raises(AssertionError, match="by_topic"):
        usage.assert_index_used("notes", "by_topic", only_last=True)


def test_last_call_needs_one(usage: UsageOfTest) -> None:
    usage.assert_no_table_scan()

    with pytest.raises(AssertionError, match="there was no call yet"):
        usage.assert_no_table_scan(only_last=True)


# An assertion about all calls that saw some of them would be worse than none.
def test_calls_that_are_no_longer_kept_are_no_silent_pass(convex: Emulator, usage: UsageOfTest) -> None:
    for _ in range(ENTRIES_MAX):
        convex.query("notes:even")
    usage.assert_no_table_scan()

    convex.query("notes:even")

    with pytest.raises(AssertionError, match=r"the first 1 calls of the test are no longer kept"):
        usage.assert_no_table_scan()
    usage.assert_no_table_scan(only_last=True)


@pytest.mark.parametrize(("count", "is_told"), [(QUERIES_KEPT_MAX, True), (QUERIES_KEPT_MAX + 1, False)])
def test_queries_that_are_not_told_are_no_silent_pass(
    convex: Emulator, usage: UsageOfTest, count: int, is_told: bool
) -> None:
    convex.query("notes:many", {"count": count})

    if is_told:
        usage.assert_no_table_scan()
    else:
        with pytest.raises(AssertionError, match=r"^1 queries are not told one by one"):
            usage.assert_no_table_scan()


def test_many_queries_are_shown_in_part(convex: Emulator, usage: UsageOfTest) -> None:
    convex.query("notes:many", {"count": 25})

    with pytest.raises(AssertionError) as caught:
        usage.assert_reads(documents_max=3)

    lines = text_of(caught).splitlines()
    assert (len(lines), lines[-1]) == (12, "  … and 15 more queries")

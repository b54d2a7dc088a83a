"""The allowance of a transaction and what counts against it: convex-engine.md §5.6."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, Limits, ManualClock, mutation, query
from convex_mastra_emulator.errors import ErrorKind, LimitReached, NonexistentDocument, ThrownError
from convex_mastra_emulator.schema import define_schema, define_table, v
from convex_mastra_emulator.usage import Usage
from convex_mastra_emulator.values.ids import encode_id

Body = Callable[[Any], Any]

SCHEMA = define_schema({"rows": define_table(v.any()).index("by_n", ["n"])})
HELP = (
    "Consider using smaller limits in your queries, paginating your queries, "
    "or using indexed queries with a selective index range expressions."
)
MISSING_ID = encode_id(10001, bytes(16))
# `{n: 1.0}` with its system fields.
ROW_SIZE = 63 + 1 + 1 + 9


def deployment_with(limits: Limits | None = None, *, rows: int = 0) -> Emulator:
    emulator = Emulator(SCHEMA, limits=limits, seed=1, clock=ManualClock())
    emulator.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in range(rows)])
    return emulator


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    """Ten rows, n = 0 to 9."""
    with deployment_with(rows=10) as emulator:
        yield emulator


def used(emulator: Emulator, body: Body) -> Usage:
    """What a mutation with that body uses."""
    emulator.define("t:body", mutation(lambda ctx, args: body(ctx) and None))
    emulator.mutation("t:body")
    return emulator.usage


def row_id(ctx: Any, n: int) -> str:
    document_id: str = ctx.db.query("rows").with_index("by_n", lambda q: q.eq("n", n)).first()["_id"]
    return document_id


def refused(code: str, text: str, emulator: Emulator, body: Body) -> None:
    with pytest.raises(LimitReached, match=f"^{re.escape(text)}$") as caught:
        emulator.run(body)
    assert caught.value.code == code
    assert caught.value.kind is ErrorKind.PAGINATION_LIMIT


# The real numbers, on both sides


def test_32_000_documents_can_be_read_and_no_more() -> None:
    def read(times: int) -> Body:
        def body(ctx: Any) -> None:
            document_id = ctx.db.query("rows").first()["_id"]
            for _ in range(times - 1):
                ctx.db.get(document_id)

        return body

    with deployment_with(rows=1) as emulator:
        emulator.run(read(32_000))
        text = f"Too many documents read in a single function execution (limit: 32000). {HELP}"
        refused("TooManyDocumentsRead", text, emulator, read(32_001))


def test_16_mib_can_be_read_and_no_more() -> None:
    def read(times: int) -> Body:
        return lambda ctx: [ctx.db.get(large) for _ in range(times)]

    with deployment_with() as emulator:
        large = emulator.run(lambda ctx: ctx.db.insert("rows", {"a": "x" * 1_048_509}))
        emulator.run(read(16))
        text = f"Too many bytes read in a single function execution (limit: 16777216 bytes). {HELP}"
        refused("TooManyBytesRead", text, emulator, read(17))


def test_4096_ranges_can_be_read_and_no_more() -> None:
    def read(times: int) -> Body:
        return lambda ctx: [ctx.db.get(encode_id(10001, n.to_bytes(16))) for n in range(times)]

    with deployment_with() as emulator:
        emulator.run(read(4096))
        text = f"Too many reads in a single function execution (limit: 4096). {HELP}"
        refused("TooManyReads", text, emulator, read(4097))


def test_16_000_writes_can_be_made_and_no_more() -> None:
    def write(times: int) -> Body:
        def body(ctx: Any) -> None:
            document_id = ctx.db.insert("rows", {})
            for n in range(times - 1):
                ctx.db.patch(document_id, {"n": n})

        return body

    with deployment_with() as emulator:
        emulator.run(write(16_000))
        text = "Too many writes in a single function execution (limit: 16000)"
        refused("TooManyWrites", text, emulator, write(16_001))


def test_16_mib_can_be_written_and_no_more() -> None:
    def write(times: int) -> Body:
        return lambda ctx: [ctx.db.insert("rows", {"a": "x" * 1_048_509}) for _ in range(times)]

    with deployment_with() as emulator:
        emulator.run(write(16))
        text = "Too many bytes written in a single function execution (limit: 16 MiB)"
        refused("TooManyBytesWritten", text, emulator, write(17))


# What counts as read


def test_documents_of_a_scan_count_with_their_sizes(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.query("rows").collect())

    assert (usage.documents_read, usage.read_size) == (10, 10 * ROW_SIZE)


# mastra-ai/mastra#13533: a filter reads every row it drops.
def test_documents_a_filter_drops_count(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.query("rows").filter(lambda q: q.eq(q.field("n"), 5)).collect())

    assert (usage.documents_read, usage.read_size) == (10, 10 * ROW_SIZE)


def test_filter_before_take_reads_up_to_the_last_document_taken(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.query("rows").filter(lambda q: q.gte(q.field("n"), 5)).take(2))

    assert usage.documents_read == 7


def test_index_range_reads_only_what_it_finds(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.query("rows").with_index("by_n", lambda q: q.gte("n", 8)).collect())

    assert usage.documents_read == 2


def test_documents_fetched_ahead_do_not_count(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: next(iter(ctx.db.query("rows"))))

    assert (usage.documents_read, usage.read_size) == (1, ROW_SIZE)


@pytest.mark.parametrize(("take", "count"), [(0, 0), (1, 1), (3, 3), (99, 10)])
def test_take_reads_as_many_as_it_takes(deployment: Emulator, take: int, count: int) -> None:
    assert used(deployment, lambda ctx: ctx.db.query("rows").take(take)).documents_read == count


def test_first_and_unique_read_one_and_two(deployment: Emulator) -> None:
    def unique(ctx: Any) -> None:
        with pytest.raises(ThrownError, match="more than one"):
            ctx.db.query("rows").unique()

    assert used(deployment, lambda ctx: ctx.db.query("rows").first()).documents_read == 1
    assert used(deployment, unique).documents_read == 2


def test_document_read_again_counts_again(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        document_id = ctx.db.query("rows").first()["_id"]
        ctx.db.get(document_id)
        ctx.db.get(document_id)

    assert used(deployment, body).documents_read == 3


def test_get_of_a_missing_document_counts_no_document_but_a_range(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.get(MISSING_ID))

    assert (usage.documents_read, usage.read_size, usage.read_ranges) == (0, 0, 1)


def test_get_of_a_table_that_does_not_exist_counts_nothing(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.get(encode_id(10_999, bytes(16))))

    assert (usage.documents_read, usage.read_ranges) == (0, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda ctx, document_id: ctx.db.patch(document_id, {"m": 1}),
        lambda ctx, document_id: ctx.db.replace(document_id, {"m": 1}),
        lambda ctx, document_id: ctx.db.delete(document_id),
    ],
    ids=["patch", "replace", "delete"],
)
def test_write_reads_the_document_it_changes(deployment: Emulator, write: Callable[[Any, str], Any]) -> None:
    document_id = deployment.run(lambda ctx: row_id(ctx, 3))

    usage = used(deployment, lambda ctx: write(ctx, document_id))

    assert (usage.documents_read, usage.read_size, usage.read_ranges) == (1, ROW_SIZE, 1)


def test_write_to_a_missing_document_reads_none(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        with pytest.raises(NonexistentDocument, match="nonexistent document"):
            ctx.db.delete(MISSING_ID)

    usage = used(deployment, body)

    assert (usage.documents_read, usage.documents_written) == (0, 0)


def test_insert_reads_nothing(deployment: Emulator) -> None:
    usage = used(deployment, lambda ctx: ctx.db.insert("rows", {}))

    assert (usage.documents_read, usage.read_ranges) == (0, 0)


def test_documents_of_a_page_count(deployment: Emulator) -> None:
    page = {"numItems": 4, "cursor": None}

    assert used(deployment, lambda ctx: ctx.db.query("rows").paginate(page)).documents_read == 4


# Ranges


def in_range(ctx: Any, low: float, high: float) -> Any:
    return ctx.db.query("rows").with_index("by_n", lambda q: q.gte("n", low).lte("n", high)).collect()


def test_each_document_got_is_one_range(deployment: Emulator) -> None:
    ids = deployment.run(lambda ctx: [row["_id"] for row in ctx.db.query("rows").collect()])

    assert used(deployment, lambda ctx: [ctx.db.get(document_id) for document_id in ids]).read_ranges == 10


def test_overlapping_ranges_merge(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        in_range(ctx, 1, 3)
        in_range(ctx, 2, 5)
        in_range(ctx, 1, 3)

    assert used(deployment, body).read_ranges == 1


def test_ranges_apart_are_counted_apart(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        in_range(ctx, 1, 2)
        in_range(ctx, 4, 5)

    assert used(deployment, body).read_ranges == 2


def test_range_between_two_joins_them(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        in_range(ctx, 1, 2)
        in_range(ctx, 4, 5)
        in_range(ctx, 2, 4)

    assert used(deployment, body).read_ranges == 1


def test_ranges_of_other_indexes_are_counted_apart(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        in_range(ctx, 0, 9)
        ctx.db.query("rows").collect()
        ctx.db.query("rows").with_index("by_id").collect()

    assert used(deployment, body).read_ranges == 3


def test_document_got_again_adds_no_range(deployment: Emulator) -> None:
    assert used(deployment, lambda ctx: [ctx.db.get(MISSING_ID), ctx.db.get(MISSING_ID)]).read_ranges == 1


# What counts as written


def test_each_write_counts_with_the_size_of_its_version(deployment: Emulator) -> None:
    def body(ctx: Any) -> None:
        document_id = ctx.db.insert("rows", {"n": 1})
        ctx.db.patch(document_id, {"s": "xx"})
        ctx.db.replace(document_id, {})

    usage = used(deployment, body)

    assert (usage.documents_written, usage.written_size) == (3, ROW_SIZE + (ROW_SIZE + 6) + 63)


def test_delete_counts_as_a_write_of_no_bytes(deployment: Emulator) -> None:
    document_id = deployment.run(lambda ctx: row_id(ctx, 3))

    usage = used(deployment, lambda ctx: ctx.db.delete(document_id))

    assert (usage.documents_written, usage.written_size) == (1, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda ctx, document_id: ctx.db.patch(document_id, {}),
        lambda ctx, document_id: ctx.db.patch(document_id, {"n": 3}),
        lambda ctx, document_id: ctx.db.replace(document_id, {"n": 3}),
    ],
    ids=["empty patch", "equal patch", "equal replace"],
)
def test_write_that_changes_nothing_is_none(deployment: Emulator, write: Callable[[Any, str], Any]) -> None:
    document_id = deployment.run(lambda ctx: row_id(ctx, 3))

    usage = used(deployment, lambda ctx: write(ctx, document_id))

    assert (usage.documents_written, usage.written_size) == (0, 0)


def test_new_table_costs_no_writes() -> None:
    with deployment_with(Limits(documents_written_max=1)) as emulator:
        assert used(emulator, lambda ctx: ctx.db.insert("fresh", {})).documents_written == 1


# Failing checks


def test_documents_stay_over_the_limit_once_they_are() -> None:
    def body(ctx: Any) -> None:
        with pytest.raises(LimitReached, match=r"^Too many documents read"):
            ctx.db.query("rows").collect()
        with pytest.raises(LimitReached, match=r"^Too many documents read"):
            ctx.db.query("rows").first()

    with deployment_with(Limits(documents_read_max=3), rows=5) as emulator:
        emulator.run(body)


def test_writes_stay_over_the_limit_once_they_are() -> None:
    def body(ctx: Any) -> None:
        first = ctx.db.insert("rows", {})
        ctx.db.insert("rows", {})
        with pytest.raises(LimitReached, match=r"^Too many writes"):
            ctx.db.insert("rows", {})
        with pytest.raises(LimitReached, match=r"^Too many writes"):
            ctx.db.delete(first)

    with deployment_with(Limits(documents_written_max=2)) as emulator:
        emulator.run(body)
        assert emulator.table_counts() == {"rows": 2}


def test_bytes_stay_over_the_limit_once_they_are() -> None:
    def body(ctx: Any) -> None:
        ctx.db.insert("rows", {"n": 1})
        with pytest.raises(LimitReached, match=r"^Too many bytes written .*\(limit: 100 bytes\)$"):
            ctx.db.insert("rows", {"n": 1})

    with deployment_with(Limits(written_size_max=100)) as emulator:
        emulator.run(body)


def test_refused_document_counts_no_write() -> None:
    def body(ctx: Any) -> None:
        for bad in ({"_x": 1}, {"_id": "x"}, {"a": "x" * 1_100_000}):
            with pytest.raises(Exception, match=r"underscore|doesn't match|too large"):
                ctx.db.insert("rows", bad)

    with deployment_with() as emulator:
        usage = used(emulator, body)

    assert (usage.documents_written, usage.written_size) == (0, 0)


def test_every_transaction_has_an_allowance_of_its_own() -> None:
    with deployment_with(Limits(documents_written_max=2)) as emulator:
        for _ in range(3):
            emulator.run(lambda ctx: [ctx.db.insert("rows", {}) for _ in range(2)])

        assert emulator.table_counts() == {"rows": 6}


# Nested calls


def test_nested_calls_share_the_allowance() -> None:
    with deployment_with(Limits(documents_read_max=5), rows=3) as emulator:
        emulator.define("t:read", query(lambda ctx, args: len(ctx.db.query("rows").collect())))

        def body(ctx: Any) -> None:
            assert ctx.run_query("t:read") == 3.0
            with pytest.raises(ThrownError, match="Too many documents read"):
                ctx.run_query("t:read")

        emulator.run(body)


def test_usage_includes_nested_calls(deployment: Emulator) -> None:
    deployment.define("t:read", query(lambda ctx, args: len(ctx.db.query("rows").collect())))
    deployment.define("t:write", mutation(lambda ctx, args: ctx.db.insert("rows", {"n": 1})))

    usage = used(deployment, lambda ctx: [ctx.run_query("t:read"), ctx.run_mutation("t:write")])

    assert (usage.documents_read, usage.documents_written, usage.written_size) == (10, 1, ROW_SIZE)


def test_nested_call_that_is_rolled_back_gives_back_its_writes_but_not_its_reads(deployment: Emulator) -> None:
    def inner(ctx: Any, args: Any) -> None:
        for row in ctx.db.query("rows").collect():
            ctx.db.delete(row["_id"])
        raise ValueError("on purpose")

    def body(ctx: Any) -> None:
        ctx.db.insert("rows", {"n": 1})
        with pytest.raises(ThrownError, match="on purpose"):
            ctx.run_mutation("t:inner")

    deployment.define("t:inner", mutation(inner))
    usage = used(deployment, body)

    assert (usage.documents_written, usage.written_size) == (1, ROW_SIZE)
    # Eleven rows, each read by the scan and by its delete; the scan is one range, each delete a point.
    assert (usage.documents_read, usage.read_size) == (22, 22 * ROW_SIZE)
    assert usage.read_ranges == 12


def test_writes_given_back_can_be_made_again() -> None:
    def inner(ctx: Any, args: Any) -> None:
        ctx.db.insert("rows", {})
        ctx.db.insert("rows", {})
        raise ValueError("on purpose")

    def body(ctx: Any) -> None:
        with pytest.raises(ThrownError, match="on purpose"):
            ctx.run_mutation("t:inner")
        ctx.db.insert("rows", {})
        ctx.db.insert("rows", {})

    with deployment_with(Limits(documents_written_max=2)) as emulator:
        emulator.define("t:inner", mutation(inner))
        emulator.run(body)

        assert emulator.table_counts() == {"rows": 2}

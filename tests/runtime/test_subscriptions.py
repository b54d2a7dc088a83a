"""Who is told of a commit: the queries that read, or would have read, what it wrote; nobody else.

convex-engine.md §10.10, convex-wire.md §3.5.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_mastra_emulator import Emulator, query
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.schema import define_schema, define_table, v

SCHEMA = define_schema(
    {
        "rows": define_table(v.any()).index("by_n", ["n"]).index("by_group", ["group", "n"]),
        "others": define_table(v.any()).index("by_n", ["n"]),
    }
)
Read = Callable[[Any], Any]


@pytest.fixture
def deployment() -> Emulator:
    return Emulator(SCHEMA, seed=1)


class Watched:
    """A query that was run once and is watched since."""

    def __init__(self, emulator: Emulator, read: Read) -> None:
        self._emulator = emulator
        self._read = read
        self.tellings = 0
        self.subscription = self._watch()

    def _watch(self) -> Subscription:
        self._emulator.define("test:read", query(lambda ctx, args: self._read(ctx)))
        outcome = self._emulator.call("test:read", python_arguments(None), FunctionKind.QUERY, ADMIN)
        assert outcome.read_set is not None
        subscription = Subscription(outcome.read_set, self._be_told)
        self._emulator.watch(subscription)
        return subscription

    def _be_told(self) -> None:
        self.tellings += 1


def insert(emulator: Emulator, table: str = "rows", **fields: Any) -> str:
    return str(emulator.run(lambda ctx: ctx.db.insert(table, fields)))


def between(low: float, high: float) -> Read:
    return lambda ctx: ctx.db.query("rows").with_index("by_n", lambda q: q.gte("n", low).lt("n", high)).collect()


# Ranges, not tables


# A chat with a thousand open threads: a message in one of them must not run the queries of the others.
@pytest.mark.parametrize(("n", "tellings"), [(9, 0), (10, 1), (19, 1), (20, 0)])
def test_insert_is_told_inside_the_range_only(deployment: Emulator, n: int, tellings: int) -> None:
    watched = Watched(deployment, between(10, 20))

    insert(deployment, n=n)

    assert watched.tellings == tellings


def test_insert_into_another_table_is_not_told(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))

    insert(deployment, "others", n=15)

    assert watched.tellings == 0


def test_range_of_one_group_is_told_of_that_group_only(deployment: Emulator) -> None:
    watched = Watched(
        deployment,
        lambda ctx: ctx.db.query("rows").with_index("by_group", lambda q: q.eq("group", "a")).collect(),
    )

    insert(deployment, group="b", n=1)
    assert watched.tellings == 0

    insert(deployment, group="a", n=1)
    assert watched.tellings == 1


def test_delete_inside_the_range_is_told(deployment: Emulator) -> None:
    row = insert(deployment, n=15)
    watched = Watched(deployment, between(10, 20))

    deployment.run(lambda ctx: ctx.db.delete(row))

    assert watched.tellings == 1


@pytest.mark.parametrize(("before", "after", "tellings"), [(15, 30, 1), (30, 15, 1), (15, 16, 1), (30, 31, 0)])
def test_move_in_and_out_of_the_range_is_told(deployment: Emulator, before: int, after: int, tellings: int) -> None:
    row = insert(deployment, n=before)
    watched = Watched(deployment, between(10, 20))

    deployment.run(lambda ctx: ctx.db.patch(row, {"n": after}))

    assert watched.tellings == tellings


def test_change_of_a_field_outside_of_the_index_is_told(deployment: Emulator) -> None:
    row = insert(deployment, n=15)
    watched = Watched(deployment, between(10, 20))

    deployment.run(lambda ctx: ctx.db.patch(row, {"text": "changed"}))

    assert watched.tellings == 1


# Reading stops at what was asked for: behind it nothing was seen.
def test_first_document_watches_no_further(deployment: Emulator) -> None:
    insert(deployment, n=10)
    insert(deployment, n=15)
    watched = Watched(deployment, lambda ctx: ctx.db.query("rows").with_index("by_n").first())

    insert(deployment, n=12)
    assert watched.tellings == 0

    insert(deployment, n=9)
    assert watched.tellings == 1


def test_document_that_was_got_is_watched_alone(deployment: Emulator) -> None:
    row, other = insert(deployment, n=1), insert(deployment, n=2)
    watched = Watched(deployment, lambda ctx: ctx.db.get(row))

    deployment.run(lambda ctx: ctx.db.patch(other, {"n": 3}))
    assert watched.tellings == 0

    deployment.run(lambda ctx: ctx.db.patch(row, {"n": 3}))
    assert watched.tellings == 1


def test_table_that_does_not_exist_yet_is_watched() -> None:
    with Emulator(seed=1) as emulator:
        watched = Watched(emulator, lambda ctx: ctx.db.query("to_come").collect())

        insert(emulator, "to_come", n=1)

    assert watched.tellings == 1


def test_query_that_reads_nothing_is_never_told(deployment: Emulator) -> None:
    watched = Watched(deployment, lambda ctx: None)

    insert(deployment, n=1)

    assert watched.tellings == 0


# Commits


def test_failed_mutation_is_not_told(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))

    def fail(ctx: Any) -> None:
        ctx.db.insert("rows", {"n": 15})
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        deployment.run(fail)

    assert watched.tellings == 0


def test_rollback_of_what_was_read_is_told(deployment: Emulator) -> None:
    with deployment.rollback():
        insert(deployment, n=15)
        inside, outside = Watched(deployment, between(10, 20)), Watched(deployment, between(20, 30))
        assert inside.tellings == 0

    assert (inside.tellings, outside.tellings) == (1, 0)


def test_commit_tells_once_however_much_it_wrote(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))

    deployment.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in (11, 12, 13)])

    assert watched.tellings == 1


# Whoever is told runs the query again and subscribes anew.
def test_subscription_is_told_once(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))

    insert(deployment, n=11)
    insert(deployment, n=12)

    assert watched.tellings == 1


def test_unwatched_query_is_not_told(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))
    deployment.unwatch(watched.subscription)

    insert(deployment, n=15)

    assert watched.tellings == 0


# The server unwatches what it removes; a commit may have been faster.
def test_query_that_was_told_may_be_unwatched(deployment: Emulator) -> None:
    watched = Watched(deployment, between(10, 20))
    insert(deployment, n=15)

    deployment.unwatch(watched.subscription)

    assert watched.tellings == 1


def test_each_of_several_queries_is_told(deployment: Emulator) -> None:
    wide, narrow, apart = (
        Watched(deployment, between(0, 100)),
        Watched(deployment, between(10, 20)),
        Watched(deployment, between(50, 60)),
    )

    insert(deployment, n=15)

    assert (wide.tellings, narrow.tellings, apart.tellings) == (1, 1, 0)


# Random ranges and writes

NUMBERS = st.integers(min_value=0, max_value=9)
RANGES = st.tuples(NUMBERS, NUMBERS)
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), NUMBERS),
        st.tuples(st.just("patch"), NUMBERS, NUMBERS),
        st.tuples(st.just("delete"), NUMBERS),
    ),
    min_size=1,
    max_size=4,
)


def write(ctx: Any, writes: list[tuple[Any, ...]]) -> set[int]:
    """Writes, and gives the keys of `by_n` at which a document was changed, came, or went."""
    keys: set[int] = set()
    for operation, n, *rest in writes:
        row = ctx.db.query("rows").with_index("by_n", lambda q, n=n: q.eq("n", n)).first()
        if operation == "insert":
            ctx.db.insert("rows", {"n": n})
            keys.add(n)
        elif row is not None and operation == "patch":
            ctx.db.patch(row["_id"], {"n": rest[0], "version": row.get("version", 0) + 1})
            keys |= {n, rest[0]}
        elif row is not None and operation == "delete":
            ctx.db.delete(row["_id"])
            keys.add(n)
    return keys


# The promise is one-sided: a result that changed is never missed; and nobody is told without a write in the range.
@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, max_size=6), st.lists(RANGES, min_size=1, max_size=5), WRITES)
def test_told_if_and_only_if_the_range_was_written(
    rows: list[int], ranges: list[tuple[int, int]], writes: list[tuple[Any, ...]]
) -> None:
    with Emulator(SCHEMA, seed=1) as emulator:
        emulator.run(lambda ctx: [ctx.db.insert("rows", {"n": n}) for n in rows])
        reads = [between(low, high) for low, high in ranges]
        before = [emulator.run(read) for read in reads]
        watched = [Watched(emulator, read) for read in reads]

        keys = emulator.run(lambda ctx: write(ctx, writes))

        for (low, high), read, was, one in zip(ranges, reads, before, watched, strict=True):
            is_touched = any(low <= key < high for key in keys)
            assert one.tellings <= is_touched, (low, high, keys)
            assert emulator.run(read) == was or one.tellings == 1

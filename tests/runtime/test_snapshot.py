"""`snapshot()`, `restore()` and `clone()`: everything comes back, time and ids go on, whoever watches is told."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, EmulatorError, ManualClock, query
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.runtime.subscriptions import Subscription
from convex_mastra_emulator.schema import define_schema, define_table, v
from tests.data_files.exports import rows_of


def insert(emulator: Emulator, n: int = 0, table: str = "snaps") -> str:
    return str(emulator.run(lambda ctx: ctx.db.insert(table, {"n": n})))


def count(emulator: Emulator) -> int:
    return emulator.table_counts().get("snaps", 0)


count_snaps = query(lambda ctx, args: len(ctx.db.query("snaps").collect()))


def watch(emulator: Emulator, told: list[str]) -> None:
    outcome = emulator.call("s:count", python_arguments({}), FunctionKind.QUERY, ADMIN)
    assert outcome.read_set is not None
    emulator.watch(Subscription(outcome.read_set, lambda: told.append("told")))


# Restore


def test_restoring_brings_documents_back_with_ids_and_creation_times(emulator: Emulator) -> None:
    first = insert(emulator, 1)
    rows = rows_of(emulator, "snaps")
    snapshot = emulator.snapshot()
    emulator.run(lambda ctx: ctx.db.patch(first, {"n": 5}))
    insert(emulator, 2)

    emulator.restore(snapshot)

    assert rows_of(emulator, "snaps") == rows


def test_restoring_brings_back_what_was_deleted(emulator: Emulator) -> None:
    first = insert(emulator)
    snapshot = emulator.snapshot()
    emulator.run(lambda ctx: ctx.db.delete(first))

    emulator.restore(snapshot)

    assert emulator.run(lambda ctx: ctx.db.get(first)) is not None


def test_tables_that_came_later_are_gone(emulator: Emulator) -> None:
    snapshot = emulator.snapshot()
    insert(emulator, table="later")

    emulator.restore(snapshot)

    assert emulator.run(lambda ctx: ctx.db.normalize_id("later", "m" * 32)) is None
    assert emulator.table_counts() == {}


def test_functions_and_environment_come_back(emulator: Emulator) -> None:
    emulator.env["A"] = "1"
    snapshot = emulator.snapshot()
    emulator.env["A"] = "2"
    emulator.env["B"] = "3"
    emulator.define("s:count", count_snaps)

    emulator.restore(snapshot)

    assert emulator.env == {"A": "1"}
    assert "s:count" not in emulator.function_paths()


# A document of the time after would meet its own id again.
def test_ids_and_creation_times_go_on(emulator: Emulator) -> None:
    snapshot = emulator.snapshot()
    gone = emulator.run(lambda ctx: ctx.db.get(ctx.db.insert("snaps", {})))

    emulator.restore(snapshot)
    fresh = emulator.run(lambda ctx: ctx.db.get(ctx.db.insert("snaps", {})))

    assert fresh["_id"] != gone["_id"]
    assert fresh["_creationTime"] > gone["_creationTime"]


def test_timestamps_go_on(emulator: Emulator) -> None:
    snapshot = emulator.snapshot()
    insert(emulator)
    before_ns = emulator.timestamp_ns()

    emulator.restore(snapshot)

    assert emulator.timestamp_ns() >= before_ns


def test_a_snapshot_can_be_restored_again(emulator: Emulator) -> None:
    insert(emulator)
    snapshot = emulator.snapshot()
    for _ in range(2):
        insert(emulator)
        emulator.restore(snapshot)

    assert count(emulator) == 1


def test_subscriptions_are_told_of_what_changes(emulator: Emulator) -> None:
    emulator.define("s:count", count_snaps)
    snapshot = emulator.snapshot()
    insert(emulator)
    told: list[str] = []
    watch(emulator, told)

    emulator.restore(snapshot)

    assert told == ["told"]


def test_subscriptions_hear_nothing_when_nothing_changes(emulator: Emulator) -> None:
    emulator.define("s:count", count_snaps)
    insert(emulator)
    told: list[str] = []
    watch(emulator, told)

    emulator.restore(emulator.snapshot())

    assert told == []


def test_queries_at_a_time_before_the_restoring_see_what_was_there(emulator: Emulator) -> None:
    emulator.define("s:count", count_snaps)
    snapshot = emulator.snapshot()
    emulator.timestamp_ns()
    insert(emulator)
    then_ns = emulator.timestamp_ns()

    emulator.restore(snapshot)
    outcome = emulator.call("s:count", python_arguments({}), FunctionKind.QUERY, ADMIN, at_ns=then_ns)

    assert outcome.value == 1.0
    assert count(emulator) == 0


# Rollback


def test_rollback_undoes_a_restoring_inside_of_it(emulator: Emulator) -> None:
    empty = emulator.snapshot()
    insert(emulator)
    emulator.env["A"] = "1"

    with emulator.rollback():
        insert(emulator)
        emulator.restore(empty)
        assert count(emulator) == 0

    assert count(emulator) == 1
    assert emulator.env == {"A": "1"}


def test_a_snapshot_of_a_rollback_can_be_restored_after_it(emulator: Emulator) -> None:
    with emulator.rollback():
        insert(emulator, 7)
        snapshot = emulator.snapshot()

    emulator.restore(snapshot)

    assert [row["n"] for row in rows_of(emulator, "snaps")] == [7]


# Refusals


def test_snapshots_inside_a_function_are_refused(emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match="a function of this emulator is already running"):
        emulator.run(lambda ctx: emulator.snapshot())


def test_restoring_inside_a_function_is_refused(emulator: Emulator) -> None:
    insert(emulator)
    snapshot = emulator.snapshot()

    def body(ctx: Any) -> None:
        ctx.db.insert("snaps", {})
        emulator.restore(snapshot)

    with pytest.raises(EmulatorError, match="a function of this emulator is already running"):
        emulator.run(body)
    assert count(emulator) == 1


# Stored documents know their places in the indexes they were written under.
def test_snapshots_of_another_schema_are_refused(emulator: Emulator) -> None:
    other = Emulator(define_schema({"snaps": define_table(v.any()).index("by_n", ["n"])}))

    with pytest.raises(EmulatorError, match="the snapshot is of a deployment with another schema"):
        emulator.restore(other.snapshot())


# Clones


def test_a_clone_has_the_same_documents_functions_and_settings(emulator: Emulator) -> None:
    insert(emulator)
    emulator.define("s:count", count_snaps)
    emulator.env["A"] = "1"

    clone = emulator.clone()

    assert rows_of(clone, "snaps") == rows_of(emulator, "snaps")
    assert clone.query("s:count") == 1.0
    assert (dict(clone.env), clone.limits, clone.schema) == ({"A": "1"}, emulator.limits, emulator.schema)


def test_nothing_is_shared_with_a_clone(emulator: Emulator, clock: ManualClock) -> None:
    insert(emulator)
    clone = emulator.clone()

    insert(clone)
    clone.env["A"] = "1"
    clone.define("s:count", count_snaps)
    emulator.run(lambda ctx: ctx.db.insert("only_here", {}))
    clock.advance(5)

    assert (emulator.table_counts(), clone.table_counts()) == ({"only_here": 1, "snaps": 1}, {"snaps": 2})
    assert emulator.env == {}
    assert "s:count" not in emulator.function_paths()
    assert clone.clock.now_ns() == clock.now_ns() - 5_000_000_000


# The same seed would otherwise give a clone the first ids of its original once more.
def test_a_clone_goes_on_with_ids_and_times_where_its_original_stands(emulator: Emulator) -> None:
    insert(emulator)
    clone = emulator.clone()

    assert insert(clone) == insert(emulator)
    assert rows_of(clone, "snaps") == rows_of(emulator, "snaps")
    assert len(rows_of(clone, "snaps")) == 2


def test_a_clone_accepts_the_tokens_of_its_original(emulator: Emulator) -> None:
    token = emulator.issue_token(subject="ada")

    clone = emulator.clone()

    assert clone.verify_token(token) == emulator.verify_token(token)


def test_a_clone_made_inside_a_rollback_keeps_its_documents(emulator: Emulator) -> None:
    with emulator.rollback():
        insert(emulator)
        clone = emulator.clone()

    assert (count(emulator), count(clone)) == (0, 1)

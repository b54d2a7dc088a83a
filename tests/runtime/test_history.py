"""Queries at an earlier time (convex-wire.md §1.1 `query_at_ts`, §1.8 OutOfRetention)."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, mutation, query
from convex_mastra_emulator.errors import ErrorKind, RequestRefused
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.functions import FunctionKind
from convex_mastra_emulator.runtime.identity import ADMIN


# Sorted, because commits at one and the same time of the clock have no order among their documents (§3.4).
def texts(ctx: Any, args: Any) -> list[str]:
    return sorted(note["text"] for note in ctx.db.query("history_notes").collect())


def read(emulator: Emulator, at_ns: int | None = None) -> Any:
    emulator.define("history:texts", query(texts))
    outcome = emulator.call("history:texts", python_arguments(None), FunctionKind.QUERY, ADMIN, at_ns=at_ns)
    assert outcome.failure is None
    return outcome.value


def write(emulator: Emulator, text: str) -> str:
    emulator.define("history:write", mutation(lambda ctx, args: ctx.db.insert("history_notes", args)))
    return str(emulator.mutation("history:write", {"text": text}))


# npm's consistentQuery asks for a time once and then reads everything at it.
def test_query_at_an_earlier_time_sees_what_was_then(emulator: Emulator) -> None:
    write(emulator, "old")
    then = emulator.timestamp_ns()
    write(emulator, "new")

    assert read(emulator, then) == ["old"]


def test_later_commits_come_back_after_it(emulator: Emulator) -> None:
    write(emulator, "old")
    then = emulator.timestamp_ns()
    write(emulator, "new")

    read(emulator, then)

    assert read(emulator) == ["new", "old"]


def test_changed_and_deleted_documents_are_seen_as_they_were(emulator: Emulator) -> None:
    changed, deleted = write(emulator, "changed"), write(emulator, "deleted")
    then = emulator.timestamp_ns()
    emulator.run(lambda ctx: ctx.db.patch(changed, {"text": "after"}))
    emulator.run(lambda ctx: ctx.db.delete(deleted))

    assert read(emulator, then) == ["changed", "deleted"]
    assert read(emulator) == ["after"]


def test_each_of_several_times_keeps_its_own_view(emulator: Emulator) -> None:
    times = []
    for text in ("one", "two", "three"):
        times.append(emulator.timestamp_ns())
        write(emulator, text)

    assert [read(emulator, then) for then in times] == [[], ["one"], ["one", "two"]]


def test_failing_query_brings_later_commits_back_too(emulator: Emulator) -> None:
    then = emulator.timestamp_ns()
    write(emulator, "new")

    def fail(ctx: Any, args: Any) -> None:
        raise ValueError("boom")

    emulator.define("history:fail", query(fail))
    emulator.call("history:fail", python_arguments(None), FunctionKind.QUERY, ADMIN, at_ns=then)

    assert read(emulator) == ["new"]


def test_failed_mutation_is_no_commit(emulator: Emulator) -> None:
    write(emulator, "old")
    then = emulator.timestamp_ns()
    with pytest.raises(ValueError, match="boom"):
        emulator.run(_insert_and_fail)

    assert read(emulator, then) == ["old"]
    assert read(emulator) == ["old"]


def _insert_and_fail(ctx: Any) -> None:
    ctx.db.insert("history_notes", {"text": "lost"})
    raise ValueError("boom")


# A commit at the very time somebody holds would change what was read at it.
def test_commits_come_after_every_time_handed_out(emulator: Emulator) -> None:
    first = emulator.timestamp_ns()
    write(emulator, "between")
    second = emulator.timestamp_ns()

    assert first < second


def test_time_before_anybody_asked_is_out_of_retention(emulator: Emulator, clock: ManualClock) -> None:
    before = clock.now_ns()
    clock.advance(1)
    emulator.timestamp_ns()

    with pytest.raises(RequestRefused, match="is out of retention") as refusal:
        read(emulator, before)

    assert refusal.value.code == "OutOfRetention"
    assert refusal.value.kind is ErrorKind.OUT_OF_RETENTION
    assert refusal.value.kind.status == 503


def test_time_whose_next_commit_is_four_minutes_old_can_still_be_read(emulator: Emulator, clock: ManualClock) -> None:
    then = emulator.timestamp_ns()
    write(emulator, "first")
    clock.advance(240)
    write(emulator, "second")

    assert read(emulator, then) == []


def test_time_whose_next_commit_is_older_than_four_minutes_is_gone(emulator: Emulator, clock: ManualClock) -> None:
    then = emulator.timestamp_ns()
    write(emulator, "first")
    clock.advance(241)
    write(emulator, "second")

    with pytest.raises(RequestRefused, match="is out of retention"):
        read(emulator, then)


# What a rollback undid was never there; a time inside it means nothing any more.
def test_time_inside_a_rollback_is_gone_after_it(emulator: Emulator) -> None:
    with emulator.rollback():
        then = emulator.timestamp_ns()
        write(emulator, "undone")
        assert read(emulator, then) == []

    with pytest.raises(RequestRefused, match="is out of retention"):
        read(emulator, then)

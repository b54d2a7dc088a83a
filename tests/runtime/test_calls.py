"""How a call ended, as protocols see it: value or failure, time, what was read, where its page ended."""

from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, action, mutation, query
from convex_mastra_emulator.errors import ThrownError
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.calls import CallFailed, Outcome
from convex_mastra_emulator.runtime.failures import Failure
from convex_mastra_emulator.runtime.identity import ADMIN
from convex_mastra_emulator.usage import NOTHING_USED


def outcome_of(emulator: Emulator, path: str, **options: Any) -> Outcome:
    return emulator.call(path, python_arguments(None), None, ADMIN, **options)


def page(ctx: Any, args: Any) -> list[float]:
    found = ctx.db.query("call_rows").order("desc").paginate({"numItems": 2, "cursor": None})
    return [row["n"] for row in found["page"]]


def test_nothing_is_the_empty_outcome() -> None:
    outcome = Outcome()

    assert (outcome.value, outcome.failure, outcome.log_lines) == (None, None, ())
    assert (outcome.usage, outcome.read_set, outcome.end_cursor) == (NOTHING_USED, None, None)


def test_mutation_ends_at_its_commit(emulator: Emulator, clock: ManualClock) -> None:
    emulator.define("calls:write", mutation(lambda ctx, args: ctx.db.insert("call_rows", {})))
    first = outcome_of(emulator, "calls:write").timestamp_ns
    begun = clock.now_ns()
    clock.advance(1)
    second = outcome_of(emulator, "calls:write").timestamp_ns

    assert begun <= first < clock.now_ns() <= second


def test_query_tells_what_it_read(emulator: Emulator) -> None:
    emulator.define("calls:read", query(lambda ctx, args: ctx.db.query("call_rows").collect()))

    read_set = outcome_of(emulator, "calls:read").read_set

    assert read_set is not None
    assert [where[0] for where, _, _ in read_set.intervals()] == ["call_rows"]


# A subscription to a query that failed must know when to run it again.
def test_failed_query_tells_what_it_read(emulator: Emulator) -> None:
    def fail(ctx: Any, args: Any) -> None:
        ctx.db.query("call_rows").first()
        raise ThrownError("no")

    emulator.define("calls:fail", query(fail))

    outcome = outcome_of(emulator, "calls:fail")

    assert outcome.failure is not None
    assert outcome.read_set is not None
    assert outcome.read_set.count == 1


def test_action_and_missing_function_read_nothing(emulator: Emulator) -> None:
    emulator.define("calls:act", action(lambda ctx, args: None))

    assert outcome_of(emulator, "calls:act").read_set is None
    assert outcome_of(emulator, "calls:missing").read_set is None


# The end of a page goes to the client as the query's journal, and comes back.
def test_page_ends_where_it_ended(emulator: Emulator) -> None:
    emulator.define("calls:page", query(page))
    emulator.run(lambda ctx: [ctx.db.insert("call_rows", {"n": n}) for n in (1, 2, 3)])
    first = outcome_of(emulator, "calls:page")
    emulator.run(lambda ctx: ctx.db.insert("call_rows", {"n": 4}))

    again = outcome_of(emulator, "calls:page", end_cursor=first.end_cursor)

    assert (first.value, again.value) == ([3.0, 2.0], [4.0, 3.0, 2.0])
    assert again.end_cursor == first.end_cursor
    assert outcome_of(emulator, "calls:page").value == [4.0, 3.0]


@pytest.mark.parametrize("is_merged", [True, False])
def test_refused_call_has_a_text_without_frames(is_merged: bool) -> None:
    failed = CallFailed("not so", is_merged=is_merged)

    assert (failed.failure, failed.is_merged) == (Failure(message="not so"), is_merged)

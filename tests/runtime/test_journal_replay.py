"""The calls of a journal on another deployment: ids and times are its own, everything else is the same or told."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import (
    ANONYMOUS,
    Emulator,
    FunctionError,
    ManualClock,
    action,
    connect,
    mutation,
    query,
    user_identity,
)
from convex_mastra_emulator.journal import Journal, JournalEntry
from convex_mastra_emulator.mastra import mastra_schema
from convex_mastra_emulator.runtime.arguments import python_arguments
from convex_mastra_emulator.runtime.journal_replay import JournalNotReplayable, Replayed
from convex_mastra_emulator.values.types import undefined

USER = user_identity({"issuer": "https://example.test", "subject": "ada"})


def fail(ctx: Any, args: Any) -> None:
    raise ConvexError("no", {"note": args["id"]})


FUNCTIONS = {
    "notes:add": mutation(lambda ctx, args: ctx.db.insert("notes", args)),
    "notes:get": query(lambda ctx, args: ctx.db.get(args["id"])),
    "notes:rename": mutation(lambda ctx, args: ctx.db.patch(args["id"], {"title": args["title"]})),
    "notes:all": query(lambda ctx, args: ctx.db.query("notes").collect()),
    "notes:page": query(
        lambda ctx, args: ctx.db.query("notes").paginate({"numItems": 1.0, "cursor": args.get("cursor")})
    ),
    "notes:after": query(
        lambda ctx, args: (
            ctx.db.query("notes")
            .with_index("by_creation_time", lambda q: q.gt("_creationTime", args["time"]))
            .collect()
        )
    ),
    "notes:fail": query(fail),
    "notes:who": query(lambda ctx, args: (ctx.auth.get_user_identity() or {}).get("subject")),
    "notes:act": action(lambda ctx, args: ctx.run_query("notes:all")),
}


def new_emulator(seed: int, clock: ManualClock | None = None, **changed: Any) -> Emulator:
    emulator = Emulator(mastra_schema(), seed=seed, clock=clock or ManualClock(1_700_000_000.0 + 1000 * seed))
    for path, function in {**FUNCTIONS, **changed}.items():
        emulator.define(path.replace("__", ":"), function)
    return emulator


def not_same(replayed: list[Replayed]) -> list[str]:
    return [str(each) for each in replayed if not each.is_same]


# What makes the calls of one deployment useless on another: each id in them means nothing there.
def test_ids_that_were_returned_are_translated_in_arguments() -> None:
    first, second = new_emulator(1), new_emulator(2)
    note = first.mutation("notes:add", {"title": "a"})
    first.mutation("notes:rename", {"id": note, "title": f"see {note}"})
    first.query("notes:get", {"id": note})

    replayed = first.journal.replay(on=second)

    assert not_same(replayed) == []
    [row] = second.query("notes:all")
    assert row["_id"] != note
    assert row["title"] == f"see {row['_id']}"


def test_creation_times_and_cursors_are_translated_in_arguments() -> None:
    first, second = new_emulator(1), new_emulator(2)
    for title in "abc":
        first.mutation("notes:add", {"title": title})
    page = first.query("notes:page")
    first.query("notes:page", {"cursor": page["continueCursor"]})
    first.query("notes:after", {"time": first.query("notes:all")[1]["_creationTime"]})

    replayed = first.journal.replay(on=second)

    assert not_same(replayed) == []
    assert [row["title"] for row in replayed[-1].value] == ["c"]
    assert [row["title"] for row in replayed[4].value["page"]] == ["b"]


def test_what_differs_is_told_with_its_place() -> None:
    first = new_emulator(1)
    second = new_emulator(2, notes__get=query(lambda ctx, args: {**ctx.db.get(args["id"]), "title": "other"}))
    note = first.mutation("notes:add", {"title": "a"})
    first.query("notes:get", {"id": note})

    added, got = first.journal.replay(on=second)

    assert added.is_same
    assert got.differences == ('value.title: expected "a", got "other"',)
    assert "differs" in str(got)
    assert got.value["title"] == "other"


def test_other_document_in_the_same_place_differs() -> None:
    first = new_emulator(1)
    second = new_emulator(2, notes__get=query(lambda ctx, args: ctx.db.query("notes").order("desc").first()))
    note = first.mutation("notes:add", {})
    first.mutation("notes:add", {})
    first.query("notes:get", {"id": note})

    [found] = [each for each in first.journal.replay(on=second) if not each.is_same]

    assert found.entry.path == "notes:get"
    assert "<id:1>" in found.differences[0] or "<time:1>" in found.differences[0]


def test_failures_are_the_same_by_their_texts() -> None:
    first, second = new_emulator(1), new_emulator(2)
    note = first.mutation("notes:add", {})
    with pytest.raises(ConvexError):
        first.query("notes:fail", {"id": note})
    with pytest.raises(FunctionError):
        first.mutation("notes:rename", {"id": "no id", "title": "b"})

    replayed = first.journal.replay(on=second)

    assert not_same(replayed) == []
    assert "Uncaught ConvexError" in str(replayed[1].error)


def test_failure_where_there_was_a_value_differs() -> None:
    first = new_emulator(1)
    second = new_emulator(2, notes__all=query(lambda ctx, args: 1 / 0))
    first.query("notes:all")

    [found] = first.journal.replay(on=second)

    assert found.error == "Uncaught ZeroDivisionError: division by zero"
    assert found.differences[0].startswith("expected value [], got error Uncaught ZeroDivisionError")


def test_kinds_and_identities_are_those_of_the_calls() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.query("notes:who", identity=USER)
    first.query("notes:who", identity=ANONYMOUS)
    first.action("notes:act")

    replayed = first.journal.replay(on=second)

    assert [each.value for each in replayed] == ["ada", None, []]
    assert [entry.kind for entry in second.journal] == ["query", "query", "action"]
    assert [entry.identity for entry in second.journal] == [entry.identity for entry in first.journal]


def test_values_of_all_types_arrive_as_they_were() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.mutation("notes:add", {"a": ConvexInt64(5), "b": b"\x00", "c": float("nan"), "d": [None, True, -0.0]})
    first.query("notes:all")

    assert not_same(first.journal.replay(on=second)) == []


# A client can tell neither; without them the rest would find other data.
def test_journal_that_has_dropped_calls_is_refused_unless_partial() -> None:
    first, second = new_emulator(1), new_emulator(2)
    journal = Journal(entries_max=1)
    first.query("notes:all")
    first.query("notes:who")
    for entry in first.journal:
        journal.add(entry)

    with pytest.raises(JournalNotReplayable, match=r"^1 earlier calls are no longer kept"):
        journal.replay(on=second)

    assert len(second.journal) == 0
    assert [each.entry.path for each in journal.replay(on=second, partial=True)] == ["notes:who"]


class Plain:
    """A deployment whose calls take no identity."""

    def __init__(self, inner: Emulator) -> None:
        self._inner = inner

    def query(self, path: str, args: Any = None) -> Any:
        return self._inner.query(path, args)

    def mutation(self, path: str, args: Any = None) -> Any:
        return self._inner.mutation(path, args)

    def action(self, path: str, args: Any = None) -> Any:
        return self._inner.action(path, args)


def test_identities_need_a_deployment_that_takes_them() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.query("notes:all")
    first.query("notes:who", identity=USER)

    with pytest.raises(JournalNotReplayable, match=r"take no identity.*notes:who"):
        first.journal.replay(on=Plain(second))

    assert len(second.journal) == 0
    assert [each.entry.path for each in first.journal.replay(on=Plain(second), partial=True)] == ["notes:all"]


def test_calls_no_client_can_make_are_named() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.call("notes:nowhere", python_arguments({}), None, ANONYMOUS)

    with pytest.raises(JournalNotReplayable, match=r"found none.*function notes:nowhere"):
        first.journal.replay(on=second)

    assert first.journal.replay(on=second, partial=True) == []


# `POST /api/function` does not say what it calls; the function does.
def test_call_of_any_kind_is_made_again_as_what_it_was() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.call("notes:add", python_arguments({"title": "a"}), None, ANONYMOUS)

    [replayed] = first.journal.replay(on=second)

    assert (replayed.entry.kind, replayed.is_same) == ("mutation", True)


# The deployment runs them itself: called twice, they would have been done twice.
def test_scheduled_functions_are_left_to_the_deployment() -> None:
    later = mutation(lambda ctx, args: ctx.scheduler.run_after(1000, "notes:add", {"title": "later"}) and None)
    first_clock, second_clock = ManualClock(), ManualClock(1_800_000_000.0)
    first, second = (new_emulator(n, clock, notes__later=later) for n, clock in ((1, first_clock), (2, second_clock)))
    first.mutation("notes:later")
    first_clock.advance(2)
    first.query("notes:all")

    without_clock = first.journal.replay(on=new_emulator(3, notes__later=later))
    with_clock = first.journal.replay(on=second, clock=second_clock)

    assert [each.is_same for each in without_clock] == [True, False]
    assert not_same(with_clock) == []


def test_journal_is_replayed_on_a_deployment_at_a_url() -> None:
    first, second = new_emulator(1), new_emulator(2)
    note = first.mutation("notes:add", {"title": "a"})
    first.query("notes:get", {"id": note})

    with second.serve() as served, connect(served.url, served.admin_key) as deployment:
        replayed = first.journal.replay(on=deployment)

    assert not_same(replayed) == []


def test_journal_of_mastras_calls_replays() -> None:
    first, second = new_emulator(1), new_emulator(2)
    record = {"id": "t1", "resourceId": "r", "title": "t", "metadata": {}, "createdAt": "x", "updatedAt": "x"}
    first.mutation("mastra/storage:handle", {"op": "insert", "tableName": "mastra_threads", "record": record})
    first.mutation("mastra/storage:handle", {"op": "load", "tableName": "mastra_threads", "keys": {"id": "t1"}})

    assert not_same(first.journal.replay(on=second)) == []


def test_undefined_is_no_difference() -> None:
    first, second = new_emulator(1), new_emulator(2)
    first.query("notes:all", undefined)

    assert not_same(first.journal.replay(on=second)) == []


def test_journal_of_a_deployment_at_a_url_replays() -> None:
    journal, second = Journal(), new_emulator(2)
    journal.add(JournalEntry("mutation", "notes:add", {"n": 1, "tags": ("a",)}, "id of old"))
    journal.add(JournalEntry("query", "notes:all", None, []))
    journal.add(JournalEntry("socket", "sync", None))

    added, all_notes = journal.replay(on=second)

    assert [row["tags"] for row in all_notes.value] == [["a"]]
    assert added.entry.arguments == {"n": 1, "tags": ("a",)}


def test_what_is_no_call_of_a_function_is_named() -> None:
    journal = Journal()
    journal.add(JournalEntry("httpAction", "GET /x", {}))

    with pytest.raises(JournalNotReplayable, match=r"^what is no query, mutation or action .*httpAction"):
        journal.replay(on=new_emulator(1))

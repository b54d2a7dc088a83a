"""A mutation is one transaction: all of it or nothing, its own writes visible to it, failed calls undone."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.probe import (
    Probe,
    call_query,
    delete,
    eq,
    get,
    insert,
    outer,
    parallel,
    patch,
    query,
    ref,
    replace,
    run_mutation,
    run_query,
    throw,
    throw_convex,
    uncaught,
)

THINGS = "conformance_things"


def keys(probe: Probe) -> list[Any]:
    """The keys of all things, in the order in which they were made."""
    return [document["key"] for document in probe.collect(THINGS)]


def nested_in(depth: int, step: Any, call: Any) -> Any:
    """A step inside so many calls, each of which calls the next."""
    for _ in range(depth):
        step = call(step)
    return step


def innermost(result: Any, depth: int) -> Any:
    """The result of the step inside so many calls."""
    for _ in range(depth):
        result = result.value[0]
    return result


# All or nothing


# A store that writes a thread and its messages in one mutation must never leave half of them.
def test_a_mutation_that_throws_leaves_nothing(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(insert(THINGS, {"key": "a"}), insert(THINGS, {"key": "b"}), throw("stop"))

    assert probe.count(THINGS) == 0


# Every kind of write is undone, each on a document that was there before.
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda identifier: patch(identifier, {"key": "new", "added": 1.0}), id="patch"),
        pytest.param(lambda identifier: replace(identifier, {"key": "new"}), id="replace"),
        pytest.param(delete, id="delete"),
    ],
)
def test_each_write_of_a_failed_mutation_is_undone(probe: Probe, write: Any) -> None:
    identifier = probe.insert(THINGS, {"key": "old", "kept": 1.0})
    before = probe.get(identifier)

    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(write(identifier), throw("stop"))

    assert probe.get(identifier) == before
    assert probe.count(THINGS, index="by_key", range=[eq("key", "old")]) == 1
    assert probe.count(THINGS, index="by_key", range=[eq("key", "new")]) == 0


# The failure may come from the database itself, after several writes that went well.
def test_a_refused_write_that_is_not_caught_undoes_those_before_it(probe: Probe) -> None:
    kept, gone = probe.insert(THINGS, {"key": "kept"}), probe.insert(THINGS, {"key": "gone"})
    probe.delete(gone)

    with pytest.raises(FunctionError, match=r"(?i)non-?existent doc"):
        probe.mutation(
            insert(THINGS, {"key": "new"}), patch(kept, {"key": "changed"}), uncaught(patch(gone, {"key": "x"}))
        )

    assert keys(probe) == ["kept"]


# A failed call harms nobody: the next one works, on the same documents.
def test_after_a_failed_mutation_the_next_one_works(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "a"})
    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(delete(identifier), throw("stop"))

    probe.mutation(patch(identifier, {"key": "b"}), insert(THINGS, {"key": "c"}))

    assert keys(probe) == ["b", "c"]


# Errors of applications carry data, of any type, and undo the writes as any other error does.
@pytest.mark.parametrize(
    "data",
    [
        pytest.param("out of stock", id="text"),
        pytest.param({"code": 409.0, "ids": ["a", "b"]}, id="object"),
        pytest.param(ConvexInt64(5), id="int64"),
        pytest.param(None, id="null"),
    ],
)
def test_a_convex_error_brings_its_data_and_undoes_the_writes(probe: Probe, data: Any) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.mutation(insert(THINGS, {"key": "a"}), throw_convex(data))

    assert caught.value.data == data
    assert probe.count(THINGS) == 0


# From a query, too: it has nothing to undo, but its data must arrive.
def test_a_query_can_throw_a_convex_error(probe: Probe) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.query(throw_convex({"code": 404.0}))

    assert caught.value.data == {"code": 404.0}


# Reading what was just written


# An upsert looks, inserts, looks again: every way of reading must show the document at once.
def test_an_insert_is_seen_by_the_same_mutation(probe: Probe) -> None:
    _, *reads = probe.mutation(
        insert(THINGS, {"key": "a"}),
        get(ref(0)),
        query(THINGS, count=True),
        query(THINGS, index="by_key", range=[eq("key", "a")], count=True),
        run_query(query(THINGS, count=True)),
    )

    assert reads[0].value["key"] == "a"
    assert [reads[1].value, reads[2].value, reads[3].value[0].value] == [1, 1, 1]


# A patched row leaves its old place in the index at once, or an upsert finds it twice.
def test_a_patch_is_seen_by_the_same_mutation(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "old"})

    _, old, new = probe.mutation(
        patch(identifier, {"key": "new"}),
        query(THINGS, index="by_key", range=[eq("key", "old")], count=True),
        query(THINGS, index="by_key", range=[eq("key", "new")], count=True),
    )

    assert [old.value, new.value] == [0, 1]


# Delete and insert again is how some stores update: the old row must be out of the way at once.
def test_a_delete_is_seen_by_the_same_mutation(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "a"})

    _, found, count = probe.mutation(
        delete(identifier), get(identifier), query(THINGS, index="by_key", range=[eq("key", "a")], count=True)
    )

    assert [found.value, count.value] == [None, 0]


# Calls inside a mutation


# A helper mutation is part of its caller's transaction: what it wrote is there when it returns, and stays.
def test_a_called_mutation_writes_into_the_callers_transaction(probe: Probe) -> None:
    called, read = probe.mutation(run_mutation(insert(THINGS, {"key": "called"})), get(ref(0, 0, "value")))

    assert read.value["_id"] == called.value[0].value
    assert keys(probe) == ["called"]


# It begins where its caller stands, not at the last commit.
def test_a_called_mutation_sees_the_callers_writes(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"key": "old"}), run_mutation(patch(outer(0), {"key": "new"})))

    assert keys(probe) == ["new"]


# The caller decides: when it fails later, what its calls had done goes as well.
def test_a_callers_failure_undoes_the_calls_before_it(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(run_mutation(insert(THINGS, {"key": "called"})), throw("stop"))

    assert probe.count(THINGS) == 0


# Try a write, catch its failure, go on: only the caller's own writes, before and after, may stay.
def test_a_failed_call_that_is_caught_leaves_only_the_callers_writes(probe: Probe) -> None:
    _, failed, _, seen = probe.mutation(
        insert(THINGS, {"key": "before"}),
        run_mutation(insert(THINGS, {"key": "called"}), patch(outer(0), {"key": "patched"}), throw("stop")),
        insert(THINGS, {"key": "after"}),
        query(THINGS, select=["key"]),
    )

    assert "stop" in (failed.error or "")
    assert seen.value == [{"key": "before"}, {"key": "after"}]
    assert keys(probe) == ["before", "after"]


# A deletion in a failed call is undone for the caller's next read, not only at the end.
def test_a_deletion_of_a_failed_call_is_undone_at_once(probe: Probe) -> None:
    identifier = probe.insert(THINGS, {"key": "a"})

    _, found = probe.mutation(run_mutation(delete(identifier), throw("stop")), get(identifier))

    assert found.value["key"] == "a"


# Each level has its own border: the innermost call is lost, the one that caught it is not.
def test_a_failure_two_calls_down_is_undone_where_it_was_caught(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"key": "outer"}),
        run_mutation(insert(THINGS, {"key": "middle"}), run_mutation(insert(THINGS, {"key": "inner"}), throw("stop"))),
    )

    assert keys(probe) == ["outer", "middle"]


# And one that nobody caught on the way takes all levels up to where it was caught.
def test_a_failure_that_passes_a_call_undoes_that_call(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"key": "outer"}),
        run_mutation(
            insert(THINGS, {"key": "middle"}), uncaught(run_mutation(insert(THINGS, {"key": "inner"}), throw("stop")))
        ),
    )

    assert keys(probe) == ["outer"]


# Data of an application's error passes calls unchanged: the caller decides by it.
@pytest.mark.parametrize("call", [run_mutation, run_query], ids=["mutation", "query"])
def test_a_caller_gets_the_data_of_a_convex_error(probe: Probe, call: Any) -> None:
    failed = probe.mutation(call(throw_convex({"code": 409.0, "ids": ["a", None]})))[0]

    assert failed.error is not None
    assert failed.data == {"code": 409.0, "ids": ["a", None]}


# Of every type: on its way through a call the data is encoded and read again.
@pytest.mark.diverges("error-data-of-calls")
@pytest.mark.parametrize("data", [ConvexInt64(7), {"raw": b"\x00"}], ids=["int64", "bytes"])
def test_a_caller_gets_data_that_is_no_json(probe: Probe, data: Any) -> None:
    failed = probe.mutation(run_mutation(throw_convex(data)))[0]

    assert failed.data == data


# Uncaught it passes the caller, too, and reaches the client.
def test_a_convex_error_of_a_call_reaches_the_client(probe: Probe) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.mutation(uncaught(run_mutation(throw_convex({"code": 409.0}))))

    assert caught.value.data == {"code": 409.0}


# An ordinary error keeps its text through calls; its data must not be made up.
def test_an_ordinary_error_of_a_call_keeps_its_text(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="out of luck"):
        probe.mutation(uncaught(run_mutation(uncaught(run_query(throw("out of luck"))))))


# Side by side


# `Promise.all` over calls: all of them write into the same transaction, one after the other.
def test_calls_side_by_side_all_write(probe: Probe) -> None:
    probe.mutation(parallel(*(run_mutation(insert(THINGS, {"key": f"k{number}"})) for number in range(5))))

    assert sorted(keys(probe)) == ["k0", "k1", "k2", "k3", "k4"]


# One of them fails: the others are not undone with it.
def test_of_calls_side_by_side_only_the_failed_one_is_undone(probe: Probe) -> None:
    results = probe.mutation(
        parallel(
            run_mutation(insert(THINGS, {"key": "first"})),
            run_mutation(insert(THINGS, {"key": "failed"}), throw("stop")),
            run_mutation(insert(THINGS, {"key": "last"})),
        )
    )

    assert [each.error is None for each in results[0].value] == [True, False, True]
    assert sorted(keys(probe)) == ["first", "last"]


# Depth


# Recursion over a tree of documents ends at a known depth: eight calls below the client's.
@pytest.mark.parametrize(
    ("kind", "call"), [("query", run_query), ("mutation", run_mutation)], ids=["query", "mutation"]
)
def test_calls_can_be_nested_8_deep(probe: Probe, kind: str, call: Any) -> None:
    result = getattr(probe, kind)(nested_in(8, query(THINGS, count=True), call))[0]

    assert innermost(result, 8).value == 0


# The ninth is refused, and whoever made it can catch that.
@pytest.mark.diverges("call-depth")
@pytest.mark.parametrize(
    ("kind", "call"), [("query", run_query), ("mutation", run_mutation)], ids=["query", "mutation"]
)
def test_calls_cannot_be_nested_9_deep(probe: Probe, kind: str, call: Any) -> None:
    result = getattr(probe, kind)(nested_in(9, query(THINGS, count=True), call))[0]

    refused = innermost(result, 8)
    assert refused.error == "Cross component call depth limit exceeded. Do you have an infinite loop in your app?"


# What the called functions answer is part of the caller's answer, whatever it is.
def test_a_called_query_answers_its_caller(probe: Probe) -> None:
    called = probe.query(call_query("conformance/typed:returnsObject", {"value": {"a": "x"}}))[0]

    assert called.value == {"a": "x"}

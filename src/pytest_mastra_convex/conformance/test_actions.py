"""An action is no transaction: each of its calls is one, and what was committed stays, whatever comes after."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexError, ConvexInt64

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.probe import (
    Probe,
    call_mutation,
    call_query,
    get,
    insert,
    outer,
    parallel,
    patch,
    query,
    repeat,
    run_action,
    run_mutation,
    run_query,
    throw,
    throw_convex,
    uncaught,
    vector_search,
)

THINGS = "conformance_things"
VECTORS = "conformance_vectors"


def keys(probe: Probe) -> list[Any]:
    """The keys of all things, in the order in which they were made."""
    return [document["key"] for document in probe.collect(THINGS)]


# No transaction


# An agent's run calls a model between two writes; when the model fails, the first write stays.
def test_what_an_action_wrote_stays_when_it_throws(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.action(run_mutation(insert(THINGS, {"key": "kept"})), throw("stop"))

    assert keys(probe) == ["kept"]


# Each mutation is a transaction of its own: the failed one leaves nothing, those before and after it all.
def test_a_failed_mutation_of_an_action_undoes_itself_only(probe: Probe) -> None:
    _, failed, _ = probe.action(
        run_mutation(insert(THINGS, {"key": "first"})),
        run_mutation(insert(THINGS, {"key": "failed"}), throw("stop")),
        run_mutation(insert(THINGS, {"key": "last"})),
    )

    assert "stop" in (failed.error or "")
    assert keys(probe) == ["first", "last"]


# Each query reads what is committed when it begins; there is no snapshot of the action.
def test_each_query_of_an_action_sees_what_was_committed_before_it(probe: Probe) -> None:
    before, _, after = probe.action(
        run_query(query(THINGS, count=True)),
        run_mutation(insert(THINGS, {"key": "a"})),
        run_query(query(THINGS, count=True)),
    )

    assert [before.value[0].value, after.value[0].value] == [0, 1]


# An id goes from one mutation to the next: the document is there.
def test_a_later_mutation_of_an_action_can_change_what_an_earlier_one_made(probe: Probe) -> None:
    probe.action(
        run_mutation(insert(THINGS, {"key": "old"})), run_mutation(patch(outer(0, 0, "value"), {"key": "new"}))
    )

    assert keys(probe) == ["new"]


# Ten MiB in each of two mutations are too much for one transaction and nothing for an action: the way to import a lot.
def test_each_mutation_of_an_action_has_its_own_allowance(probe: Probe) -> None:
    large = insert(THINGS, {"text": repeat("x", 1_000_000)}, times=10)

    first, second = probe.action(run_mutation(large), run_mutation(large))

    assert [first.value[0].error, second.value[0].error] == [None, None]
    assert probe.action(run_query(query(THINGS, read=1, select=[])))[0].value[0].error is None


# The depth of calls is counted from each mutation anew.
def test_calls_of_an_actions_mutation_can_be_nested_8_deep(probe: Probe) -> None:
    step = query(THINGS, count=True)
    for _ in range(9):
        step = run_mutation(step)

    result = probe.action(step)[0]

    for _ in range(9):
        result = result.value[0]
    assert result.value == 0


# Side by side


# A tool that runs ten calls at once; none of the writes may be lost.
def test_mutations_of_an_action_can_run_side_by_side(probe: Probe) -> None:
    probe.action(parallel(*(run_mutation(insert(THINGS, {"key": f"k{number}"})) for number in range(10))))

    assert sorted(keys(probe)) == [f"k{number}" for number in range(10)]


# Errors


# The action sees why its mutation failed and goes on.
@pytest.mark.parametrize("call", [run_query, run_mutation, run_action], ids=["query", "mutation", "action"])
def test_an_action_can_catch_the_error_of_a_call(probe: Probe, call: Any) -> None:
    failed, after = probe.action(call(throw("out of luck")), run_query(query(THINGS, count=True)))

    assert "out of luck" in (failed.error or "")
    assert after.value[0].value == 0


# Uncaught it ends the action, and the client reads the text.
@pytest.mark.parametrize("call", [run_query, run_mutation, run_action], ids=["query", "mutation", "action"])
def test_an_error_of_a_call_passes_the_action(probe: Probe, call: Any) -> None:
    with pytest.raises(FunctionError, match="out of luck"):
        probe.action(uncaught(call(throw("out of luck"))))


# The data of an application's error arrives in the action, Int64 included.
@pytest.mark.parametrize("call", [run_query, run_mutation, run_action], ids=["query", "mutation", "action"])
def test_an_action_gets_the_data_of_a_convex_error(probe: Probe, call: Any) -> None:
    failed = probe.action(call(throw_convex({"code": 409.0, "id": ConvexInt64(7)})))[0]

    assert failed.data == {"code": 409.0, "id": ConvexInt64(7)}


# And behind it at the client, from a mutation inside of an action inside of an action.
def test_a_convex_error_passes_actions(probe: Probe) -> None:
    with pytest.raises(ConvexError) as caught:
        probe.action(uncaught(run_action(uncaught(run_mutation(throw_convex({"code": 409.0}))))))

    assert caught.value.data == {"code": 409.0}


# Arguments are held against the validator of the called function, and the action can go on.
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(call_query("conformance/typed:takesString", {"value": 5.0}), id="query"),
        pytest.param(call_mutation("conformance/probe:mutation", {"program": 5.0}), id="mutation"),
    ],
)
def test_an_action_can_catch_the_refusal_of_its_arguments(probe: Probe, step: Any) -> None:
    refused, after = probe.action(step, run_query(query(THINGS, count=True)))

    assert "validator" in (refused.error or "").lower()
    assert after.error is None


# Actions in actions


# Agents call tools that are actions themselves: the answer comes back through both.
def test_an_action_gets_the_answer_of_an_action(probe: Probe) -> None:
    called = probe.action(run_action(run_query(query(THINGS, count=True))))[0]

    assert called.value[0].value[0].value == 0


# Nothing is undone across actions either.
def test_what_a_called_action_wrote_stays_when_its_caller_throws(probe: Probe) -> None:
    with pytest.raises(FunctionError, match="stop"):
        probe.action(run_action(run_mutation(insert(THINGS, {"key": "kept"}))), throw("stop"))

    assert keys(probe) == ["kept"]


# Vector search


# Mastra upserts embeddings and searches in the same breath: what was committed is found, what was deleted is not.
def test_an_action_finds_the_vectors_it_stored(probe: Probe) -> None:
    _, found, read = probe.action(
        run_mutation(insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})),
        vector_search(VECTORS, "by_embedding", [1.0, 0.0, 0.0]),
        run_query(get(outer(1, 0, "_id"))),
    )

    assert [round(hit["_score"], 5) for hit in found.value] == [1.0]
    assert read.value[0].value["name"] == "a"


# A failed mutation leaves no vector behind.
def test_an_action_does_not_find_the_vectors_of_a_failed_mutation(probe: Probe) -> None:
    _, found = probe.action(
        run_mutation(insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]}), throw("stop")),
        vector_search(VECTORS, "by_embedding", [1.0, 0.0, 0.0]),
    )

    assert found.value == []

"""Which functions can be called, by whom and as what, and what time it is inside of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError, connect
from convex_mastra_emulator.errors import RequestRefused
from pytest_mastra_convex.probe import (
    Probe,
    call_action,
    call_mutation,
    call_query,
    insert,
    now,
    query,
    ref,
    run_query,
)

THINGS = "conformance_things"
PROBE = "conformance/probe"
NOTHING_TO_DO = {"program": "[]"}


def nested_call(op: str, function: str, *steps: Any) -> dict[str, Any]:
    """A step that calls one of the probe's functions as what it is not."""
    return {"op": op, "path": f"{PROBE}:{function}", "program": list(steps)}


# Kinds


# The generated API knows each function's kind, a path given as text does not: the deployment must refuse.
@pytest.mark.parametrize(
    ("called_as", "function"),
    [
        pytest.param("query", "mutation", id="query-of-mutation"),
        pytest.param("query", "action", id="query-of-action"),
        pytest.param("mutation", "query", id="mutation-of-query"),
        pytest.param("mutation", "action", id="mutation-of-action"),
        pytest.param("action", "query", id="action-of-query"),
        pytest.param("action", "mutation", id="action-of-mutation"),
    ],
)
def test_a_function_called_as_another_kind_is_refused(
    convex_deployment: Deployment, called_as: str, function: str
) -> None:
    with pytest.raises(FunctionError, match=f"(?i){called_as}.*{function}|{function}.*{called_as}"):
        getattr(convex_deployment, called_as)(f"{PROBE}:{function}", NOTHING_TO_DO)


# Clients look for this text to tell a wrong kind from a missing function.
@pytest.mark.diverges("texts-of-unavailable-functions")
def test_the_refusal_of_another_kind_names_both(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError) as caught:
        convex_deployment.mutation(f"{PROBE}:query", NOTHING_TO_DO)

    assert caught.value.message == (
        "Trying to execute conformance/probe.js:query as Mutation, but it is defined as Query."
    )


# A query must not get at a mutation by any way: it is run again at will, and watched.
@pytest.mark.parametrize("function", ["mutation", "internalMutation"])
def test_a_query_cannot_write_through_a_function_it_calls(probe: Probe, function: str) -> None:
    refused = probe.query(nested_call("runQuery", function, insert(THINGS, {})))[0]

    assert refused.error is not None
    assert probe.count(THINGS) == 0


# Inside a mutation and an action the kinds are held apart just so, and the caller can go on.
@pytest.mark.parametrize(
    ("op", "function"),
    [
        pytest.param("runQuery", "mutation", id="query-of-mutation"),
        pytest.param("runQuery", "action", id="query-of-action"),
        pytest.param("runMutation", "query", id="mutation-of-query"),
        pytest.param("runMutation", "action", id="mutation-of-action"),
    ],
)
@pytest.mark.parametrize("caller", ["mutation", "action"])
def test_a_nested_call_as_another_kind_is_refused(probe: Probe, caller: str, op: str, function: str) -> None:
    refused, after = getattr(probe, caller)(nested_call(op, function), run_query(query(THINGS, count=True)))

    assert refused.error is not None
    assert after.error is None


# Actions can call actions, and nothing else under that name.
@pytest.mark.parametrize("function", ["query", "mutation"])
def test_an_action_calling_another_kind_as_action_is_refused(probe: Probe, function: str) -> None:
    assert probe.action(nested_call("runAction", function))[0].error is not None


# Visibility


# Internal functions are what keeps outsiders from reading every table.  They are refused as functions that do not exist
# are, so that nobody can find out what there is.
@pytest.mark.diverges("internal-functions")
@pytest.mark.parametrize(
    ("kind", "function"),
    [("query", "internalQuery"), ("mutation", "internalMutation"), ("action", "internalAction")],
    ids=["query", "mutation", "action"],
)
def test_internal_functions_are_hidden_from_clients(convex_url: str, kind: str, function: str) -> None:
    with (
        connect(convex_url) as client,
        pytest.raises(FunctionError, match=f"Could not find public function for '{PROBE}:{function}'"),
    ):
        getattr(client, kind)(f"{PROBE}:{function}", NOTHING_TO_DO)


# Scripts of administrators and the dashboard run them.
@pytest.mark.parametrize(
    ("kind", "function"),
    [("query", "internalQuery"), ("mutation", "internalMutation"), ("action", "internalAction")],
    ids=["query", "mutation", "action"],
)
def test_internal_functions_run_for_administrators(
    convex_url: str, convex_admin_key: str, kind: str, function: str
) -> None:
    with connect(convex_url, convex_admin_key) as client:
        assert getattr(client, kind)(f"{PROBE}:{function}", NOTHING_TO_DO) == "[]"


# The other side: public functions need no key.
def test_public_functions_run_for_everybody(convex_url: str) -> None:
    with connect(convex_url) as client:
        assert client.query(f"{PROBE}:query", NOTHING_TO_DO) == "[]"


# To functions of the deployment itself internal ones are open.
@pytest.mark.parametrize("caller", ["query", "mutation", "action"])
def test_internal_functions_run_for_functions(probe: Probe, caller: str) -> None:
    called = getattr(probe, caller)(run_query(query(THINGS, count=True), internal=True))[0]

    assert called.value[0].value == 0


# Paths


# Code that was not pushed yet, or a slip of the pen.
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{PROBE}:nothing", id="function"),
        pytest.param("conformance/nothing:query", id="module"),
        pytest.param("nothing:query", id="folder"),
        pytest.param(PROBE, id="default-export"),
        pytest.param(f"{PROBE}:Query", id="case"),
    ],
)
@pytest.mark.diverges("texts-of-unavailable-functions")
def test_an_unknown_function_is_named(convex_deployment: Deployment, path: str) -> None:
    with pytest.raises(FunctionError) as caught:
        convex_deployment.query(path, NOTHING_TO_DO)

    assert caught.value.message == f"Could not find public function for '{path}'."


# A missing function is an error like any other to the function that calls it.
@pytest.mark.parametrize(
    ("caller", "step"),
    [
        pytest.param("query", call_query(f"{PROBE}:nothing"), id="query-in-query"),
        pytest.param("mutation", call_query("conformance/nothing:query"), id="query-in-mutation"),
        pytest.param("mutation", call_mutation(f"{PROBE}:nothing"), id="mutation-in-mutation"),
        pytest.param("action", call_mutation(f"{PROBE}:nothing"), id="mutation-in-action"),
        pytest.param("action", call_action("nothing:query"), id="action-in-action"),
    ],
)
def test_a_caller_can_catch_that_a_function_is_missing(probe: Probe, caller: str, step: Any) -> None:
    refused, after = getattr(probe, caller)(step, run_query(query(THINGS, count=True)))

    assert refused.error is not None
    assert after.error is None


# The extension may be written or not: npm convex writes it in some places (`mastra/storage.js:handle`).
def test_the_modules_extension_may_be_written(convex_deployment: Deployment) -> None:
    assert convex_deployment.query(f"{PROBE}.js:query", NOTHING_TO_DO) == "[]"


# What cannot be a path at all is refused with the request, before any function is looked for.
@pytest.mark.diverges("malformed-paths")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param(":query", id="no-module"),
        pytest.param(f"{PROBE}:", id="no-function"),
        pytest.param(f"{PROBE}:my-query", id="hyphen-in-function"),
        pytest.param("conformance/my-probe:query", id="hyphen-in-module"),
        pytest.param("conformance/pro be:query", id="space"),
        pytest.param(f"{PROBE}.ts:query", id="other-extension"),
        pytest.param(f"/{PROBE}:query", id="absolute"),
        pytest.param(f"conformance/../{PROBE}:query", id="parent"),
    ],
)
def test_a_malformed_path_is_refused(convex_deployment: Deployment, path: str) -> None:
    with pytest.raises(RequestRefused, match="is not a valid path to a Convex function") as caught:
        convex_deployment.query(path, NOTHING_TO_DO)

    assert caught.value.code == "BadConvexFunctionIdentifier"


# Inside a function it is an argument like any other, and its caller can catch that.
@pytest.mark.diverges("malformed-paths")
@pytest.mark.parametrize(
    ("caller", "step", "named"),
    [
        pytest.param("query", call_query("my-module:f"), "runUdf", id="query-in-query"),
        pytest.param("mutation", call_mutation("my-module:f"), "runUdf", id="mutation-in-mutation"),
        pytest.param("action", call_query("my-module:f"), "runQuery", id="query-in-action"),
        pytest.param("action", call_mutation("my-module:f"), "runMutation", id="mutation-in-action"),
        pytest.param("action", call_action("my-module:f"), "runAction", id="action-in-action"),
    ],
)
def test_a_caller_can_catch_that_a_path_is_malformed(probe: Probe, caller: str, step: Any, named: str) -> None:
    refused = getattr(probe, caller)(step)[0]

    assert refused.error == (
        f"Invalid arguments for `{named}`: Path component my-module.js can only contain alphanumeric characters, "
        "underscores, or periods."
    )


# Whatever the words: nothing runs under a wrong path.
@pytest.mark.parametrize("path", [f"{PROBE}:my-query", f"{PROBE}:nothing", "conformance:probe:query"])
def test_nothing_runs_under_a_wrong_path(convex_deployment: Deployment, path: str) -> None:
    with pytest.raises(EmulatorError):
        convex_deployment.mutation(path, {"program": json.dumps([insert(THINGS, {})])})

    assert Probe(convex_deployment).count(THINGS) == 0


# Time


# Rows of one mutation share one time stamp, however long it takes: `createdAt` of a batch is equal.
@pytest.mark.diverges("time-in-transactions")
def test_the_time_stands_still_in_a_mutation(probe: Probe) -> None:
    before, _, after, called = probe.mutation(now(), insert(THINGS, {}, times=5_000), now(), run_query(now()))

    assert before.value == after.value == called.value[0].value


# Milliseconds since 1970, without a fraction, as everywhere in JavaScript; 2020 to 2100.
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_the_time_is_in_whole_milliseconds(probe: Probe, kind: str) -> None:
    value = getattr(probe, kind)(now())[0].value

    assert value == int(value)
    assert 1_577_836_800_000 < value < 4_102_444_800_000


# A document cannot be older than the mutation that made it; both clocks are the deployment's.
def test_creation_times_follow_the_time_of_the_mutation(probe: Probe) -> None:
    started, _, read = probe.mutation(now(), insert(THINGS, {}), {"op": "get", "id": ref(1).json})

    assert abs(read.value["_creationTime"] - started.value) < 10_000

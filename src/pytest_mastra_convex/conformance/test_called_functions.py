"""What a function may do for its caller: paginate once more, and run what clients may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_mastra_convex.conformance.plain_http import PlainHttp
from pytest_mastra_convex.conformance.things import THINGS, keys_of, store_keys
from pytest_mastra_convex.probe import Probe, insert, query, run_mutation, run_query

_PAGE = query(THINGS, paginate={"numItems": 1, "cursor": None})


# A function that has read its own page calls one that reads another: only a second one of its own is too many.
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_a_called_function_paginates_after_its_caller(probe: Probe, kind: str) -> None:
    store_keys(probe, 1)
    call = {"query": probe.query, "mutation": probe.mutation}[kind]

    own, called = call(_PAGE, run_query(_PAGE))

    assert keys_of(own.value["page"]) == [1]
    assert keys_of(called.value[0].value["page"]) == [1]


# ... and what was called gives no allowance back.
def test_a_second_page_of_the_caller_is_refused_after_a_call(probe: Probe) -> None:
    _, called, second = probe.query(_PAGE, run_query(_PAGE), _PAGE)

    assert called.value[0].error is None
    assert "single paginated query" in str(second.error)


# Anybody may call the public action, which alone decides whether its internal function runs: the usual way to keep
# a function from clients.  An emulator that asks who called the action would refuse it, or all internal functions.
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_functions_of_anonymous_callers_run_internal_ones(plain_http: PlainHttp, kind: str) -> None:
    answer = plain_http.run(kind, run_query(_PAGE, internal=True), is_admin=False).json()

    assert answer["status"] == "success", answer
    assert "page" in json.dumps(answer["value"])


@pytest.mark.parametrize("kind", ["mutation", "action"])
def test_internal_mutations_run_for_functions_of_anonymous_callers(
    plain_http: PlainHttp, probe: Probe, kind: str
) -> None:
    step: dict[str, Any] = run_mutation(insert(THINGS, {"key": 7}), internal=True)

    answer = plain_http.run(kind, step, is_admin=False).json()

    assert answer["status"] == "success", answer
    assert keys_of(probe.collect(THINGS)) == [7]

"""Which values are equal: in index ranges and in filters it is the equality of the total order, not that of a language.

convex-backend crates/common/src/query.rs, crates/value/src/sorting.rs; npm convex values/compare.ts.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import undefined
from pytest_mastra_convex.conformance.things import THINGS
from pytest_mastra_convex.probe import Probe, eq, field, insert, literal, neq, patch

# What one might take for equal, by a name for the ids of cases.
DIFFERENT = [
    pytest.param(0.0, -0.0, id="zero-minus-zero"),
    pytest.param(-0.0, 0.0, id="minus-zero-zero"),
    pytest.param(1.0, ConvexInt64(1), id="float64-int64"),
    pytest.param(ConvexInt64(1), 1.0, id="int64-float64"),
    pytest.param(1.0, True, id="one-true"),
    pytest.param(0.0, False, id="zero-false"),
    pytest.param("1", 1.0, id="text-number"),
    pytest.param("", None, id="empty-text-null"),
    pytest.param(undefined, None, id="missing-null"),
    pytest.param(None, undefined, id="null-missing"),
    pytest.param("abc", b"abc", id="text-bytes"),
    pytest.param(["a"], "a", id="list-its-element"),
    pytest.param([0.0], [-0.0], id="zeros-inside"),
    pytest.param("\u00e9", "e\u0301", id="composed-decomposed"),
    pytest.param("a", "A", id="case"),
]
SAME = [
    pytest.param(float("nan"), id="nan"),
    pytest.param(float("inf"), id="infinity"),
    pytest.param(-0.0, id="minus-zero"),
    pytest.param(ConvexInt64(2**63 - 1), id="int64-max"),
    pytest.param(undefined, id="missing"),
    pytest.param(None, id="null"),
    pytest.param(b"\x00\xff", id="bytes"),
    pytest.param([[], {}], id="containers"),
    pytest.param({"b": [1.0], "a": float("nan")}, id="object"),
]


# A lookup by key that takes 0 for -0 or a missing field for null finds the row of somebody else.
@pytest.mark.parametrize(("stored", "wanted"), DIFFERENT)
def test_index_does_not_find_another_value(probe: Probe, stored: Any, wanted: Any) -> None:
    probe.insert(THINGS, {"key": stored})

    assert probe.collect(THINGS, index="by_key", range=[eq("key", wanted)]) == []


@pytest.mark.parametrize("value", SAME)
def test_index_finds_the_same_value(probe: Probe, value: Any) -> None:
    probe.insert(THINGS, {"key": value})

    assert probe.count(THINGS, index="by_key", range=[eq("key", value)]) == 1


@pytest.mark.parametrize(("stored", "wanted"), DIFFERENT)
def test_filter_does_not_find_another_value(probe: Probe, stored: Any, wanted: Any) -> None:
    probe.insert(THINGS, {"key": stored})

    assert probe.collect(THINGS, filter=eq(field("key"), literal(wanted))) == []
    assert probe.count(THINGS, filter=neq(field("key"), literal(wanted))) == 1


# NaN equals itself here, unlike in Python and JavaScript: a filter by their `==` never finds it again.
@pytest.mark.parametrize("value", SAME)
def test_filter_finds_the_same_value(probe: Probe, value: Any) -> None:
    probe.insert(THINGS, {"key": value})

    assert probe.count(THINGS, filter=eq(field("key"), literal(value))) == 1
    assert probe.collect(THINGS, filter=neq(field("key"), literal(value))) == []


# A patch that looks like no change to Python or JavaScript is one: the index has to follow.
def test_patch_from_zero_to_minus_zero_moves_the_document(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"key": 0.0})

    probe.mutation(patch(stored, {"key": -0.0}))

    assert probe.collect(THINGS, index="by_key", range=[eq("key", 0.0)]) == []
    assert probe.count(THINGS, index="by_key", range=[eq("key", -0.0)]) == 1


def test_patch_from_float64_to_int64_moves_the_document(probe: Probe) -> None:
    stored = probe.insert(THINGS, {"key": 1.0})

    probe.mutation(insert(THINGS, {"key": 1.0}), patch(stored, {"key": ConvexInt64(1)}))

    found = probe.collect(THINGS, index="by_key", range=[eq("key", ConvexInt64(1))])
    assert [row["_id"] for row in found] == [stored]

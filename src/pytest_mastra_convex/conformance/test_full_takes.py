"""A query that has what it was asked for reads no further, whatever lies behind."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, store_keys
from pytest_mastra_convex.probe import Probe, eq, field, insert, query, repeat

_LARGE = insert(THINGS, {"key": "large", "text": repeat("x", 1_000_000)}, times=9)
_WANTED = eq(field("key"), "wanted")


def store_18_mb(probe: Probe) -> None:
    """More than one function may read, in two mutations."""
    probe.mutation(_LARGE)
    probe.mutation(_LARGE)


# mastra-ai/mastra#13533: the first match is at the front of a table that nobody can read as a whole.
@pytest.mark.parametrize(
    ("end", "expected"),
    [({"take": 2}, ["wanted", "wanted"]), ({"take": 0}, [])],
    ids=["take", "take-none"],
)
def test_a_filtered_take_that_is_full_reads_no_further(probe: Probe, end: Any, expected: list[str]) -> None:
    store_keys(probe, "wanted", "other", "wanted")
    store_18_mb(probe)

    [found] = probe.query(query(THINGS, filter=_WANTED, select=["key"], **end))

    assert keys_of(found.value) == expected


def test_a_filtered_first_reads_no_further(probe: Probe) -> None:
    store_keys(probe, "other", "wanted")
    store_18_mb(probe)

    [found] = probe.query(query(THINGS, filter=_WANTED, first=True, select=["key"]))

    assert found.error is None
    assert keys_of([found.value]) == ["wanted"]


# Two matches are enough for `unique` to know that there is more than one: it does not look for a third.
def test_unique_reads_no_further_than_the_second_match(probe: Probe) -> None:
    store_keys(probe, "wanted", "wanted")
    store_18_mb(probe)

    [found] = probe.query(query(THINGS, filter=_WANTED, unique=True))

    assert "more than one result" in str(found.error)

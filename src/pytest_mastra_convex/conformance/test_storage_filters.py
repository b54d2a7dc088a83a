"""Several filters of one `queryTable`: a row must meet all of them, wherever the table keeps its rows."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from pytest_mastra_convex.conformance.records import equal, ids_of, rows, send

FALLBACK = "conformance_filtered"
VECTORS = "mastra_vector_conformance_filtered"


def store_four(deployment: Deployment, table: str, prefix: str) -> None:
    """Four records: with and without each of two fields' wanted values."""
    records = [
        {"id": f"{prefix}{kind}-{state}", "kind": kind, "state": state}
        for kind in ("a", "b")
        for state in ("on", "off")
    ]
    assert send(deployment, "batchInsert", table, records=records)["ok"] is True


# A tenant's own records of one kind: with either filter alone others' would come along.
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param([("kind", "a"), ("state", "on")], ["a-on"], id="both"),
        pytest.param([("state", "off"), ("kind", "b")], ["b-off"], id="other-order"),
        pytest.param([("kind", "a"), ("kind", "b")], [], id="contradiction"),
        pytest.param([("kind", "a"), ("missing", "x")], [], id="one-field-missing"),
        pytest.param([("kind", "a")], ["a-on", "a-off"], id="one"),
        pytest.param([], ["a-on", "a-off", "b-on", "b-off"], id="none"),
    ],
)
def test_a_record_must_meet_all_filters(
    convex_deployment: Deployment, convex_prefix: str, filters: list[tuple[str, Any]], expected: list[str]
) -> None:
    store_four(convex_deployment, FALLBACK, convex_prefix)

    found = rows(convex_deployment, FALLBACK, filters=[equal(name, value) for name, value in filters])

    assert ids_of(found) == [f"{convex_prefix}{record_id}" for record_id in expected]


# Vectors are filtered by the same rule: the index's name is one more condition.
def test_a_vector_must_meet_all_filters(convex_deployment: Deployment, convex_prefix: str) -> None:
    first, second = f"{convex_prefix}first", f"{convex_prefix}second"
    records = [{"id": identifier, "embedding": [1.0, 0.0], "metadata": {}} for identifier in (first, second)]
    assert send(convex_deployment, "batchInsert", VECTORS, records=records)["ok"] is True

    met = rows(convex_deployment, VECTORS, filters=[equal("id", first), equal("id", first)])
    contradicted = rows(convex_deployment, VECTORS, filters=[equal("id", first), equal("id", second)])

    assert (ids_of(met), contradicted) == ([first], [])

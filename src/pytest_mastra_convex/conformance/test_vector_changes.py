"""Documents that change after they were found: an index that was searched before must forget what it knew of them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.probe import Probe, delete, eq, patch, replace

VECTORS = "conformance_vectors"
NEAR = [1.0, 0.0, 0.0]
FAR = [-1.0, 0.0, 0.0]


def stored(probe: Probe, name: str, embedding: list[float], **fields: Any) -> str:
    return probe.insert(VECTORS, {"name": name, "embedding": embedding, **fields})


def found(probe: Probe, **options: Any) -> list[str]:
    """The ids a search near the first axis gives, best first."""
    return [row["_id"] for row in probe.vector_search(VECTORS, "by_embedding", NEAR, **options)]


# A document that was found, edited and embedded anew: the search after it must not go by the vector it had.
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda identifier: patch(identifier, {"embedding": FAR}), id="patch"),
        pytest.param(lambda identifier: replace(identifier, {"name": "moved", "embedding": FAR}), id="replace"),
    ],
)
def test_a_document_that_was_found_moves_with_its_vector(probe: Probe, write: Any) -> None:
    moved = stored(probe, "moved", NEAR)
    stays = stored(probe, "stays", [1.0, 1.0, 0.0])
    before = found(probe)

    probe.mutation(write(moved))

    assert before == [moved, stays]
    assert found(probe) == [stays, moved]


# The score is that of the new vector, too: who shows only good matches would show a bad one.
def test_the_score_is_that_of_the_new_vector(probe: Probe) -> None:
    moved = stored(probe, "moved", NEAR)
    found(probe)

    probe.patch(moved, {"embedding": FAR})

    [row] = probe.vector_search(VECTORS, "by_embedding", NEAR)
    assert row["_score"] == pytest.approx(-1.0)


# A document that is given to another tenant after it was found: it must not be shown to the former one.
@pytest.mark.parametrize("field", ["group", "rank"])
def test_a_document_that_was_found_is_not_found_by_its_former_field(probe: Probe, field: str) -> None:
    former, new = ("a", "b") if field == "group" else (1.0, 2.0)
    moved = stored(probe, "moved", NEAR, **{field: former})
    before = found(probe, filter=eq(field, former))

    probe.patch(moved, {field: new})

    assert before == [moved]
    assert found(probe, filter=eq(field, former)) == []
    assert found(probe, filter=eq(field, new)) == [moved]


# What was found and deleted is gone, and the document stored after it does not take over its group.
def test_a_document_stored_after_a_deletion_has_fields_of_its_own(probe: Probe) -> None:
    gone = stored(probe, "gone", NEAR, group="a")
    found(probe)
    probe.mutation(delete(gone))

    new = stored(probe, "new", NEAR, group="b")

    assert found(probe) == [new]
    assert found(probe, filter=eq("group", "a")) == []

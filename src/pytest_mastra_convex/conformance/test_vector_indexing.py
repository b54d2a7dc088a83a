"""Which documents are in a vector index, and how soon: after inserts, updates, deletions and failed mutations.

convex-backend crates/vector/src/qdrant_index.rs, crates/database/src/vector_index_worker (convex-engine.md §8.2, §8.5).
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Deployment, FunctionError
from pytest_mastra_convex.probe import (
    Probe,
    delete,
    get,
    insert,
    outer,
    patch,
    query,
    ref,
    run_action,
    run_mutation,
    run_query,
    throw,
    vector_search,
)

VECTORS = "conformance_vectors"
LOOSE = "conformance_loose_vectors"
INDEX = "by_embedding"
SEARCH = vector_search(VECTORS, INDEX, [1, 0, 0])
SEARCH_LOOSE = vector_search(LOOSE, INDEX, [1, 0])


def found(probe: Probe, vector: list[float], *, table: str = VECTORS) -> list[str]:
    """The ids a search gives, best first."""
    return [row["_id"] for row in probe.vector_search(table, INDEX, vector, limit=256)]


# Documents that cannot be indexed

NOT_INDEXED = [
    pytest.param({}, id="missing"),
    pytest.param({"embedding": None}, id="null"),
    pytest.param({"embedding": "[1, 0]"}, id="text"),
    pytest.param({"embedding": {"0": 1.0, "1": 0.0}}, id="object"),
    pytest.param({"embedding": b"\x01\x00"}, id="bytes"),
    pytest.param({"embedding": []}, id="empty"),
    pytest.param({"embedding": [1.0]}, id="too-short"),
    pytest.param({"embedding": [1.0, 0.0, 0.0]}, id="too-long"),
    pytest.param({"embedding": [ConvexInt64(1), ConvexInt64(0)]}, id="int64"),
    pytest.param({"embedding": [1.0, ConvexInt64(0)]}, id="one-int64"),
    pytest.param({"embedding": [1.0, None]}, id="one-null"),
    pytest.param({"embedding": [[1.0, 0.0]]}, id="list-of-lists"),
]


# The green test and the red production: rows whose embedding failed are stored all the same, and no search sees them.
@pytest.mark.diverges("dimensions-of-vectors")
@pytest.mark.parametrize("document", NOT_INDEXED)
def test_a_document_without_a_fitting_vector_is_not_found(probe: Probe, document: dict[str, Any]) -> None:
    probe.insert(LOOSE, document)
    fitting = probe.insert(LOOSE, {"embedding": [0.0, 1.0]})

    assert found(probe, [1, 0], table=LOOSE) == [fitting]


# The write itself is never refused for the vector's sake: only a validator can do that.
@pytest.mark.parametrize("document", NOT_INDEXED)
def test_a_document_without_a_fitting_vector_is_stored(probe: Probe, document: dict[str, Any]) -> None:
    identifier = probe.insert(LOOSE, document)

    assert (probe.get(identifier) or {}).get("embedding") == document.get("embedding")


# A validator says that it is a list of numbers; how many of them, it cannot say.
@pytest.mark.parametrize(
    "embedding",
    [
        pytest.param("[1, 0, 0]", id="text"),
        pytest.param([1.0, None, 0.0], id="null"),
        pytest.param([1.0, ConvexInt64(0), 0.0], id="int64"),
        pytest.param([1.0, "0", 0.0], id="text-inside"),
    ],
)
def test_a_validator_refuses_what_is_no_list_of_numbers(probe: Probe, embedding: Any) -> None:
    assert probe.mutation(insert(VECTORS, {"name": "a", "embedding": embedding}))[0].error is not None


@pytest.mark.diverges("dimensions-of-vectors")
def test_a_vector_of_another_length_passes_the_validator_and_is_not_found(probe: Probe) -> None:
    probe.insert(VECTORS, {"name": "short", "embedding": [1.0, 0.0]})

    assert probe.count(VECTORS) == 1
    assert found(probe, [1, 0, 0]) == []


# A row is written first and its embedding comes later, from a job.
def test_a_document_is_found_once_it_gets_a_vector(probe: Probe) -> None:
    identifier = probe.insert(LOOSE, {"text": "later"})

    probe.patch(identifier, {"embedding": [1.0, 0.0]})

    assert found(probe, [1, 0], table=LOOSE) == [identifier]


@pytest.mark.diverges("dimensions-of-vectors")
def test_a_document_that_loses_its_vector_is_lost_to_searches(probe: Probe) -> None:
    identifier = probe.insert(LOOSE, {"embedding": [1.0, 0.0]})

    probe.replace(identifier, {"text": "no vector"})

    assert found(probe, [1, 0], table=LOOSE) == []


# Updates and deletions


# A document was edited and embedded anew: it must be found where it is now, and no more where it was.
def test_an_updated_vector_moves_its_document(probe: Probe) -> None:
    moved = probe.insert(VECTORS, {"name": "moved", "embedding": [1.0, 0.0, 0.0]})
    stays = probe.insert(VECTORS, {"name": "stays", "embedding": [1.0, 1.0, 0.0]})

    probe.patch(moved, {"embedding": [-1.0, 0.0, 0.0]})

    assert found(probe, [1, 0, 0]) == [stays, moved]


# The same through replace, many times over: no old version may be left behind.
def test_a_document_replaced_often_is_found_once(probe: Probe) -> None:
    identifier = probe.insert(VECTORS, {"name": "a", "embedding": [0.0, 0.0, 1.0]})

    for number in range(5):
        probe.replace(identifier, {"name": "a", "embedding": [1.0, float(number), 0.0]})

    assert found(probe, [1, 0, 0]) == [identifier]


# A change of another field keeps the vector.
def test_a_patch_of_another_field_keeps_the_document_found(probe: Probe) -> None:
    identifier = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    probe.patch(identifier, {"note": "read"})

    assert found(probe, [1, 0, 0]) == [identifier]


# Data that had to be deleted must not come out of a search.
def test_a_deleted_document_is_not_found(probe: Probe) -> None:
    gone = probe.insert(VECTORS, {"name": "gone", "embedding": [1.0, 0.0, 0.0]})
    stays = probe.insert(VECTORS, {"name": "stays", "embedding": [0.0, 1.0, 0.0]})

    probe.delete(gone)

    assert found(probe, [1, 0, 0]) == [stays]


# Deleted and stored again: the new document is another one.
def test_a_document_stored_again_is_found_under_its_new_id(probe: Probe) -> None:
    old = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})
    probe.delete(old)

    new = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    assert found(probe, [1, 0, 0]) == [new]


# A mutation that fails leaves nothing in the index either.
def test_a_failed_mutation_leaves_nothing_to_find(probe: Probe) -> None:
    kept = probe.insert(VECTORS, {"name": "kept", "embedding": [0.0, 1.0, 0.0]})

    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(insert(VECTORS, {"name": "lost", "embedding": [1.0, 0.0, 0.0]}), delete(kept), throw("stop"))

    assert found(probe, [1, 0, 0]) == [kept]


# In actions


# An agent saves a memory and looks for it in the same breath: the index does not lag behind.
def test_what_an_actions_mutation_stored_is_found_at_once(probe: Probe) -> None:
    before, stored, after = probe.action(
        SEARCH, run_mutation(insert(VECTORS, {"name": "new", "embedding": [1.0, 0.0, 0.0]})), SEARCH
    )

    assert before.value == []
    assert [row["_id"] for row in after.value] == [stored.value[0].value]


def test_what_an_actions_mutation_deleted_is_not_found_any_more(probe: Probe) -> None:
    identifier = probe.insert(VECTORS, {"name": "old", "embedding": [1.0, 0.0, 0.0]})

    before, _, after = probe.action(SEARCH, run_mutation(delete(identifier)), SEARCH)

    assert [len(before.value), len(after.value)] == [1, 0]


# The way every user goes: search, then read the documents in a query.
def test_an_action_reads_what_it_found(probe: Probe) -> None:
    probe.insert(VECTORS, {"name": "far", "embedding": [0.0, 1.0, 0.0]})
    probe.insert(VECTORS, {"name": "near", "embedding": [1.0, 0.0, 0.0]})

    _, read = probe.action(SEARCH, run_query(get(outer(0, 0, "_id")), get(outer(0, 1, "_id"))))

    assert [document.value["name"] for document in read.value] == ["near", "far"]


# Between the search and the reading anything may happen: the document may be gone.
def test_a_document_found_may_be_gone_when_it_is_read(probe: Probe) -> None:
    identifier = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    search, _, read = probe.action(SEARCH, run_mutation(delete(identifier)), run_query(get(outer(0, 0, "_id"))))

    assert search.value[0]["_id"] == identifier
    assert read.value[0].value is None


# A tool that is an action of its own.
def test_an_action_called_by_an_action_searches(probe: Probe) -> None:
    identifier = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    called = probe.action(run_action(SEARCH))[0]

    assert [row["_id"] for row in called.value[0].value] == [identifier]


# A refused search is an error the action can handle, and search on.
def test_an_action_goes_on_after_a_refused_search(probe: Probe) -> None:
    probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    refused, after = probe.action(vector_search(VECTORS, INDEX, []), SEARCH)

    assert refused.error is not None
    assert len(after.value) == 1


# Searching is for actions alone: Mastra's function that searches cannot be called as anything else.
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_the_search_cannot_be_called_in_a_transaction(convex_deployment: Deployment, kind: str) -> None:
    config = {"tableName": "docs_vectors", "vectorIndexName": INDEX}

    with pytest.raises(FunctionError, match=f"(?i){kind}"):
        getattr(convex_deployment, kind)("mastra/nativeVector:query", {"config": config, "vector": [1.0, 0.0, 0.0]})


# Two tables with an index of one name are two indexes.
def test_tables_are_searched_apart(probe: Probe) -> None:
    probe.insert(LOOSE, {"embedding": [1.0, 0.0]})
    identifier = probe.insert(VECTORS, {"name": "a", "embedding": [1.0, 0.0, 0.0]})

    typed, loose = probe.action(SEARCH, SEARCH_LOOSE)

    assert [row["_id"] for row in typed.value] == [identifier]
    assert len(loose.value) == 1


# One mutation that stores, changes and deletes leaves in the index what it leaves in the table.
def test_only_the_last_version_of_a_mutation_is_indexed(probe: Probe) -> None:
    probe.mutation(
        insert(VECTORS, {"name": "changed", "embedding": [1.0, 0.0, 0.0]}),
        patch(ref(0), {"embedding": [0.0, 0.0, 1.0]}),
        insert(VECTORS, {"name": "gone", "embedding": [1.0, 0.0, 0.0]}),
        delete(ref(2)),
    )

    search, read = probe.action(SEARCH, run_query(query(VECTORS, select=["_id", "name"])))

    assert [document["name"] for document in read.value[0].value] == ["changed"]
    assert [(row["_id"], row["_score"]) for row in search.value] == [(read.value[0].value[0]["_id"], 0)]

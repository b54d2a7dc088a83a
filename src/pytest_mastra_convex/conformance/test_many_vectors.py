"""``ConvexVector``, which compares in the client, with more vectors than a page, and than a handler takes.

npm @mastra/convex 1.5.2 ``ConvexVector`` reads all rows in pages of 256 (mastra-adapter.md §10).
"""

from __future__ import annotations

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexVector
from pytest_mastra_convex.conformance.crowd import LAST, PAST_THE_CAP, Crowd
from pytest_mastra_convex.conformance.records import ids_of, rows, send
from pytest_mastra_convex.probe import counter, repeat

INDEX = "many"
TABLE = f"mastra_vector_{INDEX}"


def fill(crowd: Crowd, vectors: ConvexVector, count: int) -> None:
    """Creates the index and so many vectors, row-0 at [0, -1], each nearer to [1, 0] than the one before."""
    vectors.create_index(INDEX, dimension=2)
    crowd.fill("mastra_vectors", count, indexName=crowd.own(INDEX), embedding=[counter(), -1.0])


# mastra-ai/mastra#17269: the best match was the newest, and the store read 10,000 rows.
def test_the_best_match_is_the_10_001st(convex_vector: ConvexVector, crowd: Crowd) -> None:
    fill(crowd, convex_vector, PAST_THE_CAP)

    found = convex_vector.query(INDEX, query_vector=[1.0, 0.0], top_k=3)

    assert ids_of(found) == [LAST, "row-9999", "row-9998"]


# mastra-ai/mastra#17269: it counted 10,000 of them.
def test_10_001_vectors_are_counted(convex_vector: ConvexVector, crowd: Crowd) -> None:
    fill(crowd, convex_vector, PAST_THE_CAP)

    assert convex_vector.describe_index(INDEX).count == PAST_THE_CAP


# The ends of pages: with exactly a page, and one more than that, nothing is left out and nothing is read twice.
@pytest.mark.parametrize("count", [255, 256, 257, 512, 513])
def test_every_page_is_read_once(convex_vector: ConvexVector, crowd: Crowd, count: int) -> None:
    fill(crowd, convex_vector, count)

    found = ids_of(convex_vector.query(INDEX, query_vector=[1.0, 0.0], top_k=1000))

    assert found == [f"row-{number}" for number in reversed(range(count))]
    assert convex_vector.describe_index(INDEX).count == count


# There is no largest number of results here (get-convex/mastra#2 is about the native store).
def test_more_than_256_results_are_given(convex_vector: ConvexVector, crowd: Crowd) -> None:
    fill(crowd, convex_vector, 600)

    assert len(convex_vector.query(INDEX, query_vector=[1.0, 0.0], top_k=500)) == 500


# Vectors of other indexes lie in the same table, before and between: none of them may be read, counted or found.
def test_other_indexes_are_not_read(convex_vector: ConvexVector, crowd: Crowd) -> None:
    crowd.fill("mastra_vectors", 300, indexName=crowd.own("other"), embedding=[1.0, 0.0])
    fill(crowd, convex_vector, 300)
    crowd.fill("mastra_vectors", 300, indexName=crowd.own(f"{INDEX}2"), embedding=[1.0, 0.0])

    found = convex_vector.query(INDEX, query_vector=[1.0, 0.0], top_k=1000)

    assert len(found) == convex_vector.describe_index(INDEX).count == 300
    assert all(result.score < 1 for result in found)


# mastra-ai/mastra#9712: what a filter finds is deleted on all pages, and nothing else is.
def test_deletion_by_filter_reaches_every_page(convex_vector: ConvexVector, crowd: Crowd) -> None:
    fill(crowd, convex_vector, 300)
    crowd.fill("mastra_vectors", 300, id="gone", indexName=crowd.own("other"), metadata={"topic": "gone"})
    ids = [f"row-{number}" for number in (0, 100, 255, 256, 299)]
    convex_vector.upsert(INDEX, ids=ids, vectors=[[1.0, 1.0]] * 5, metadata=[{"topic": "gone"}] * 5)

    convex_vector.delete_vectors(INDEX, filter={"topic": "gone"})

    left = ids_of(convex_vector.query(INDEX, query_vector=[1.0, 0.0], top_k=1000))
    assert len(left) == 295
    assert not set(ids) & set(left)
    assert convex_vector.query("other", query_vector=[1.0, 0.0], top_k=1) != []


# An update by filter, the same way.
def test_an_update_by_filter_reaches_every_page(convex_vector: ConvexVector, crowd: Crowd) -> None:
    fill(crowd, convex_vector, 300)
    convex_vector.update_vector(INDEX, id="row-299", update={"metadata": {"topic": "old"}})

    convex_vector.update_vector(INDEX, filter={"topic": "old"}, update={"vector": [-1.0, 0.0]})

    found = convex_vector.query(INDEX, query_vector=[-1.0, 0.0], top_k=1)
    assert [(one.id, one.score, one.metadata) for one in found] == [("row-299", 1.0, {"topic": "old"})]


# Clearing goes 25 rows a call: both sides of that.
@pytest.mark.parametrize("count", [25, 26, 60])
def test_an_index_is_emptied(convex_vector: ConvexVector, crowd: Crowd, count: int) -> None:
    fill(crowd, convex_vector, count)

    convex_vector.truncate_index(INDEX)

    assert convex_vector.describe_index(INDEX).count == 0


# Other clients read without pages: they get the first 10,000 rows at most, and a filter looks among these only.
def test_a_filter_without_pages_ends_at_10_000(
    convex_deployment: Deployment, convex_vector: ConvexVector, crowd: Crowd
) -> None:
    fill(crowd, convex_vector, PAST_THE_CAP)

    found = [
        rows(convex_deployment, TABLE, filters=[{"field": "id", "value": f"row-{number}"}])
        for number in (9_999, 10_000)
    ]

    assert [len(matching) for matching in found] == [1, 0]


# Metadata hold the text of the documents: a page of 256 would be 25 MiB, of which a function reads 16.  The page ends
# there, and the next one goes on.
def test_pages_of_large_rows_are_shorter(
    convex_deployment: Deployment, convex_vector: ConvexVector, crowd: Crowd
) -> None:
    convex_vector.create_index(INDEX, dimension=2)
    for number in range(2):
        crowd.fill(
            "mastra_vectors",
            100,
            id=f"half-{number}",
            indexName=crowd.own(INDEX),
            embedding=[counter(), -1.0],
            metadata={"text": repeat("x", 100_000)},
        )

    assert convex_vector.describe_index(INDEX).count == 200
    first = send(convex_deployment, "queryTable", TABLE, pageSize=256, cursor=None)
    assert first["hasMore"] is (len(first["result"]) < 200)

"""Which documents a vector search finds, in which order, with which scores, and how many of them.

convex-backend crates/vector/src/qdrant_index.rs and query.rs (convex-engine.md §8).
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_mastra_convex.probe import Probe, counter, counter_text, insert, vector_search

VECTORS = "conformance_vectors"
INDEX = "by_embedding"

# A deployment computes in 32 bits: one part in 8 million, a few times over for three dimensions.
TOLERANCE = 1e-6


def store(probe: Probe, **vectors: list[float]) -> dict[str, str]:
    """Stores vectors of three dimensions under names, in this order; returns the names by id."""
    steps = probe.mutation(*(insert(VECTORS, {"embedding": vector, "name": name}) for name, vector in vectors.items()))
    return dict(zip([step.value for step in steps], vectors, strict=True))


def fan(probe: Probe, count: int) -> None:
    """Stores the vectors [0, 1, 0], [1, 1, 0], [2, 1, 0], …, each further from the first."""
    step = insert(VECTORS, {"embedding": [counter(), 1, 0], "name": counter_text("fan-")}, times=count)
    assert probe.mutation(step)[0].error is None


def scores(rows: list[dict[str, Any]]) -> list[float]:
    """The score of each result."""
    return [row["_score"] for row in rows]


def refusal(probe: Probe, vector: Any, *, table: str = VECTORS, index: str = INDEX, limit: Any = None) -> str:
    """The text with which a search is refused."""
    error = probe.action(vector_search(table, index, vector, limit=limit))[0].error
    assert error is not None
    return error


# Order and scores


# The reason for it all: retrieval takes the first few and never looks further.
def test_the_nearest_document_comes_first(probe: Probe) -> None:
    names = store(probe, far=[0, 0, 1], near=[1, 0.1, 0], middle=[1, 1, 0])

    found = probe.vector_search(VECTORS, INDEX, [1, 0, 0])

    assert [names[row["_id"]] for row in found] == ["near", "middle", "far"]


# Thresholds on scores are written against the cosine: 1 the same direction, 0 across, -1 the opposite.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        pytest.param([1, 0, 0], 1.0, id="same"),
        pytest.param([1, 1, 0], math.sqrt(0.5), id="45-degrees"),
        pytest.param([0, 0, 1], 0.0, id="across"),
        pytest.param([-1, 1, 0], -math.sqrt(0.5), id="135-degrees"),
        pytest.param([-1, 0, 0], -1.0, id="opposite"),
    ],
)
def test_the_score_is_the_cosine(probe: Probe, vector: list[float], score: float) -> None:
    store(probe, only=vector)

    assert scores(probe.vector_search(VECTORS, INDEX, [1, 0, 0])) == pytest.approx([score], abs=TOLERANCE)


# Models that do not normalise their embeddings: length must not count, neither of the stored nor of the asked.
@pytest.mark.parametrize("length", [0.01, 1.0, 1000.0, 1e15], ids=["short", "one", "long", "very-long"])
def test_the_length_of_a_vector_does_not_count(probe: Probe, length: float) -> None:
    store(probe, only=[3 * length, 4 * length, 0])

    found = probe.vector_search(VECTORS, INDEX, [length, 0, 0])

    assert scores(found) == pytest.approx([0.6], abs=TOLERANCE)


# Scores below zero are results like any other; there is no threshold.
def test_documents_that_point_away_are_found(probe: Probe) -> None:
    names = store(probe, across=[0, 1, 0], away=[-1, 0, 0])

    found = probe.vector_search(VECTORS, INDEX, [1, 0, 0])

    assert [names[row["_id"]] for row in found] == ["across", "away"]


# A result is an id and a score; the document has to be read.
def test_a_result_has_an_id_and_a_score_only(probe: Probe) -> None:
    names = store(probe, only=[1, 0, 0])

    found = probe.vector_search(VECTORS, INDEX, [1, 0, 0])

    assert [set(row) for row in found] == [{"_id", "_score"}]
    assert found[0]["_id"] in names


# Directions that differ beyond the seventh digit are one direction in 32 bits, and get one score.
@pytest.mark.diverges("precision-of-vectors")
def test_scores_have_the_precision_of_32_bits(probe: Probe) -> None:
    store(probe, a=[1, 0.3, 0.7], b=[1, 0.3, 0.7 + 1e-12])

    first, second = scores(probe.vector_search(VECTORS, INDEX, [0.2, 0.9, 0.4]))

    assert first == second


# Ties


# Duplicated content: equal vectors have equal scores, whatever their order, so a threshold takes all or none.
def test_equal_vectors_have_equal_scores(probe: Probe) -> None:
    names = store(probe, a=[0.3, 0.7, 0.2], other=[1, 0, 0], b=[0.3, 0.7, 0.2], c=[0.3, 0.7, 0.2])

    found = probe.vector_search(VECTORS, INDEX, [0.1, 0.9, 0.4])

    assert {names[row["_id"]] for row in found[:3]} == {"a", "b", "c"}
    assert len(set(scores(found[:3]))) == 1


# When a limit cuts through a tie, some of the equal ones are left out, never a better one.
def test_a_limit_inside_a_tie_keeps_the_better_ones(probe: Probe) -> None:
    names = store(probe, a=[1, 1, 0], b=[1, 1, 0], best=[1, 0, 0], c=[1, 1, 0])

    found = [names[row["_id"]] for row in probe.vector_search(VECTORS, INDEX, [1, 0, 0], limit=3)]

    assert found[0] == "best"
    assert len(set(found[1:])) == 2


# Equal scores are ordered by id, the highest first: the same search gives the same answer twice, but not in the order
# of creation, on which no test may rely.
@pytest.mark.diverges("order-of-vector-ties")
def test_ties_are_ordered_by_id_the_highest_first(probe: Probe) -> None:
    names = store(probe, **{f"v{number}": [1.0, 2.0, 3.0] for number in range(10)})

    found = [row["_id"] for row in probe.vector_search(VECTORS, INDEX, [1, 2, 3], limit=10)]

    assert found == sorted(names, reverse=True)


# Zero


# An embedding of nothing: its direction is unknown, so it is as near to one as to any other.
def test_a_stored_zero_vector_scores_zero(probe: Probe) -> None:
    names = store(probe, behind=[-1, 0, 0], zero=[0, 0, 0], before=[1, 0, 0])

    found = probe.vector_search(VECTORS, INDEX, [1, 0, 0])

    assert [names[row["_id"]] for row in found] == ["before", "zero", "behind"]
    assert found[1]["_score"] == 0


def test_a_zero_vector_asked_for_scores_zero_everywhere(probe: Probe) -> None:
    store(probe, a=[1, 0, 0], b=[0, 5, 0])

    assert scores(probe.vector_search(VECTORS, INDEX, [0, 0, 0])) == [0, 0]


# Vectors whose square is below the smallest step of 32 bits (1.19e-7) are left as they are: they score next to nothing.
@pytest.mark.diverges("tiny-vectors")
def test_a_tiny_vector_is_not_normalised(probe: Probe) -> None:
    store(probe, tiny=[1e-4, 0, 0])

    assert scores(probe.vector_search(VECTORS, INDEX, [1, 0, 0])) == pytest.approx([1e-4], rel=1e-6)


# The other side: a square of 1e-6 is enough.
def test_a_small_vector_is_normalised(probe: Probe) -> None:
    store(probe, small=[1e-3, 0, 0])

    assert scores(probe.vector_search(VECTORS, INDEX, [1, 0, 0])) == pytest.approx([1.0], abs=TOLERANCE)


# How many


# Ten, when nobody says how many; a list that is read to its end looks complete then.
@pytest.mark.diverges("limits-of-vector-searches")
def test_ten_of_eleven_are_found_by_default(probe: Probe) -> None:
    fan(probe, 11)

    assert len(probe.vector_search(VECTORS, INDEX, [0, 1, 0])) == 10


def test_all_of_ten_are_found_by_default(probe: Probe) -> None:
    fan(probe, 10)

    assert len(probe.vector_search(VECTORS, INDEX, [0, 1, 0])) == 10


# The smallest limit: the nearest and no other, also when it was stored last.
def test_one_is_the_nearest(probe: Probe) -> None:
    fan(probe, 20)
    names = store(probe, nearest=[-9, 1, 0])

    found = probe.vector_search(VECTORS, INDEX, [-9, 1, 0], limit=1)

    assert [names[row["_id"]] for row in found] == ["nearest"]


# get-convex/mastra#2: 256 is the largest limit there is.  The 257th is missing, and it is the furthest.
def test_256_of_257_are_the_nearest(probe: Probe) -> None:
    fan(probe, 257)

    found = probe.vector_search(VECTORS, INDEX, [0, 1, 0], limit=256)

    assert len({row["_id"] for row in found}) == 256
    assert scores(found) == sorted(scores(found), reverse=True)
    assert found[-1]["_score"] == pytest.approx(1 / math.hypot(255, 1), rel=1e-4)


# get-convex/mastra#2: "Vector queries can fetch at most 256 results, requested 1024", whether or not there are as many.
@pytest.mark.diverges("limits-of-vector-searches")
@pytest.mark.parametrize("limit", [257, 1024])
@pytest.mark.parametrize("count", [0, 300], ids=["empty", "full"])
def test_more_than_256_are_refused(probe: Probe, count: int, limit: int) -> None:
    fan(probe, count)

    assert refusal(probe, [0, 1, 0], limit=limit) == (
        f"Vector queries can fetch at most 256 results, requested {limit}."
    )


# A page size that somebody computed: none wanted, none given, and no error.
def test_none_are_found_with_a_limit_of_zero(probe: Probe) -> None:
    store(probe, only=[1, 0, 0])

    assert probe.vector_search(VECTORS, INDEX, [1, 0, 0], limit=0) == []


# What is no number of results is the deployment's own error; it does not say what was wrong.
@pytest.mark.diverges("limits-of-vector-searches")
@pytest.mark.parametrize("limit", [-1, 1.5], ids=["negative", "fraction"])
def test_a_limit_that_is_no_number_of_results_is_refused(probe: Probe, limit: float) -> None:
    store(probe, only=[1, 0, 0])

    assert "Your request couldn't be completed" in refusal(probe, [1, 0, 0], limit=limit)


# mastra-ai/mastra#17269: the best match stood behind a page of 10,000 and was never looked at.
def test_the_best_match_is_found_behind_10_000_others(probe: Probe) -> None:
    fan(probe, 10_000)
    names = store(probe, last=[-9, 1, 0])

    found = probe.vector_search(VECTORS, INDEX, [-9, 1, 0], limit=2)

    assert [names.get(row["_id"]) for row in found] == ["last", None]


# Refused


# A model was changed and the index was not: the query's length must be the index' own.
@pytest.mark.diverges("dimensions-of-vectors")
@pytest.mark.parametrize("length", [1, 2, 4, 1536, 4096])
def test_a_query_of_another_length_is_refused(probe: Probe, length: int) -> None:
    store(probe, only=[1, 0, 0])

    assert refusal(probe, [1.0] * length) == f"Expected a vector with dimensions 3, received {length}."


# Longer than any vector index can be: refused with the largest length instead of the index' own.
@pytest.mark.diverges("dimensions-of-vectors")
def test_a_query_longer_than_any_index_is_refused(probe: Probe) -> None:
    store(probe, only=[1, 0, 0])

    assert refusal(probe, [1.0] * 4097) == "Expected a vector with dimensions 4096, received 4097."


# npm convex refuses these before they are sent.
@pytest.mark.parametrize(
    "vector",
    [pytest.param([], id="empty"), pytest.param("[1, 0, 0]", id="text"), pytest.param({"0": 1}, id="object")],
)
def test_a_query_that_is_no_list_of_numbers_is_refused(probe: Probe, vector: Any) -> None:
    assert "`vector` must be a non-empty Array" in refusal(probe, vector)


# NaN and infinities are null in JSON, on which the deployment fails without saying so.
@pytest.mark.diverges("dimensions-of-vectors")
@pytest.mark.parametrize(
    "number", [math.nan, math.inf, -math.inf, None, "1"], ids=["nan", "inf", "-inf", "null", "text"]
)
def test_a_query_with_an_element_that_is_no_number_is_refused(probe: Probe, number: Any) -> None:
    store(probe, only=[1, 0, 0])

    assert "Your request couldn't be completed" in refusal(probe, [1, number, 0])


# An index that was never pushed, and one of another kind.
@pytest.mark.parametrize("index", ["by_nothing", "by_name"])
def test_a_search_without_a_vector_index_is_refused(probe: Probe, index: str) -> None:
    store(probe, only=[1, 0, 0])

    assert index in refusal(probe, [1, 0, 0], index=index)


# A table that nobody wrote to and that no schema names does not exist: nothing is found in it, whatever else is wrong.
@pytest.mark.diverges("vector-searches-without-a-table")
@pytest.mark.parametrize("limit", [None, 257], ids=["default", "257"])
def test_a_table_that_does_not_exist_holds_nothing(probe: Probe, limit: int | None) -> None:
    assert probe.vector_search("conformance_nothing", INDEX, [1, 0], limit=limit) == []


# The other side: a table of the schema without documents is searched, so what is wrong is refused.
@pytest.mark.diverges("dimensions-of-vectors")
def test_a_wrong_length_is_refused_in_an_empty_table(probe: Probe) -> None:
    assert "dimensions 3, received 2" in refusal(probe, [1, 0])


def test_an_empty_table_holds_nothing(probe: Probe) -> None:
    assert probe.vector_search(VECTORS, INDEX, [1, 0, 0]) == []

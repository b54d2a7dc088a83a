"""Rows of unit vectors in segments of 256: convex-engine.md §8.5."""

import numpy as np
import pytest

from convex_mastra_emulator.database.vector_matrix import SEGMENT_ROWS, VectorMatrix, best, normalised


def test_vector_is_brought_to_length_one_in_float32() -> None:
    row = normalised([3.0, 4.0])

    assert row.dtype == np.float32
    assert row.tolist() == [np.float32(0.6), np.float32(0.8)]


def test_zero_vector_stays_as_it_is() -> None:
    assert normalised([0.0, 0.0]).tolist() == [0.0, 0.0]


# `filterwarnings = error`: numpy must not warn about what a document may hold.
def test_numbers_beyond_float32_become_infinite_without_a_warning() -> None:
    assert not np.isfinite(normalised([1e300, 0.0])).all()


@pytest.mark.parametrize("count", [1, SEGMENT_ROWS - 1, SEGMENT_ROWS, SEGMENT_ROWS + 1])
def test_rows_are_scored_in_their_order(count: int) -> None:
    matrix = VectorMatrix(2)
    rows = [matrix.add([float(n), 1.0]) for n in range(count)]

    scores = matrix.scores(normalised([0.0, 1.0]))

    assert rows == list(range(count))
    assert len(scores) == count
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


def test_freed_row_is_handed_out_again() -> None:
    matrix = VectorMatrix(2)
    rows = [matrix.add([1.0, 0.0]) for _ in range(3)]

    matrix.free(rows[1])

    assert matrix.add([0.0, 1.0]) == rows[1]
    assert matrix.row_count == 3
    assert matrix.scores(normalised([1.0, 0.0])).tolist() == [1.0, 0.0, 1.0]


def test_row_can_be_set_anew() -> None:
    matrix = VectorMatrix(2)
    row = matrix.add([1.0, 0.0])

    matrix.set(row, [0.0, 5.0])

    assert matrix.scores(normalised([0.0, 1.0])).tolist() == [1.0]


@pytest.mark.parametrize("chosen", [[5], [0, 255, 256, 511, 599], list(range(0, 600, 7)), list(range(600)), []])
def test_scores_of_some_rows_are_those_among_all(chosen: list[int]) -> None:
    generator = np.random.default_rng(1)
    matrix = VectorMatrix(20)
    for vector in generator.normal(size=(600, 20)):
        matrix.add(vector.tolist())
    query = normalised(generator.normal(size=20).tolist())

    some = matrix.scores_of(np.array(chosen, dtype=np.intp), query)

    assert some.tolist() == matrix.scores(query)[chosen].tolist()


@pytest.mark.parametrize(("limit", "positions"), [(0, []), (1, [2]), (3, [2, 0, 3]), (9, [2, 0, 3, 1, 4])])
def test_best_are_the_highest_scores_then_the_highest_ties(limit: int, positions: list[int]) -> None:
    scores = np.array([0.5, 0.0, 0.9, 0.5, -1.0], dtype=np.float32)
    internal_ids = [b"z", b"a", b"a", b"b", b"a"]

    assert best(scores, internal_ids.__getitem__, limit) == positions


def test_best_of_nothing_is_nothing() -> None:
    assert best(np.empty(0, dtype=np.float32), lambda position: b"", 5) == []


def test_positive_zero_is_above_negative_zero_and_nan_above_all() -> None:
    scores = np.array([-0.0, 0.0, np.inf, np.nan, -np.inf], dtype=np.float32)

    assert best(scores, lambda position: b"", 5) == [3, 2, 1, 0, 4]

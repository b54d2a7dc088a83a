"""What a vector index holds, and its scores to the last bit: convex-engine.md §8.2 and §8.5."""

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, ManualClock, action
from convex_mastra_emulator.schema import TableDefinition, define_schema, define_table, v
from convex_mastra_emulator.values.ids import decode_id

Floats = npt.NDArray[np.float32]


def deployment_of(dimensions: int, table: TableDefinition | None = None, *, validated: bool = True) -> Emulator:
    """A deployment with one vector index over `e`, filtered by `tag`."""
    table = (table or define_table(v.any())).vector_index(
        "by_e", vector_field="e", dimensions=dimensions, filter_fields=["tag"]
    )
    return Emulator(define_schema({"docs": table}, schema_validation=validated), seed=1, clock=ManualClock())


@pytest.fixture
def deployment() -> Iterator[Emulator]:
    with deployment_of(3) as emulator:
        yield emulator


def insert(emulator: Emulator, embedding: Any, **fields: Any) -> str:
    document_id: str = emulator.run(lambda ctx: ctx.db.insert("docs", {"e": embedding, **fields}))
    return document_id


def search(emulator: Emulator, vector: list[float], *, limit: int = 256, tag: str | None = None) -> list[Any]:
    """Pairs of id and score."""
    condition = None if tag is None else lambda q: q.eq("tag", tag)
    emulator.define(
        "t:search",
        action(lambda ctx, args: ctx.vector_search("docs", "by_e", vector=vector, limit=limit, filter=condition)),
    )
    return [(row["_id"], row["_score"]) for row in emulator.action("t:search")]


# §8.5, written again as plain loops: below sixteen dimensions every step is one float32 operation, left to right.
def unit(vector: list[float]) -> list[np.float32]:
    row = [np.float32(number) for number in vector]
    squared = np.float32(0)
    for number in row:
        squared = np.float32(squared + number * number)
    if squared < np.float32(2**-23):
        return row
    length = np.sqrt(squared)
    return [np.float32(number / length) for number in row]


def expected_score(vector: list[float], query: list[float]) -> float:
    # Rust sums floats from -0.0, so that a sum of negative zeros is one.
    total = np.float32(-0.0)
    for one, other in zip(unit(vector), unit(query), strict=True):
        total = np.float32(total + one * other)
    return float(total)


def rank(result: tuple[float, str]) -> tuple[float, float, bytes]:
    """Score (a negative zero below a positive one, as `total_cmp` has it), then internal id."""
    score, document_id = result
    return score, math.copysign(1, score), decode_id(document_id)[1]


# What is indexed


@pytest.mark.parametrize("embedding", [[1.0, 2.0, 3.0], [1, 2, 3], (1, 2, 3), [0.0, 0.0, 0.0]])
def test_list_of_floats_of_the_right_length_is_indexed(deployment: Emulator, embedding: Any) -> None:
    document_id = insert(deployment, embedding)

    assert [found for found, _ in search(deployment, [1, 0, 0])] == [document_id]


@pytest.mark.parametrize(
    "embedding",
    [
        None,
        [],
        [1.0, 2.0],
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 2.0, ConvexInt64(3)],
        [ConvexInt64(1), ConvexInt64(2), ConvexInt64(3)],
        [1.0, None, 3.0],
        [1.0, "2", 3.0],
        [True, False, True],
        "123",
        b"123",
        {"0": 1.0, "1": 2.0, "2": 3.0},
        [[1.0, 2.0, 3.0]],
    ],
)
def test_anything_else_is_stored_but_not_indexed(deployment: Emulator, embedding: Any) -> None:
    document_id = insert(deployment, embedding)

    assert deployment.run(lambda ctx: ctx.db.get(document_id)) is not None
    assert search(deployment, [1, 0, 0]) == []


def test_document_without_the_field_is_not_indexed(deployment: Emulator) -> None:
    deployment.run(lambda ctx: ctx.db.insert("docs", {"tag": "a"}))

    assert search(deployment, [1, 0, 0]) == []


def test_vector_field_may_be_nested() -> None:
    table = define_table(v.any()).vector_index("by_e", vector_field="m.e", dimensions=2)
    with Emulator(define_schema({"docs": table}), seed=1, clock=ManualClock()) as emulator:
        emulator.run(lambda ctx: [ctx.db.insert("docs", doc) for doc in ({"m": {"e": [1, 0]}}, {"m": [1, 0]})])

        assert len(search(emulator, [1, 0])) == 1


# A validator of floats makes looking at every element unnecessary; where it is not enforced, it must be looked at.
@pytest.mark.parametrize(
    ("table", "validated"),
    [
        (define_table({"e": v.array(v.float64())}), False),
        (define_table({"e": v.union(v.array(v.float64()), v.array(v.int64()))}), True),
        (define_table(v.union(v.object({"e": v.array(v.float64())}), v.object({"e": v.array(v.int64())}))), True),
        (define_table({"e": v.array(v.any())}), True),
    ],
)
def test_int64_elements_are_left_out_whatever_the_validator(table: TableDefinition, validated: bool) -> None:
    with deployment_of(2, table, validated=validated) as emulator:
        document_id = insert(emulator, [1.0, 0.0])
        insert(emulator, [ConvexInt64(1), ConvexInt64(0)])

        assert [found for found, _ in search(emulator, [1, 0])] == [document_id]


def test_document_enters_and_leaves_the_index_with_its_vector(deployment: Emulator) -> None:
    document_id = insert(deployment, None)

    def is_found_with(embedding: Any) -> bool:
        deployment.run(lambda ctx: ctx.db.patch(document_id, {"e": embedding}))
        return bool(search(deployment, [1, 0, 0]))

    assert [is_found_with(embedding) for embedding in ([1, 0, 0], [1, 0], [0, 1, 0], None)] == [True, False] * 2


# Scores


VECTORS: list[list[float]] = [
    [1.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [0.1, 0.2, 0.3],
    [-3.0, 4.5, 1e-3],
    [1e15, 1e-15, 1.0],
    [123456.789, 0.001, -77.7],
    [1e-3, 1e-3, 1e-3],
    [3e-4, 0.0, 0.0],
]


@pytest.mark.parametrize("query", [[1.0, 0.0, 0.0], [0.3, 0.2, 0.1], [1.0, 1.0, 1.0], [-5.0, 1e-5, 2.0]])
def test_scores_are_those_of_float32_loops(deployment: Emulator, query: list[float]) -> None:
    vectors = {insert(deployment, vector): vector for vector in VECTORS}

    found = dict(search(deployment, query))

    assert found == {document_id: expected_score(vector, query) for document_id, vector in vectors.items()}


@pytest.mark.parametrize("dimensions", [2, 3, 15])
def test_scores_of_random_vectors_are_those_of_float32_loops(dimensions: int) -> None:
    chance = random.Random(dimensions)
    with deployment_of(dimensions) as emulator:
        vectors = {}
        for _ in range(100):
            vector = [chance.gauss(0, 1) for _ in range(dimensions)]
            vectors[insert(emulator, vector)] = vector
        query = [chance.gauss(0, 1) for _ in range(dimensions)]

        found = dict(search(emulator, query))

    assert found == {document_id: expected_score(vector, query) for document_id, vector in vectors.items()}


# From sixteen dimensions on the order of the sums is the processor's; the value is still the cosine.
@pytest.mark.parametrize("dimensions", [16, 64, 1536])
def test_scores_of_long_vectors_are_the_cosine(dimensions: int) -> None:
    chance = random.Random(dimensions)
    vector, query = ([chance.gauss(0, 1) for _ in range(dimensions)] for _ in range(2))
    with deployment_of(dimensions) as emulator:
        insert(emulator, vector)
        [(_, score)] = search(emulator, query)

    product = sum(one * other for one, other in zip(vector, query, strict=True))
    cosine = product / (math.hypot(*vector) * math.hypot(*query))
    assert score == pytest.approx(cosine, abs=1e-6)


def test_score_is_a_float32_widened(deployment: Emulator) -> None:
    insert(deployment, [1, 1, 1])

    [(_, score)] = search(deployment, [0.9, 1.0, 1.1])

    assert score == float(np.float32(score))
    assert type(score) is float


def test_zero_vector_scores_zero(deployment: Emulator) -> None:
    insert(deployment, [0, 0, 0])

    assert [score for _, score in search(deployment, [1, 0, 0])] == [0.0]


def test_zero_query_scores_zero_for_all(deployment: Emulator) -> None:
    insert(deployment, [1, 0, 0])
    insert(deployment, [0, 1, 0])

    assert [score for _, score in search(deployment, [0, 0, 0])] == [0.0, 0.0]


# Below the float32 epsilon (1.19e-7) of the squared length a vector is used as it is.
@pytest.mark.parametrize(
    ("length", "score"), [(3.4e-4, float(np.float32(3.4e-4))), (3.5e-4, 1.0), (1e-10, float(np.float32(1e-10)))]
)
def test_tiny_vectors_are_not_normalised(deployment: Emulator, length: float, score: float) -> None:
    insert(deployment, [length, 0, 0])

    assert [found for _, found in search(deployment, [1, 0, 0])] == [score]


# NaN and infinities can be stored; JSON has no number for their scores. A positive NaN is above everything.
def test_score_that_is_no_number_is_null_and_first(deployment: Emulator) -> None:
    best = insert(deployment, [1, 0, 0])
    strange = insert(deployment, [math.nan, 0, 0])

    assert search(deployment, [1, 0, 0]) == [(strange, None), (best, 1.0)]


# Order


def test_equal_scores_go_by_internal_id_descending(deployment: Emulator) -> None:
    ids = [insert(deployment, [1, 0, 0]) for _ in range(20)]

    found = [document_id for document_id, _ in search(deployment, [1, 0, 0])]

    assert found == sorted(ids, key=lambda document_id: decode_id(document_id)[1], reverse=True)


def test_ties_at_the_limit_are_cut_by_internal_id(deployment: Emulator) -> None:
    ids = [insert(deployment, [1, 0, 0]) for _ in range(20)]
    insert(deployment, [0, 1, 0])

    found = [document_id for document_id, _ in search(deployment, [1, 0, 0], limit=3)]

    assert found == sorted(ids, key=lambda document_id: decode_id(document_id)[1], reverse=True)[:3]


def test_negative_scores_come_last(deployment: Emulator) -> None:
    for x in (-1.0, 0.5, 0.0, -0.5, 1.0):
        insert(deployment, [x, 1.0, 0.0])

    scores = [score for _, score in search(deployment, [1, 0, 0])]

    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0


# A row's score must not depend on how many others there are, or ties would be broken anew with every insert
# (`M @ q` does so); nor on whether a filter has the row scored alone or among all.
@pytest.mark.parametrize("dimensions", [3, 20, 64])
def test_score_of_a_row_is_the_same_at_every_size_of_the_table(dimensions: int) -> None:
    chance = random.Random(dimensions)
    query = [chance.gauss(0, 1) for _ in range(dimensions)]
    near = [number + chance.gauss(0, 0.01) for number in query]
    with deployment_of(dimensions) as emulator:
        first = insert(emulator, near, tag="first")
        [(_, alone)] = search(emulator, query)

        for size in range(2, 601):
            insert(emulator, [chance.gauss(0, 1) for _ in range(dimensions)], tag="other")
            assert search(emulator, query, limit=1) == [(first, alone)], size
            assert search(emulator, query, limit=1, tag="first") == [(first, alone)], size


# Filters that match few rows and filters that match most take different ways through the code.
@pytest.mark.parametrize("dimensions", [3, 20])
def test_filtered_scores_are_those_of_the_whole(dimensions: int) -> None:
    chance = random.Random(dimensions)
    query = [chance.gauss(0, 1) for _ in range(dimensions)]
    with deployment_of(dimensions) as emulator:
        emulator.run(
            lambda ctx: [
                ctx.db.insert("docs", {"e": [chance.gauss(0, 1) for _ in range(dimensions)], "tag": tag, "n": n})
                for n, tag in enumerate(["rare"] * 10 + ["some"] * 90 + ["most"] * 150)
            ]
        )
        whole = dict(search(emulator, query))

        for tag, count in (("rare", 10), ("some", 90), ("most", 150)):
            found = dict(search(emulator, query, tag=tag))
            assert len(found) == count
            assert found == {document_id: whole[document_id] for document_id in found}


# Rows that come and go


def test_row_of_a_deleted_document_is_used_again(deployment: Emulator) -> None:
    gone = insert(deployment, [1, 0, 0], tag="old")
    search(deployment, [1, 0, 0])
    deployment.run(lambda ctx: ctx.db.delete(gone))
    assert search(deployment, [1, 0, 0]) == []

    new = insert(deployment, [0, 1, 0], tag="new")

    assert search(deployment, [0, 1, 0]) == [(new, 1.0)]
    assert search(deployment, [1, 0, 0], tag="old") == []
    assert search(deployment, [0, 1, 0], tag="new") == [(new, 1.0)]


def test_document_deleted_before_any_search_is_never_indexed(deployment: Emulator) -> None:
    document_id = insert(deployment, [1, 0, 0])
    deployment.run(lambda ctx: ctx.db.delete(document_id))

    assert search(deployment, [1, 0, 0]) == []


# Random writes, undone ones among them, against a plain dict and the loops above; more rows than one segment of 256.
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_index_holds_what_the_table_holds(seed: int) -> None:
    chance = random.Random(seed)
    model: dict[str, tuple[list[float], str]] = {}

    def random_document() -> tuple[list[float], str]:
        return [chance.choice([-1.0, 0.0, 0.5, 2.0]) for _ in range(3)], chance.choice("abc")

    def write(emulator: Emulator, target: dict[str, tuple[list[float], str]]) -> None:
        action_name = chance.choice(["insert", "insert", "insert", "patch", "delete"])
        embedding, tag = random_document()
        if action_name == "insert" or not target:
            target[insert(emulator, embedding, tag=tag)] = (embedding, tag)
            return
        document_id = chance.choice(sorted(target))
        if action_name == "patch":
            emulator.run(lambda ctx: ctx.db.patch(document_id, {"e": embedding, "tag": tag}))
            target[document_id] = (embedding, tag)
        else:
            emulator.run(lambda ctx: ctx.db.delete(document_id))
            del target[document_id]

    def check(emulator: Emulator, target: dict[str, tuple[list[float], str]]) -> None:
        query, tag = random_document()
        for wanted in (None, tag):
            ranked = sorted(
                (
                    (expected_score(embedding, query), document_id)
                    for document_id, (embedding, tag_) in target.items()
                    if wanted in (None, tag_)
                ),
                key=rank,
                reverse=True,
            )
            expected = [(document_id, score) for score, document_id in ranked[:20]]
            assert search(emulator, query, limit=20, tag=wanted) == expected

    with deployment_of(3) as emulator:
        for _ in range(15):
            for _ in range(chance.randrange(60)):
                write(emulator, model)
            check(emulator, model)
            with emulator.rollback():
                undone = dict(model)
                for _ in range(chance.randrange(30)):
                    write(emulator, undone)
                check(emulator, undone)
            check(emulator, model)

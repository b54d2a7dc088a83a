"""Index ranges that do not fit their index, and are refused whatever the table holds."""

from __future__ import annotations

import pytest

from pytest_mastra_convex.conformance.things import THINGS, store_keys
from pytest_mastra_convex.probe import Expression, Probe, StepFailed, eq, gt, gte, insert, lt, lte, query

_NOT_INDEXED = [eq("a", 1), eq("b", 1), eq("c", 1)]
_SECOND_ALONE = [eq("b", 1)]
_SECOND_BOUND_ALONE = [gt("b", 1)]
_BOUND_THEN_EQUALITY = [gt("a", 1), eq("b", 1)]
_TWO_LOWER = [gt("a", 1), gte("a", 2)]
_TWO_UPPER = [lt("a", 1), lte("a", 2)]
_TWO_EQUALITIES = [eq("a", 1), eq("a", 1)]
_EQUALITY_AND_BOUND = [eq("a", 1), gt("a", 0)]
_TWO_FIELDS = [gt("a", 1), lt("b", 1)]
_NO_PATH = [eq("a..b", 1)]


# A query that another database would answer by a scan must not pass here and fail in production.
@pytest.mark.parametrize(
    "bounds",
    [
        _NOT_INDEXED,
        _SECOND_ALONE,
        _SECOND_BOUND_ALONE,
        _BOUND_THEN_EQUALITY,
        _TWO_LOWER,
        _TWO_UPPER,
        _TWO_EQUALITIES,
        _EQUALITY_AND_BOUND,
        _TWO_FIELDS,
    ],
    ids=[
        "not-indexed",
        "second-alone",
        "second-bound-alone",
        "bound-then-equality",
        "two-lower",
        "two-upper",
        "two-equalities",
        "equality-and-bound",
        "two-fields",
    ],
)
def test_a_range_that_does_not_fit_its_index_is_refused(probe: Probe, bounds: list[Expression]) -> None:
    with pytest.raises(StepFailed, match=r"(?i)index"):
        probe.collect(THINGS, index="by_a_b", range=bounds)


# crates/common/src/query.rs: what the developer reads, and what tells the refusals apart.
@pytest.mark.diverges("index-range-text-probe")
@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (
            _NOT_INDEXED,
            r'comparison with "c", but conformance_things\.by_a_b with fields \["a", "b", "_creationTime"\]',
        ),
        (_SECOND_ALONE, r"^Tried to query index conformance_things\.by_a_b but .* fields in order"),
        (_SECOND_BOUND_ALONE, r'Query fields: \["b"\]\nFirst incorrect field: "b"'),
        (_BOUND_THEN_EQUALITY, r'Query fields: \["b", "a"\]\nFirst incorrect field: "b"'),
        (_TWO_LOWER, r'^Already defined lower bound in index range\. Can\'t add "a" >= 2'),
        (_TWO_UPPER, r'^Already defined upper bound in index range\. Can\'t add "a" <= 2'),
        (_TWO_EQUALITIES, r'^Already defined equality bound in index range\. Can\'t add "a" == 1'),
        (_EQUALITY_AND_BOUND, r"^Already defined inequality bound in index range"),
        (_TWO_FIELDS, r'can only be applied to a single index field.* on both "a" and "b"'),
        (_NO_PATH, r"^Invalid argument `query` for `queryStream`"),
    ],
    ids=[
        "not-indexed",
        "second-alone",
        "second-bound-alone",
        "bound-then-equality",
        "two-lower",
        "two-upper",
        "two-equalities",
        "equality-and-bound",
        "two-fields",
        "no-path",
    ],
)
def test_the_text_for_a_range_that_does_not_fit(probe: Probe, bounds: list[Expression], text: str) -> None:
    with pytest.raises(StepFailed, match=text):
        probe.collect(THINGS, index="by_a_b", range=bounds)


# The built-in indexes hold no field of the document.
@pytest.mark.parametrize("index", ["by_creation_time", "by_id"])
def test_a_field_is_no_part_of_a_built_in_index(probe: Probe, index: str) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match=r"(?i)withIndex|doesn't index"):
        probe.collect(THINGS, index=index, range=[eq("key", 1)])


# The creation time comes behind the fields, not instead of them.
def test_the_creation_time_alone_is_no_range_of_an_index(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="_creationTime"):
        probe.collect(THINGS, index="by_key", range=[gt("_creationTime", 0)])


# Only the whole nested path is indexed, not the object above it.
@pytest.mark.parametrize("path", ["nested", "value", "nested.value.more"], ids=["above", "below", "deeper"])
def test_another_path_than_the_indexed_one_is_refused(probe: Probe, path: str) -> None:
    with pytest.raises(StepFailed, match=path.replace(".", r"\.")):
        probe.collect(THINGS, index="by_nested", range=[eq(path, 1)])


# A refusal comes before the first document is looked at, and so also where none is asked for.
def test_a_range_that_does_not_fit_is_refused_for_no_documents(probe: Probe) -> None:
    with pytest.raises(StepFailed, match=r"(?i)index"):
        probe.take(THINGS, 0, index="by_a_b", range=_SECOND_ALONE)


# After the error is caught, the function goes on.
def test_a_function_goes_on_after_a_refused_range(probe: Probe) -> None:
    refused, stored, found = probe.mutation(
        query(THINGS, index="by_key", range=[eq("b", 1)]),
        insert(THINGS, {"key": 1}),
        query(THINGS, index="by_key", range=[eq("key", 1)], count=True),
    )

    assert refused.error is not None
    assert stored.error is None
    assert found.value == 1
